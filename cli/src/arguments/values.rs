//! Values that several commands take.

use std::convert::Infallible;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::foundation::id::ProjectId;
use domain::webhooks::signature::{BadSigningSecret, SigningSecret};

use crate::config::ConfigError;

/// The project that a command is about.
#[derive(Debug, Clone, Copy, Args)]
pub struct ProjectOption {
    /// Id of the project.
    #[arg(long = "project", value_name = "ID", help = "Id of the project [default: SIGNPOST_PROJECT]")]
    pub id: Option<ProjectId>,
}

/// A signing secret in an argument. The parser of arguments prints the values that it refuses, so the secret is checked later.
#[derive(Debug, Clone)]
pub struct Secret(Result<SigningSecret, BadSigningSecret>);

impl Secret {
    #[expect(clippy::unnecessary_wraps, reason = "clap demands a result")]
    pub(super) fn of_argument(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.parse()))
    }

    /// The secret.
    pub(crate) fn read(&self) -> Result<SigningSecret, ConfigError> {
        self.0.clone().map_err(ConfigError::BadSecret)
    }
}

/// Reads one of these names. Help and completions list them.
pub(super) fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
{
    let read = |name: String| name.parse().ok().expect("a listed name can be read");
    PossibleValuesParser::new(names).map(read)
}

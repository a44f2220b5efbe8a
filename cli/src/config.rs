//! The deployment and the API key, from `--api` and the environment.

use std::str::FromStr;

use domain::foundation::id::{BadId, ProjectId};
use domain::foundation::web_url;
use domain::projects::api_key::{ApiKey, ApiKeyKind, BadApiKey};
use domain::webhooks::signature::BadSigningSecret;
use thiserror::Error;
use url::Url;

/// The deployment to call, and the API key to call it with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The API of the deployment.
    pub api: BaseUrl,
    /// The API key.
    pub key: ApiKey,
    /// The project that commands are about, unless an argument names another one.
    pub project: Option<ProjectId>,
}

/// Why a command cannot start. The error never contains the key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Neither option nor variable names the deployment.
    #[error("set SIGNPOST_API or --api to the URL of the deployment's API, such as https://api.signpost.example")]
    NoApi,
    /// The variable is not the URL of an API.
    #[error("SIGNPOST_API cannot be used")]
    BadApi(#[source] BadBaseUrl),
    /// The variable for the key is not set.
    #[error(
        "set SIGNPOST_KEY to the API key; it cannot be an argument, because other users of a machine can read arguments"
    )]
    NoKey,
    /// The variable for the key is not an API key.
    #[error("SIGNPOST_KEY cannot be used")]
    BadKey(#[source] BadApiKey),
    /// The command needs another kind of key.
    #[error("SIGNPOST_KEY must be an operator key, which begins with sp_op_")]
    NotOperator,
    /// Neither option nor variable names the project.
    #[error("set SIGNPOST_PROJECT or --project to the id of the project")]
    NoProject,
    /// The variable is not the id of a project.
    #[error("SIGNPOST_PROJECT cannot be used")]
    BadProject(#[source] BadId),
    /// The signing secret cannot be read.
    #[error("the signing secret cannot be used")]
    BadSecret(#[source] BadSigningSecret),
    /// The deployment cannot reach an address of this machine.
    #[error(
        "--listen also needs --public-url: a deployment that is not on this machine reaches it only through a tunnel"
    )]
    NoPublicUrl,
}

/// Looks up a variable in the process environment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Config {
    /// Reads the configuration. `api` is the URL from the arguments, `var` looks up variables.
    pub fn read(api: Option<BaseUrl>, var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let var = |name| var(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let api = match api {
            Some(api) => api,
            None => var("SIGNPOST_API").ok_or(ConfigError::NoApi)?.parse().map_err(ConfigError::BadApi)?,
        };
        let key = var("SIGNPOST_KEY").ok_or(ConfigError::NoKey)?;
        let key = key.parse().map_err(ConfigError::BadKey)?;
        let project = var("SIGNPOST_PROJECT").map(|id| id.parse()).transpose().map_err(ConfigError::BadProject)?;
        Ok(Self { api, key, project })
    }

    /// The project of the argument, or of the environment.
    pub(crate) fn project(&self, argument: Option<ProjectId>) -> Result<ProjectId, ConfigError> {
        argument.or(self.project).ok_or(ConfigError::NoProject)
    }

    /// The configuration of a command that only an operator may run.
    pub(crate) fn of_operator(self) -> Result<Self, ConfigError> {
        if self.key.kind() == ApiKeyKind::Operator { Ok(self) } else { Err(ConfigError::NotOperator) }
    }
}

/// Where an API is: `https`, or `http` on this machine. The URL has no credentials, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// A string that is not a [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadBaseUrl {
    /// It is not an absolute URL.
    #[error("must be an absolute URL")]
    Malformed,
    /// The key would cross a network without encryption.
    #[error("must be https, or http for localhost")]
    Insecure,
    /// It has a part that a base URL cannot have.
    #[error("must have no credentials, query or fragment")]
    Parts,
}

impl BaseUrl {
    /// The URL of a path of the API, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The URL without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether the API is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl FromStr for BaseUrl {
    type Err = BadBaseUrl;

    fn from_str(text: &str) -> Result<Self, BadBaseUrl> {
        let url: Url = text.parse().map_err(|_| BadBaseUrl::Malformed)?;
        if !web_url::is_secure(&url) {
            return Err(BadBaseUrl::Insecure);
        }
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials || url.query().is_some() || url.fragment().is_some() {
            return Err(BadBaseUrl::Parts);
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::error_chain::chain;
    use domain::foundation::random::SystemRandom;

    use super::*;

    fn read(api: Option<&str>, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let var = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::read(api.map(|api| api.parse().unwrap()), var)
    }

    #[test]
    fn the_argument_takes_precedence_over_the_variable() {
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        let variables = [("SIGNPOST_API", "https://a.example/"), ("SIGNPOST_KEY", key.expose())];
        assert_eq!(read(None, &variables).unwrap().api.as_str(), "https://a.example");
        assert_eq!(read(Some("http://localhost:1/x"), &variables).unwrap().api.join("/v1"), "http://localhost:1/x/v1");
        assert_eq!(read(None, &variables).unwrap().of_operator().unwrap().key, key);
    }

    #[test]
    fn the_project_comes_from_the_argument_or_the_variable() {
        let key = ApiKey::generate(ApiKeyKind::Test, &SystemRandom);
        let of = |project| {
            let api = ("SIGNPOST_API", "https://a.example");
            read(None, &[api, ("SIGNPOST_KEY", key.expose()), ("SIGNPOST_PROJECT", project)])
        };
        let (one, other) = ("019ab0c4-7e38-7a3f-8c65-0123456789ab", "019ab0c4-7e38-7a3f-8c65-0123456789ac");
        let config = of(one).unwrap();
        assert_eq!(config.project(None).unwrap().to_string(), one);
        assert_eq!(config.project(Some(other.parse().unwrap())).unwrap().to_string(), other);
        assert_eq!(of("").unwrap().project(None), Err(ConfigError::NoProject));
        assert!(matches!(of("x"), Err(ConfigError::BadProject(_))));
    }

    #[test]
    fn errors_name_the_variable_and_hide_the_key() {
        let api = ("SIGNPOST_API", "https://a.example");
        assert_eq!(read(None, &[]).unwrap_err(), ConfigError::NoApi);
        assert_eq!(read(None, &[("SIGNPOST_API", "x")]).unwrap_err(), ConfigError::BadApi(BadBaseUrl::Malformed));
        assert_eq!(read(None, &[api, ("SIGNPOST_KEY", " ")]).unwrap_err(), ConfigError::NoKey);
        let error = read(None, &[api, ("SIGNPOST_KEY", "sp_op_secret")]).unwrap_err();
        assert_eq!(chain(&error), "SIGNPOST_KEY cannot be used: is not an API key");
    }

    #[test]
    fn a_command_of_operators_refuses_a_key_of_a_project() {
        let key = ApiKey::generate(ApiKeyKind::Test, &SystemRandom);
        let config = read(Some("https://a.example"), &[("SIGNPOST_KEY", key.expose())]).unwrap();
        assert_eq!(config.of_operator().unwrap_err(), ConfigError::NotOperator);
    }

    #[test]
    fn a_key_is_never_sent_without_encryption_to_another_machine() {
        for (text, expected) in [
            ("http://a.example", BadBaseUrl::Insecure),
            ("ftp://a.example", BadBaseUrl::Insecure),
            ("https://user@a.example", BadBaseUrl::Parts),
            ("https://a.example/?x", BadBaseUrl::Parts),
            ("a.example", BadBaseUrl::Malformed),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(expected), "{text}");
        }
    }
}

//! Why a command failed, and what to do about it.

use std::io;
use std::path::PathBuf;

use domain::foundation::error_chain::chain;
use domain::webhooks::endpoint::{Format, Payload};
use http::StatusCode;
use thiserror::Error;

use crate::api::ApiError;
use crate::config::ConfigError;
use crate::output;
use crate::verify::BadJwks;

/// Why a command failed. No variant contains a key or a secret.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// The configuration is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A call failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A receiver could take the sample for a real verification. Nothing was published.
    #[error("only test projects get sample events, because receivers of live projects would take them for real")]
    LiveProject,
    /// No endpoint can have this format with this payload.
    #[error("the format {0} and the payload {1} cannot be combined")]
    Layout(Format, Payload),
    /// Nobody confirmed a command that needs it.
    #[error("this needs a confirmation: run it on a terminal, or add --yes")]
    NotConfirmed,
    /// A file cannot be read.
    #[error("cannot read {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The standard input cannot be read.
    #[error("cannot read the standard input")]
    Input(#[source] io::Error),
    /// The standard input is a terminal, on which people cannot type the exact bytes of a request.
    #[error("give the captured request: --headers FILE --body FILE, or a raw HTTP request on standard input")]
    NoRequest,
    /// The input has no empty line, so it is not a request.
    #[error("the input is not a raw HTTP request: it needs headers, an empty line and the body")]
    NotARequest,
    /// The body has the form that it has on the wire.
    #[error("the body is chunked; capture it after your server has decoded it, and use --headers and --body")]
    Chunked,
    /// The input is larger than any webhook.
    #[error("the {0} must have at most {1} bytes")]
    TooLarge(&'static str, usize),
    /// Neither a signing secret nor public keys are given.
    #[error(
        "there is nothing to verify with: set SIGNPOST_SIGNING_SECRET to the endpoint's signing secret, or give --secret-file; \
         for v1a signatures, give the project's public keys with --jwks"
    )]
    NothingToVerifyWith,
    /// The file with the public keys cannot be used.
    #[error("{} cannot be used", .0.display())]
    Jwks(PathBuf, #[source] BadJwks),
}

impl CommandError {
    /// Whether the command was used wrongly, so that nothing was tried.
    pub(crate) fn is_wrong_usage(&self) -> bool {
        !matches!(self, Self::Api(_))
    }

    /// Writes the error to the standard error, with what to do.
    pub(crate) fn write(&self) {
        output::write_message(&format!("error: {}", chain(self)));
        if let Some(advice) = self.advice() {
            output::write_message(&format!("→ {advice}"));
        }
    }

    /// What to do about the error, if its sentence does not say it.
    fn advice(&self) -> Option<String> {
        match self {
            Self::Api(error) => api_advice(error),
            Self::LiveProject => Some(
                "Use a key of a test project, which begins with sp_test_. If no receiver acts on the events, signpost simulate \
                 --live publishes them."
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn api_advice(error: &ApiError) -> Option<String> {
    let advice = match error {
        ApiError::Unreachable(_) => "Check SIGNPOST_API and your network.",
        ApiError::Unexpected(_) => {
            "Check that SIGNPOST_API is the URL of the API, and that this program has the version of the deployment."
        }
        ApiError::Refused { status, problem } => match *status {
            StatusCode::UNAUTHORIZED => "The deployment does not know this key, or it has expired. Create another key.",
            StatusCode::FORBIDDEN => {
                "The key belongs to another project, lacks a scope, or may not be used from this address. The help of the \
                 command names its scopes."
            }
            StatusCode::NOT_FOUND => "Check the id, SIGNPOST_PROJECT and SIGNPOST_API.",
            StatusCode::TOO_MANY_REQUESTS => "Wait a minute and try again.",
            status if status.is_server_error() && !problem.request_id.is_empty() => {
                return Some(format!("Try again later. The operator finds the request as {}.", problem.request_id));
            }
            status if status.is_server_error() => "Try again later.",
            _ => return None,
        },
    };
    Some(advice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Problem;

    fn refused(status: StatusCode) -> CommandError {
        ApiError::Refused { status, problem: Problem { request_id: "r-1".to_owned(), ..Problem::default() } }.into()
    }

    #[test]
    fn wrong_usage_is_not_a_failure_of_the_deployment() {
        assert!(
            CommandError::NotConfirmed.is_wrong_usage() && CommandError::Config(ConfigError::NoApi).is_wrong_usage()
        );
        assert!(!refused(StatusCode::FORBIDDEN).is_wrong_usage() && CommandError::LiveProject.is_wrong_usage());
    }

    #[test]
    fn the_advice_for_a_fault_of_the_deployment_names_the_request() {
        let advice = refused(StatusCode::INTERNAL_SERVER_ERROR).advice().unwrap();
        assert_eq!(advice, "Try again later. The operator finds the request as r-1.");
        assert_eq!(refused(StatusCode::UNPROCESSABLE_ENTITY).advice(), None);
    }
}

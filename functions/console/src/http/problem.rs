//! Why a page cannot be shown or a form is refused. A handler returns a [`Problem`], and a layer writes its page.

use api::ProblemKind;
use aws::lambda::request_log::{FailureCause, ProblemName};
use aws::lambda::telemetry;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::BadField;
use domain::projects::console::AfterSession;

/// Why a request has no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The api refused a call or failed.
    Api(ApiProblem),
    /// The path has no page.
    NoSuchPage,
    /// The page does not support the method.
    MethodNotAllowed,
    /// The request would change something and does not come from a page of this console.
    OtherSite,
    /// There is no session, or it is over.
    SessionOver(AfterSession),
    /// The body is not a form.
    NotAForm,
    /// The form is larger than the console reads.
    FormTooLarge,
    /// A service failed, and a retry may help.
    Unavailable {
        /// The cause, for the log.
        cause: String,
    },
    /// The console failed, and a retry does not help.
    Internal {
        /// The cause, for the log.
        cause: String,
    },
}

/// An error response of the api (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiProblem {
    /// The kind, which determines the status.
    pub(crate) kind: ProblemKind,
    /// The invalid fields of the body.
    pub(crate) errors: Vec<BadField>,
    /// Seconds after which a retry may succeed.
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    /// A failure of a service, with its chain of causes for the log.
    pub(crate) fn unavailable(error: &dyn std::error::Error) -> Self {
        Self::Unavailable { cause: telemetry::chain(error) }
    }

    /// A failure of the console itself, with its chain of causes for the log.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self::Internal { cause: telemetry::chain(error) }
    }

    /// The kind, if the problem comes from the api.
    pub(crate) fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Api(problem) => Some(problem.kind),
            _ => None,
        }
    }

    /// Whether a form can be shown again with this problem, so that the person can correct it or send it again.
    pub(crate) fn belongs_to_the_form(&self) -> bool {
        match self {
            Self::Api(problem) => !matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Internal),
            _ => false,
        }
    }

    /// The status of the page.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Api(problem) => problem.kind.status(),
            Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::SessionOver(_) => StatusCode::UNAUTHORIZED,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::FormTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Api(problem) => problem.kind.name(),
            Self::NoSuchPage => "no-such-page",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::OtherSite => "other-site",
            Self::SessionOver(_) => "session-over",
            Self::NotAForm => "not-a-form",
            Self::FormTooLarge => "form-too-large",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "internal",
        }
    }
}

/// The response without its page. The layer that writes the page finds the problem in the extensions.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Self::Api(ApiProblem { retry_after: Some(seconds), .. }) = &self {
            response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 (section 15.5.2) demands a challenge. Browsers ignore schemes that they do not know.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie realm=\"console\""));
        }
        let extensions = response.extensions_mut();
        extensions.insert(ProblemName(self.name()));
        if let Self::Unavailable { cause } | Self::Internal { cause } = &self {
            extensions.insert(FailureCause(cause.clone()));
        }
        extensions.insert(self);
        response
    }
}

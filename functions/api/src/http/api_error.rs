//! Why a request is rejected or fails, with the status and the sentence that the caller gets.

use std::convert::Infallible;

use aws::ServiceError;
use aws::api_keys::RateLimitStatus;
use aws::lambda::request_log::FailureCause;
use aws::lambda::telemetry;
use aws::link_keys::LinkKeyError;
use aws::queue::QueueError;
use aws::secrets::SecretError;
use aws::ses::MailError;
use aws::store::{BadIdempotencyKey, StoreError};
use axum::http::header::{ACCEPT_ENCODING, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::{BadField, BadFields, NotAnObject};
use domain::foundation::key_ring::CannotOpen;
use domain::projects::api_key::{Refusal, Scope};
use domain::projects::console::Role;
use domain::projects::rate_limit::WINDOW;
use domain::reports::confirmation::CannotAsk;
use domain::return_urls::{CannotChange, CannotIssue, MAX_SECRET_KEYS};
use domain::webhooks::delivery::SkipReason;
use domain::webhooks::request::OpenError;
use mail::RenderError;
use thiserror::Error;

use crate::http::bad_query::BadQuery;
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;

/// How a caller can authenticate (RFC 9110, section 11.6.1). No registered scheme describes a key in a header of its own.
const CHALLENGE: &str = r#"ApiKey realm="signpost", header="x-api-key""#;

/// Why a request is rejected or fails.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// The API key is missing or unknown.
    #[error("API key is missing or unknown; send it in the header x-api-key")]
    UnknownKey,
    /// The API key is known, but does not allow this call.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The console session was ended.
    #[error("console session is over")]
    SessionOver,
    /// The role of the console session lacks a scope.
    #[error("role {0} of this console session lacks the scope {1}")]
    RoleLacks(Role, Scope),
    /// The API key or console session belongs to another project, or the route is only for operator keys.
    #[error("caller has no access to this resource")]
    Forbidden,
    /// The deployment has a proxy, and the request bypassed it.
    #[error("request did not come through the public host of this API")]
    NotThroughProxy,
    /// The caller has exceeded its rate limit.
    #[error("caller has exceeded its limit of calls in {} seconds", WINDOW.as_secs())]
    TooManyCalls(RateLimitStatus),
    /// The project has exceeded its limit of test sends.
    #[error("project has exceeded its limit of test sends and handshakes per minute")]
    TooManyTests {
        /// Seconds until the next minute begins.
        seconds_left: u64,
    },
    /// The endpoint does not ask for a handshake.
    #[error("endpoint does not ask for a handshake; set its ownership to handshake first")]
    HandshakeNotAsked,
    /// Another slow read of the project is running.
    #[error("another report or dry run of this project is running; wait until it ends")]
    SlowReadRunning,
    /// The resource does not exist.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// No route has this path.
    #[error("route not found")]
    RouteNotFound,
    /// The route does not support the method.
    #[error("method is not supported by this route")]
    MethodNotAllowed,
    /// The URL is longer than the limit in bytes.
    #[error("URL is longer than {0} bytes")]
    UrlTooLong(usize),
    /// The body has another content type than JSON.
    #[error("body must be JSON; send content-type: application/json")]
    UnsupportedMediaType,
    /// The body is compressed.
    #[error("body must not be compressed; send it without content-encoding")]
    CompressedBody,
    /// The body is larger than the limit in bytes.
    #[error("body is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection broke off while the body was read.
    #[error("body could not be read")]
    UnreadableBody,
    /// The body is not a JSON object.
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    /// Some fields of the body are invalid.
    #[error(transparent)]
    BadFields(#[from] BadFields),
    /// The query string is invalid.
    #[error(transparent)]
    BadQuery(#[from] BadQuery),
    /// The header `Idempotency-Key` is invalid.
    #[error(transparent)]
    BadHeader(#[from] BadIdempotencyKey),
    /// The project already has the maximum number of these resources.
    #[error("limit of {0} {1} is reached")]
    LimitReached(usize, &'static str),
    /// Another request changed the settings between this request's read and its write.
    #[error("resource was changed by another request at the same time; read it again and retry")]
    ChangedMeanwhile,
    /// The settings do not meet `If-Match` or `If-None-Match`.
    #[error("resource does not meet If-Match or If-None-Match; read it again")]
    PreconditionFailed,
    /// The change in the audit log cannot be reverted.
    #[error("change cannot be reverted: it removed a secret or is final")]
    NotRevertible,
    /// The notification user cannot be asked for a confirmation now.
    #[error(transparent)]
    CannotAsk(#[from] CannotAsk),
    /// Another `secretKey` is already waiting to become current.
    #[error("another secretKey is waiting to become current; activate or delete it first")]
    NextKeyExists,
    /// The current `secretKey` cannot be deleted.
    #[error("secretKey is in use; issue another one to replace it")]
    KeyInUse,
    /// A replaced `secretKey` cannot be activated.
    #[error("secretKey was replaced by a newer one and cannot be activated again")]
    KeyReplaced,
    /// A request with the same `Idempotency-Key` is running.
    #[error("a request with this Idempotency-Key is still running")]
    RequestRunning,
    /// The `Idempotency-Key` was used for another request.
    #[error("Idempotency-Key was already used for another request")]
    IdempotencyKeyReused,
    /// The day of the report had ended before the project was created.
    #[error("project was created after this day")]
    DayBeforeProject,
    /// The day of the report is in the future.
    #[error("day has not started yet")]
    DayToCome,
    /// The day has too many deliveries to build its report in one call, and the daily run has not built it yet.
    #[error(
        "day has too many deliveries to count in one call; its report is available after the daily run of the next day"
    )]
    ReportTooLarge,
    /// The delivery cannot be replayed.
    #[error("{}", .0.explanation())]
    NotReplayable(SkipReason),
    /// The deployment has no console.
    #[error("this deployment has no console")]
    NoConsole,
    /// Another replay of the project is running.
    #[error("another replay of this project is running; cancel it or wait until it ends")]
    ReplayRunning,
    /// The replay has ended.
    #[error("replay has already ended")]
    ReplayDone,
    /// A mail could not be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A service failed.
    #[error(transparent)]
    Service(ServiceError),
    /// A sealed value could not be opened.
    #[error("a sealed value could not be opened")]
    Sealed(#[from] CannotOpen),
    /// The signing secrets of an endpoint could not be opened.
    #[error(transparent)]
    EndpointSecrets(#[from] OpenError),
    /// The key that seals links in mails could not be loaded.
    #[error(transparent)]
    LinkKey(#[from] LinkKeyError),
}

aws::from_service_errors!(ApiError: StoreError, QueueError, SecretError, MailError);

/// A cursor is the caller's mistake. Other failures are on our side, and a retry helps only if the service was unavailable.
fn service_problem(error: &ServiceError) -> ProblemKind {
    match error {
        ServiceError::Store(StoreError::Token) => ProblemKind::BadQuery,
        ServiceError::Store(StoreError::Row(_)) | ServiceError::Secret(_) => ProblemKind::Internal,
        ServiceError::Store(StoreError::Unavailable(_) | StoreError::Overloaded)
        | ServiceError::Queue(_)
        | ServiceError::Mail(_) => ProblemKind::Unavailable,
    }
}

impl ApiError {
    /// The kind of problem, which determines the status and the problem's `type`.
    fn kind(&self) -> ProblemKind {
        match self {
            Self::UnknownKey | Self::SessionOver => ProblemKind::UnknownKey,
            Self::Refused(Refusal::Expired) => ProblemKind::ExpiredKey,
            Self::Refused(Refusal::Address | Refusal::Scope(_))
            | Self::RoleLacks(..)
            | Self::Forbidden
            | Self::NotThroughProxy => ProblemKind::Forbidden,
            Self::NoConsole => ProblemKind::NoConsole,
            Self::TooManyCalls(_) => ProblemKind::TooManyCalls,
            Self::TooManyTests { .. } => ProblemKind::TooManyTests,
            Self::HandshakeNotAsked => ProblemKind::HandshakeNotAsked,
            Self::SlowReadRunning => ProblemKind::SlowReadRunning,
            Self::NotFound(_) | Self::RouteNotFound | Self::DayBeforeProject => ProblemKind::NotFound,
            Self::MethodNotAllowed => ProblemKind::MethodNotAllowed,
            Self::UrlTooLong(_) => ProblemKind::UrlTooLong,
            Self::UnsupportedMediaType | Self::CompressedBody => ProblemKind::UnsupportedMediaType,
            Self::TooLarge(_) => ProblemKind::TooLarge,
            Self::UnreadableBody | Self::NotAnObject(_) => ProblemKind::MalformedBody,
            Self::BadFields(_) => ProblemKind::BadFields,
            Self::BadQuery(_) => ProblemKind::BadQuery,
            Self::BadHeader(_) => ProblemKind::BadHeader,
            Self::LimitReached(..) => ProblemKind::LimitReached,
            Self::ChangedMeanwhile => ProblemKind::ChangedMeanwhile,
            Self::PreconditionFailed => ProblemKind::PreconditionFailed,
            Self::NotRevertible => ProblemKind::NotRevertible,
            Self::CannotAsk(CannotAsk::Confirmed) => ProblemKind::AlreadyConfirmed,
            Self::CannotAsk(CannotAsk::TooSoon { .. } | CannotAsk::TooOften { .. }) => ProblemKind::TooManyMails,
            Self::NextKeyExists => ProblemKind::NextKeyExists,
            Self::KeyInUse => ProblemKind::KeyInUse,
            Self::KeyReplaced => ProblemKind::KeyReplaced,
            Self::RequestRunning => ProblemKind::RequestRunning,
            Self::IdempotencyKeyReused => ProblemKind::IdempotencyKeyReused,
            Self::ReportTooLarge => ProblemKind::ReportTooLarge,
            Self::DayToCome => ProblemKind::DayToCome,
            Self::NotReplayable(reason) => (*reason).into(),
            Self::ReplayRunning => ProblemKind::ReplayRunning,
            Self::ReplayDone => ProblemKind::ReplayDone,
            Self::Service(error) | Self::LinkKey(LinkKeyError::Service(error)) => service_problem(error),
            Self::Sealed(_) | Self::EndpointSecrets(_) | Self::LinkKey(LinkKeyError::Sealed(_)) | Self::Render(_) => {
                ProblemKind::Internal
            }
        }
    }

    /// The sentence for the caller. After a failure on our side it says only whether a retry may help, because the error itself
    /// may describe our services.
    fn detail(&self) -> String {
        match self.kind() {
            ProblemKind::Internal => "internal error".to_owned(),
            ProblemKind::Unavailable => "a service behind the API is unavailable; retry later".to_owned(),
            _ => self.to_string(),
        }
    }

    /// Seconds after which a retry of the same request may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyCalls(status) => Some(status.retry_after()),
            Self::TooManyTests { seconds_left }
            | Self::CannotAsk(CannotAsk::TooSoon { seconds_left } | CannotAsk::TooOften { seconds_left, .. }) => {
                Some(*seconds_left)
            }
            Self::ChangedMeanwhile | Self::RequestRunning => Some(1),
            // Most slow reads end sooner. With a shorter wait, several waiting callers would collide again.
            Self::SlowReadRunning => Some(5),
            _ => (self.kind() == ProblemKind::Unavailable).then_some(1),
        }
    }

    fn errors(&self) -> Vec<BadField> {
        match self {
            Self::BadFields(BadFields(fields)) => fields.clone(),
            _ => Vec::new(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let mut response = Problem { kind, detail: self.detail(), errors: self.errors() }.into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if kind.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if matches!(self, Self::CompressedBody) {
            // The only content coding that this API accepts (RFC 9110, section 12.5.3).
            response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if kind.status().is_server_error() {
            response.extensions_mut().insert(FailureCause(telemetry::chain(&self)));
        }
        response
    }
}

impl From<CannotIssue> for ApiError {
    fn from(reason: CannotIssue) -> Self {
        match reason {
            CannotIssue::NextExists => Self::NextKeyExists,
            CannotIssue::TooMany => Self::LimitReached(MAX_SECRET_KEYS, "valid secretKeys"),
            CannotIssue::Duplicate => BadFields::one("/secretKey", "is already one of the project's keys").into(),
        }
    }
}

impl From<CannotChange> for ApiError {
    fn from(reason: CannotChange) -> Self {
        match reason {
            CannotChange::NoSuchKey => Self::NotFound("secretKey"),
            CannotChange::InUse => Self::KeyInUse,
            CannotChange::Replaced => Self::KeyReplaced,
        }
    }
}

impl From<SkipReason> for ApiError {
    fn from(reason: SkipReason) -> Self {
        Self::NotReplayable(reason)
    }
}

impl From<Infallible> for ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

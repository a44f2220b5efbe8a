//! Problems: every refusal as RFC 9457 `application/problem+json`.

use std::convert::Infallible;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::api_key::Refusal;
use shared::aws::mail::MailError;
use shared::aws::queue::QueueError;
use shared::aws::secrets::SecretError;
use shared::aws::store::StoreError;
use shared::delivery::SkipReason;
use shared::draft::{BadField, BadFields, NotAnObject};
use shared::key_ring::CannotOpen;
use shared::notification_user::CannotAsk;
use shared::rate_limit::WINDOW;
use shared::report_mail::RenderError;
use shared::return_url::{CannotChange, CannotIssue, MOST_RETURN_URL_KEYS};
use shared::telemetry;
use thiserror::Error;

use crate::problem_kind::ProblemKind;
use crate::rate::Standing;

/// Why a request was refused, or failed.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// No key was shown, or one that does not exist.
    #[error("show an API key in the header x-api-key")]
    UnknownKey,
    /// The key is known, but may not do this.
    #[error("{0}")]
    Refused(Refusal),
    /// The key belongs to another project, or is not the operator's.
    #[error("this API key does not give access to this resource")]
    Forbidden,
    /// The key has called too often.
    #[error("this API key has made as many calls as it may in {} seconds", WINDOW.as_secs())]
    TooManyCalls(Standing),
    /// The project has made too many tests.
    #[error("this project has sent as many tests as it may in a minute")]
    TooManyTests {
        /// Seconds until the next minute begins.
        seconds_left: u64,
    },
    /// There is no such resource.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// There is no such route.
    #[error("there is no such route")]
    NoSuchRoute,
    /// The route has other methods.
    #[error("this route does not take this method")]
    NoSuchMethod,
    /// The URL is longer than any of ours.
    #[error("URL is longer than {0} bytes")]
    UrlTooLong(usize),
    /// The body is of a kind that no route takes.
    #[error("body must be JSON: send content-type: application/json")]
    OtherMediaType,
    /// The body is larger than the route takes.
    #[error("body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body could not be read to its end.
    #[error("body could not be read")]
    BrokenBody,
    /// The body is no JSON object.
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    /// Some fields cannot be accepted.
    #[error(transparent)]
    BadFields(#[from] BadFields),
    /// The query string cannot be accepted.
    #[error("{0}")]
    BadQuery(String),
    /// A header cannot be accepted.
    #[error("{0}")]
    BadHeader(String),
    /// There are as many of these as there may be.
    #[error("there are {0} {1} already, the most there may be")]
    LimitReached(usize, &'static str),
    /// What is to be changed was changed by somebody else, after it was read and before it could be written.
    #[error("the resource was changed by another request meanwhile; read it again and repeat the change")]
    ChangedMeanwhile,
    /// The resource is not what the caller believes it to be.
    #[error("the resource is not what If-Match says; read it again")]
    PreconditionFailed,
    /// What an entry of the audit log tells cannot be undone.
    #[error("this change cannot be undone: what it took away was secret, or has ended for good")]
    NotRevertible,
    /// Somebody is to be asked for a confirmation that is not needed, or was asked for just now.
    #[error(transparent)]
    CannotAsk(#[from] CannotAsk),
    /// A further `secretKey` waits to take over already.
    #[error("a next secretKey waits to take over already; activate it or delete it first")]
    NextKeyExists,
    /// The `secretKey` in use is to be deleted.
    #[error("this secretKey is in use; issue another one to replace it")]
    KeyInUse,
    /// A `secretKey` of the past is to be activated.
    #[error("this secretKey was replaced by a newer one, and does not come back")]
    KeyReplaced,
    /// The same idempotency key is at work on another call.
    #[error("a request with this Idempotency-Key is still being carried out")]
    StillRunning,
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The day that a report is asked for has not begun.
    #[error("day has not begun yet")]
    DayToCome,
    /// The day that a report is asked for has too many deliveries, and no report of it was mailed.
    #[error(
        "day has too many deliveries to be counted in one call; the daily mail has its report, for which a notification user is needed"
    )]
    ReportTooLarge,
    /// A delivery cannot be replayed now, or ever.
    #[error(transparent)]
    NotReplayable(#[from] SkipReason),
    /// Another replay of the project runs.
    #[error("another replay of this project is running; cancel it or wait until it is done")]
    ReplayRunning,
    /// A replay is done.
    #[error("replay is done already")]
    ReplayDone,
    /// A mail cannot be laid out.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A mail was not sent.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The key ring cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A sealed value cannot be opened.
    #[error("a sealed value cannot be opened")]
    Sealed(#[from] CannotOpen),
}

impl ApiError {
    /// The status, and the name that the problem's `type` ends with.
    fn kind(&self) -> ProblemKind {
        match self {
            Self::UnknownKey => ProblemKind::UnknownKey,
            Self::Refused(Refusal::Expired) => ProblemKind::ExpiredKey,
            Self::Refused(Refusal::Address | Refusal::Scope(_)) | Self::Forbidden => ProblemKind::Forbidden,
            Self::TooManyCalls(_) => ProblemKind::TooManyCalls,
            Self::TooManyTests { .. } => ProblemKind::TooManyTests,
            Self::NotFound(_) | Self::NoSuchRoute => ProblemKind::NotFound,
            Self::NoSuchMethod => ProblemKind::MethodNotAllowed,
            Self::UrlTooLong(_) => ProblemKind::UrlTooLong,
            Self::OtherMediaType => ProblemKind::UnsupportedMediaType,
            Self::TooLarge(_) => ProblemKind::TooLarge,
            Self::BrokenBody | Self::NotAnObject(_) => ProblemKind::MalformedBody,
            Self::BadFields(_) => ProblemKind::BadFields,
            Self::BadQuery(_) | Self::Store(StoreError::Token) => ProblemKind::BadQuery,
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
            Self::StillRunning => ProblemKind::RequestRunning,
            Self::KeyReused => ProblemKind::IdempotencyKeyReused,
            Self::ReportTooLarge => ProblemKind::ReportTooLarge,
            Self::DayToCome => ProblemKind::DayToCome,
            Self::NotReplayable(because) => (*because).into(),
            Self::ReplayRunning => ProblemKind::ReplayRunning,
            Self::ReplayDone => ProblemKind::ReplayDone,
            Self::Store(StoreError::Row(_)) | Self::Secret(_) | Self::Sealed(_) | Self::Render(_) => {
                ProblemKind::Internal
            }
            Self::Store(StoreError::Unavailable(_) | StoreError::Overloaded) | Self::Queue(_) | Self::Mail(_) => {
                ProblemKind::Unavailable
            }
        }
    }

    /// What the caller is told. Of our own faults they learn only whether repeating may help.
    fn detail(&self) -> String {
        match self.kind() {
            ProblemKind::Internal => "internal error".to_owned(),
            ProblemKind::Unavailable => "a service behind the API does not answer; repeat the request later".to_owned(),
            _ => self.to_string(),
        }
    }

    /// After how many seconds the same request may be answered otherwise, if it may.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyCalls(standing) => Some(standing.retry_after()),
            Self::TooManyTests { seconds_left }
            | Self::CannotAsk(CannotAsk::TooSoon { seconds_left } | CannotAsk::TooOften { seconds_left }) => {
                Some(*seconds_left)
            }
            Self::ChangedMeanwhile | Self::StillRunning => Some(1),
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

impl From<CannotIssue> for ApiError {
    fn from(reason: CannotIssue) -> Self {
        match reason {
            CannotIssue::NextExists => Self::NextKeyExists,
            CannotIssue::TooMany => Self::LimitReached(MOST_RETURN_URL_KEYS, "valid secretKeys"),
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

impl IntoResponse for ApiError {
    /// The problem without its request id, which the request log knows and adds.
    fn into_response(self) -> Response {
        let kind = self.kind();
        let status = kind.status();
        let problem = Problem { kind, detail: self.detail(), errors: self.errors() };
        let cause = status.is_server_error().then(|| Cause(telemetry::chain(&self)));
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(problem);
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// Why a request failed by our own fault; for the log only.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

/// A problem on its way to the request log.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: Vec<BadField>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [BadField],
}

impl Problem {
    /// The stable end of its type.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Gives `response` its body.
    pub(crate) fn write(&self, request_id: &str, response: Response) -> Response {
        let body = ProblemBody {
            problem_type: format!("/problems/{}", self.name()),
            title: self.kind.status().canonical_reason().unwrap_or_default(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
        };
        let (mut parts, _) = response.into_parts();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let body = serde_json::to_vec(&body).expect("texts are JSON");
        Response::from_parts(parts, body.into())
    }
}

/// Refuses URLs that are longer than any of ours.
pub(crate) async fn check_url(request: Request, next: Next) -> Response {
    const LONGEST_URL: usize = 8 * 1024;
    let length = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if length > LONGEST_URL {
        return ApiError::UrlTooLong(LONGEST_URL).into_response();
    }
    next.run(request).await
}

/// Answers what no route takes.
pub(crate) async fn no_such_route() -> ApiError {
    ApiError::NoSuchRoute
}

/// Answers a method that a route does not take.
pub(crate) async fn no_such_method() -> ApiError {
    ApiError::NoSuchMethod
}

impl From<Infallible> for ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

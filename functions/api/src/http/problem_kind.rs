//! All kinds of problems in error responses: the stable name, the status, and the meaning.

use axum::http::StatusCode;
use domain::webhooks::delivery::SkipReason;

macro_rules! problem_kinds {
    ($($(#[doc = $meaning:literal])+ $kind:ident = $status:ident $name:literal,)+) => {
        /// A kind of problem. The doc comment of each kind appears in the API reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[doc = $meaning])+ $kind,)+
        }

        impl ProblemKind {
            /// All kinds, ordered by status.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The last part of the problem's `type`. The name is public and stable.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// The status of the response.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)+
                }
            }

            /// The meaning, for the API reference.
            #[cfg(test)]
            pub(crate) const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!($($meaning),+),)+
                }
            }
        }
    };
}

problem_kinds! {
    /// The body is not a JSON object, or the connection broke off.
    MalformedBody = BAD_REQUEST "malformed-body",
    /// A query parameter is unknown or has an invalid value.
    BadQuery = BAD_REQUEST "bad-query",
    /// A header has an invalid value.
    BadHeader = BAD_REQUEST "bad-header",
    /// The API key in `x-api-key` is missing or does not exist.
    UnknownKey = UNAUTHORIZED "unknown-key",
    /// The API key has expired.
    ExpiredKey = UNAUTHORIZED "expired-key",
    /// The API key lacks the required scope, belongs to another project, or must not be used from this address. Or the role of
    /// the console session lacks the required scope, or the request did not use the public host of the API.
    Forbidden = FORBIDDEN "forbidden",
    /// The resource or the route does not exist.
    NotFound = NOT_FOUND "not-found",
    /// The route does not support this method. `Allow` lists the methods that it supports.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed",
    /// Another request changed the resource at the same time. Read the resource again and retry.
    ChangedMeanwhile = CONFLICT "changed-meanwhile",
    /// The change cannot be reverted, because it removed a secret or is final.
    NotRevertible = CONFLICT "not-revertible",
    /// A request with this `Idempotency-Key` is still running.
    RequestRunning = CONFLICT "request-running",
    /// The notification user has already confirmed the address.
    AlreadyConfirmed = CONFLICT "already-confirmed",
    /// Another `secretKey` is waiting to become current. Activate or delete it first.
    NextKeyExists = CONFLICT "next-key-exists",
    /// The `secretKey` is in use. Issue another one to replace it.
    KeyInUse = CONFLICT "key-in-use",
    /// The `secretKey` was replaced by a newer one and cannot be activated again.
    KeyReplaced = CONFLICT "key-replaced",
    /// The delivery has not ended yet. Replay it after it has ended.
    DeliveryUnderWay = CONFLICT "delivery-under-way",
    /// The endpoint of the delivery was deleted.
    EndpointDeleted = CONFLICT "endpoint-deleted",
    /// The endpoint of the delivery is paused. Resume it first.
    EndpointPaused = CONFLICT "endpoint-paused",
    /// The endpoint of the delivery is disabled. Resume it first.
    EndpointDisabled = CONFLICT "endpoint-disabled",
    /// The endpoint does not ask for a handshake: its `ownership` is `none`.
    HandshakeNotAsked = CONFLICT "handshake-not-asked",
    /// The receiver of the endpoint has not granted webhooks in a handshake.
    EndpointUnverified = CONFLICT "endpoint-unverified",
    /// The endpoint of the delivery gets as many webhooks as its pace allows. Replay the delivery later.
    EndpointPace = CONFLICT "endpoint-pace",
    /// The deployment has no console, so there are no console links.
    NoConsole = CONFLICT "no-console",
    /// Another replay of the project is running. Cancel it or wait until it ends.
    ReplayRunning = CONFLICT "replay-running",
    /// The replay has ended, so it can be neither cancelled nor resumed.
    ReplayDone = CONFLICT "replay-done",
    /// The replay that includes the delivery was cancelled.
    ReplayCancelled = CONFLICT "replay-cancelled",
    /// The event of the delivery is no longer stored.
    EventGone = GONE "event-gone",
    /// The resource does not meet `If-Match` or `If-None-Match`. Read it again.
    PreconditionFailed = PRECONDITION_FAILED "precondition-failed",
    /// The body is larger than 256 KiB, or than 2 MiB for a batch of events.
    TooLarge = PAYLOAD_TOO_LARGE "too-large",
    /// The URL is longer than 8 KiB.
    UrlTooLong = URI_TOO_LONG "url-too-long",
    /// The `Content-Type` of the body is not JSON, or the body is compressed.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type",
    /// Some fields of the body are invalid. `errors` lists all of them.
    BadFields = UNPROCESSABLE_ENTITY "bad-fields",
    /// The project has reached the limit for this kind of resource.
    LimitReached = UNPROCESSABLE_ENTITY "limit-reached",
    /// The `Idempotency-Key` was already used for another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency-key-reused",
    /// The day has too many deliveries to count in one call, and the daily run has not built its report yet.
    ReportTooLarge = UNPROCESSABLE_ENTITY "report-too-large",
    /// The day of the report is in the future.
    DayToCome = UNPROCESSABLE_ENTITY "day-to-come",
    /// The API key or console session has exceeded its rate limit. Retry after the seconds in `Retry-After`.
    TooManyCalls = TOO_MANY_REQUESTS "too-many-calls",
    /// Another report or dry run of the project is running. Retry after the seconds in `Retry-After`.
    SlowReadRunning = TOO_MANY_REQUESTS "slow-read-running",
    /// The project has exceeded its limit of test sends and handshakes per minute. Retry after the seconds in `Retry-After`.
    TooManyTests = TOO_MANY_REQUESTS "too-many-tests",
    /// The notification user got a confirmation mail less than a minute ago, or five today. Retry after the seconds in
    /// `Retry-After`.
    TooManyMails = TOO_MANY_REQUESTS "too-many-mails",
    /// Signpost failed, and a retry will not help.
    Internal = INTERNAL_SERVER_ERROR "internal",
    /// A service behind the API is unavailable. Retry later.
    Unavailable = SERVICE_UNAVAILABLE "unavailable",
}

impl From<SkipReason> for ProblemKind {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::DeliveryUnderWay => Self::DeliveryUnderWay,
            SkipReason::EndpointDeleted => Self::EndpointDeleted,
            SkipReason::EndpointPaused => Self::EndpointPaused,
            SkipReason::EndpointDisabled => Self::EndpointDisabled,
            SkipReason::EndpointUnverified => Self::EndpointUnverified,
            SkipReason::EndpointPace => Self::EndpointPace,
            SkipReason::EventGone => Self::EventGone,
            SkipReason::ReplayCancelled => Self::ReplayCancelled,
        }
    }
}

//! Every kind of problem that the API answers: its stable name, its status, and what it means.

use axum::http::StatusCode;
use shared::delivery::SkipReason;

macro_rules! problem_kinds {
    ($($(#[doc = $meaning:literal])+ $kind:ident = $status:ident $name:literal,)+) => {
        /// A kind of problem. Its doc comment is what the documentation says of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemKind {
            $($(#[doc = $meaning])+ $kind,)+
        }

        impl ProblemKind {
            /// All of them, by status.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The name that its `type` ends with. It is public and stable.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// The status that it is answered with.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)+
                }
            }

            /// What it means, for people.
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
    /// The body is not a JSON object, or broke off.
    MalformedBody = BAD_REQUEST "malformed-body",
    /// A parameter of the query string is unknown or cannot be accepted.
    BadQuery = BAD_REQUEST "bad-query",
    /// A header cannot be accepted.
    BadHeader = BAD_REQUEST "bad-header",
    /// No API key was shown in `x-api-key`, or one that does not exist.
    UnknownKey = UNAUTHORIZED "unknown-key",
    /// The API key has expired.
    ExpiredKey = UNAUTHORIZED "expired-key",
    /// The API key is known, but lacks the scope, belongs to another project, or may not be used from this address.
    Forbidden = FORBIDDEN "forbidden",
    /// There is no such resource, or no such route.
    NotFound = NOT_FOUND "not-found",
    /// The route does not take this method; `Allow` lists those it takes.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed",
    /// Somebody else changed the resource at the same moment. Read it again and repeat the change.
    ChangedMeanwhile = CONFLICT "changed-meanwhile",
    /// What this change took away was secret, or has ended for good: it cannot be undone.
    NotRevertible = CONFLICT "not-revertible",
    /// A request with this `Idempotency-Key` is still being carried out.
    RequestRunning = CONFLICT "request-running",
    /// The notification user has confirmed their address already.
    AlreadyConfirmed = CONFLICT "already-confirmed",
    /// A next `secretKey` waits to take over already. Activate or delete it first.
    NextKeyExists = CONFLICT "next-key-exists",
    /// This `secretKey` is in use. Issue another one to replace it.
    KeyInUse = CONFLICT "key-in-use",
    /// This `secretKey` was replaced by a newer one, and does not come back.
    KeyReplaced = CONFLICT "key-replaced",
    /// The delivery is still under way. It can be replayed when it is over.
    DeliveryUnderWay = CONFLICT "delivery-under-way",
    /// The endpoint of this delivery was deleted.
    EndpointDeleted = CONFLICT "endpoint-deleted",
    /// The endpoint of this delivery is paused. Resume it first.
    EndpointPaused = CONFLICT "endpoint-paused",
    /// The endpoint of this delivery is disabled. Resume it first.
    EndpointDisabled = CONFLICT "endpoint-disabled",
    /// Another replay of this project is running. Cancel it or wait until it is done.
    ReplayRunning = CONFLICT "replay-running",
    /// The replay is done: it can be neither cancelled nor resumed.
    ReplayDone = CONFLICT "replay-done",
    /// The replay that this was part of was cancelled.
    ReplayCancelled = CONFLICT "replay-cancelled",
    /// The event of this delivery is not kept any more.
    EventGone = GONE "event-gone",
    /// The resource is not what `If-Match` says. Read it again.
    PreconditionFailed = PRECONDITION_FAILED "precondition-failed",
    /// The body is larger than the route takes: 256 KiB, and for batches 4 MiB.
    TooLarge = PAYLOAD_TOO_LARGE "too-large",
    /// The URL is longer than 8 KiB.
    UrlTooLong = URI_TOO_LONG "url-too-long",
    /// The body says to be something else than JSON.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type",
    /// Some fields cannot be accepted; `errors` names each of them.
    BadFields = UNPROCESSABLE_ENTITY "bad-fields",
    /// There are as many of these as there may be.
    LimitReached = UNPROCESSABLE_ENTITY "limit-reached",
    /// This `Idempotency-Key` was used for another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency-key-reused",
    /// The day has too many deliveries to be counted in one call, and no report of it was mailed.
    ReportTooLarge = UNPROCESSABLE_ENTITY "report-too-large",
    /// The day of the report has not begun yet.
    DayToCome = UNPROCESSABLE_ENTITY "day-to-come",
    /// The API key has made as many calls as it may in ten seconds; `Retry-After` says when to come back.
    TooManyCalls = TOO_MANY_REQUESTS "too-many-calls",
    /// The project has sent as many tests as it may in a minute; `Retry-After` says when to come back.
    TooManyTests = TOO_MANY_REQUESTS "too-many-tests",
    /// The notification user was asked for their confirmation just now, or five times today; `Retry-After` says when they may be
    /// asked again.
    TooManyMails = TOO_MANY_REQUESTS "too-many-mails",
    /// Something failed that repeating will not mend.
    Internal = INTERNAL_SERVER_ERROR "internal",
    /// A service behind the API does not answer. Repeat the request later.
    Unavailable = SERVICE_UNAVAILABLE "unavailable",
}

impl From<SkipReason> for ProblemKind {
    fn from(because: SkipReason) -> Self {
        match because {
            SkipReason::DeliveryUnderWay => Self::DeliveryUnderWay,
            SkipReason::EndpointDeleted => Self::EndpointDeleted,
            SkipReason::EndpointPaused => Self::EndpointPaused,
            SkipReason::EndpointDisabled => Self::EndpointDisabled,
            SkipReason::EventGone => Self::EventGone,
            SkipReason::ReplayCancelled => Self::ReplayCancelled,
        }
    }
}

//! Request headers of several operations.

use utoipa::IntoParams;

/// Header of calls that create something.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct IdempotencyKey {
    /// Makes it safe to repeat the request. Repetitions with the same key within 24 hours return the first response with
    /// `Idempotent-Replayed: true` and change nothing.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$", nullable = false)]
    idempotency_key: Option<String>,
}

/// Headers of calls that change settings.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Preconditions {
    /// `ETag` of the settings as you read them. If they have changed since, the call fails and changes nothing. `*` matches any
    /// existing resource.
    #[param(rename = "If-Match", nullable = false)]
    if_match: Option<String>,
    /// `ETag`s that the resource must not have. With `*`, the call succeeds only if the resource does not exist.
    #[param(rename = "If-None-Match", nullable = false)]
    if_none_match: Option<String>,
}

/// Header of calls that can return a page.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct AcceptLanguage {
    /// The preferred languages of a page: English, Korean or Spanish. English if none of them is accepted.
    #[param(rename = "Accept-Language", nullable = false)]
    accept_language: Option<String>,
}

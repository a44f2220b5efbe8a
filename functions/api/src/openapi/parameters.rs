//! Headers of requests that several handlers take.

use utoipa::IntoParams;

/// For what creates something.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is wanted")]
pub(crate) struct Once {
    /// Names the request. Repeated with it within a day it is carried out once, and answered alike, with
    /// `Idempotent-Replayed: true`.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$", nullable = false)]
    idempotency_key: Option<String>,
}

/// For what changes settings.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is wanted")]
pub(crate) struct IfMatch {
    /// The `ETag` that the settings were read with: if they are others now, nothing is changed. `*` stands for any that there
    /// are.
    #[param(rename = "If-Match", nullable = false)]
    if_match: Option<String>,
}

/// For what is shown to programs and to people.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is wanted")]
pub(crate) struct AcceptLanguage {
    /// In which language a page is: `ko`, or English.
    #[param(rename = "Accept-Language", nullable = false)]
    accept_language: Option<String>,
}

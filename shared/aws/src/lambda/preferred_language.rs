//! The language of a page, for all functions behind an HTTP API.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use domain::foundation::language::Language;

/// The language that the browser prefers; English if the header is absent or not ASCII.
pub struct PreferredLanguage(
    /// The language.
    pub Language,
);

impl<S: Send + Sync> FromRequestParts<S> for PreferredLanguage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self(header.map(Language::preferred).unwrap_or_default()))
    }
}

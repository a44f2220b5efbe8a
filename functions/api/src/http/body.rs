//! Extractors for bodies, query strings and path ids. All of them fail with [`ApiError`], so that every error response has the same
//! shape.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use domain::foundation::draft::{BadFields, Draft};
use domain::webhooks::event::MAX_EVENT_BODY_BYTES;
use serde::de::DeserializeOwned;

use crate::http::api_error::ApiError;
use crate::http::bad_query::BadQuery;

/// Maximum size of a body on any route. API Gateway passes at most 6 MiB to a function, encoded in base64.
pub(crate) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A JSON body of at most 256 KiB. An absent body is empty.
pub(crate) struct Body(Bytes);

impl Body {
    /// Reads the body of a request, of at most `limit` bytes. Fails if its content type is not JSON. This also rejects forms, which
    /// a browser would send from another site without asking this API first (CORS preflight).
    pub(crate) async fn of(request: Request, limit: usize) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, limit).await?;
        let has_other_type = parts.headers.get(CONTENT_TYPE).is_some_and(|value| !is_json(value));
        if has_other_type && !bytes.is_empty() {
            return Err(ApiError::UnsupportedMediaType);
        }
        Ok(Self(bytes))
    }

    /// Parses the body.
    pub(crate) fn draft(&self) -> Result<Draft, ApiError> {
        Ok(Draft::parse(&self.0)?)
    }

    /// Parses a body that is optional. An empty body counts as `{}`.
    pub(crate) fn draft_or_empty(&self) -> Result<Draft, ApiError> {
        Ok(Draft::parse(if self.0.is_empty() { b"{}" } else { &self.0 })?)
    }

    /// Fails if the body has fields. An empty body is valid.
    pub(crate) fn expect_no_fields(&self) -> Result<(), ApiError> {
        let NoFields = self.draft_or_empty()?.try_into()?;
        Ok(())
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Self::of(request, MAX_EVENT_BODY_BYTES).await
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(body: axum::body::Body, limit: usize) -> Result<Bytes, ApiError> {
    // Reads one byte more than allowed, to tell a body that is too large from a connection that broke off.
    match to_bytes(body, limit + 1).await {
        Ok(bytes) if bytes.len() <= limit => Ok(bytes),
        Ok(_) => Err(ApiError::TooLarge(limit)),
        Err(error) if is_length_limit(&error) => Err(ApiError::TooLarge(limit)),
        Err(_) => Err(ApiError::UnreadableBody),
    }
}

/// Whether the content type is `application/json` or a type with JSON syntax, such as `application/merge-patch+json`.
fn is_json(content_type: &HeaderValue) -> bool {
    let media_type = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

// `axum` does not export the type of this error, so its message is all that identifies it.
fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string() == "length limit exceeded")
}

/// A required body that was parsed and validated as a whole.
pub(crate) struct Checked<T>(pub(crate) T);

impl<S: Send + Sync, T: TryFrom<Draft, Error = BadFields>> FromRequest<S> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let draft = Body::from_request(request, state).await?.draft()?;
        Ok(Self(T::try_from(draft)?))
    }
}

/// A query string without unknown or invalid fields.
pub(crate) struct CheckedQuery<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for CheckedQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(query) = Query::<T>::from_request_parts(parts, state).await.map_err(BadQuery::Fields)?;
        Ok(Self(query))
    }
}

/// The last id of a path `/v1/projects/{pid}/…/{id}`. A malformed id is answered with 404, like an unknown one.
pub(crate) struct LastId<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for LastId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<(String, T)>::from_request_parts(parts, state).await;
        let Path((_, id)) = path.map_err(|_| ApiError::NotFound("resource"))?;
        Ok(Self(id))
    }
}

/// A body `{}`.
pub(crate) struct NoFields;

impl TryFrom<Draft> for NoFields {
    type Error = BadFields;

    fn try_from(draft: Draft) -> Result<Self, BadFields> {
        draft.check(|| Some(Self))
    }
}

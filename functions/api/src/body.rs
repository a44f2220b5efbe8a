//! Bodies and query strings, taken through our own types so that every refusal has one shape.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use shared::draft::{BadFields, Draft};
use shared::event::LARGEST_EVENT_BODY;

use crate::problem::ApiError;

/// The largest body that any route takes: API Gateway hands a function at most 6 MiB, in base64.
pub(crate) const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// A body of at most 256 KiB.
pub(crate) struct Body(pub(crate) Bytes);

impl Body {
    /// The body of a request, of at most `most` bytes. One that says to be something else than JSON is refused; so is what a form
    /// of another site could send without being asked.
    pub(crate) async fn of(request: Request, most: usize) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, most).await?;
        let is_other = parts.headers.get(CONTENT_TYPE).is_some_and(|value| !is_json(value));
        if is_other && !bytes.is_empty() {
            return Err(ApiError::OtherMediaType);
        }
        Ok(Self(bytes))
    }

    /// The fields in it.
    pub(crate) fn draft(&self) -> Result<Draft, ApiError> {
        Ok(Draft::parse(&self.0)?)
    }

    /// The fields in it, of which none is required: no body at all is like one without fields.
    pub(crate) fn draft_or_empty(&self) -> Result<Draft, ApiError> {
        Ok(Draft::parse(if self.0.is_empty() { b"{}" } else { &self.0 })?)
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Self::of(request, LARGEST_EVENT_BODY).await
    }
}

/// A body of at most `most` bytes.
pub(crate) async fn read(body: axum::body::Body, most: usize) -> Result<Bytes, ApiError> {
    // One byte more than is allowed is read, so that a body that is too large can be told from one that broke off.
    match to_bytes(body, most + 1).await {
        Ok(bytes) if bytes.len() <= most => Ok(bytes),
        Ok(_) => Err(ApiError::TooLarge(most)),
        Err(error) if is_length_limit(&error) => Err(ApiError::TooLarge(most)),
        Err(_) => Err(ApiError::BrokenBody),
    }
}

/// `application/json`, or another type with its syntax, such as `application/merge-patch+json`.
fn is_json(content_type: &HeaderValue) -> bool {
    let media_type = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn is_length_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string() == "length limit exceeded")
}

/// A body that was checked as a whole.
pub(crate) struct Checked<T>(pub(crate) T);

impl<S: Send + Sync, T: TryFrom<Draft, Error = BadFields>> FromRequest<S> for Checked<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let draft = Body::from_request(request, state).await?.draft()?;
        Ok(Self(T::try_from(draft)?))
    }
}

/// A query string whose fields are all known and good.
pub(crate) struct CheckedQuery<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for CheckedQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(ApiError::BadQuery(rejection.body_text())),
        }
    }
}

/// The last id of a path, `/v1/projects/{pid}/…/{id}`. An id that cannot be one is answered like one that names nothing.
pub(crate) struct LastId<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for LastId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<(String, T)>::from_request_parts(parts, state).await;
        let Path((_, id)) = path.map_err(|_| ApiError::NotFound("resource"))?;
        Ok(Self(id))
    }
}

/// A request that says nothing.
pub(crate) struct Nothing;

impl TryFrom<Draft> for Nothing {
    type Error = BadFields;

    fn try_from(draft: Draft) -> Result<Self, BadFields> {
        draft.check(|| Some(Self))
    }
}

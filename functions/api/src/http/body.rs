//! Extractors for bodies, query strings and path ids. All of them fail with [`ApiError`], so that every error response has the same
//! shape.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use domain::foundation::draft::{BadFields, Draft};
use domain::webhooks::event::MAX_EVENT_BODY_BYTES;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::http::api_error::ApiError;
use crate::http::bad_query::BadQuery;

/// Maximum size of a body on any route.
///
/// Lambda accepts events of at most 6 MiB. API Gateway puts a JSON body into the event as a JSON string, in which each quote,
/// backslash and line break takes two bytes. Depending on its content, API Gateway can already reject a body above about 3 MiB.
/// This limit is lower, so that API Gateway passes on all allowed bodies and this function rejects larger ones itself.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// A JSON body of at most 256 KiB. An absent body is empty.
pub(crate) struct Body(Bytes);

impl Body {
    /// Reads the body of a request, of at most `limit` bytes. Fails if it is compressed or its content type is not JSON. This also rejects forms, which
    /// a browser would send from another site without asking this API first (CORS preflight).
    pub(crate) async fn of(request: Request, limit: usize) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, limit).await?;
        if !bytes.is_empty() && parts.headers.get_all(CONTENT_ENCODING).iter().any(|value| !is_identity(value)) {
            return Err(ApiError::CompressedBody);
        }
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
    // `Limited` has its own error, which distinguishes a body that is too large from a broken connection.
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(limit)),
        Err(_) => Err(ApiError::UnreadableBody),
    }
}

/// Whether the content coding leaves the body as it is.
fn is_identity(content_encoding: &HeaderValue) -> bool {
    let codings = content_encoding.to_str().unwrap_or("unreadable").split(',');
    codings.map(str::trim).all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity"))
}

/// Whether the content type is `application/json` or a type with JSON syntax, such as `application/merge-patch+json`.
fn is_json(content_type: &HeaderValue) -> bool {
    let media_type = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::stream;
    use serde_json::json;

    use super::{MAX_BODY_BYTES, read};
    use crate::http::api_error::ApiError;

    /// Maximum size of the event of a synchronous Lambda invocation.
    const MAX_LAMBDA_EVENT_BYTES: usize = 6 * 1024 * 1024;

    #[tokio::test]
    async fn a_body_above_the_limit_is_distinguished_from_a_broken_connection() {
        let chunks = |chunks: &'static [Result<&'static str, &'static str>]| {
            let chunks = chunks.iter().map(|chunk| chunk.map_err(std::io::Error::other));
            Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()))
        };
        assert_eq!(read(chunks(&[Ok("ab"), Ok("cd")]), 4).await.unwrap(), "abcd");
        assert!(matches!(read(chunks(&[Ok("ab"), Ok("cde")]), 4).await, Err(ApiError::TooLarge(4))));
        let broken = chunks(&[Ok("ab"), Err("length limit exceeded")]);
        assert!(matches!(read(broken, 4).await, Err(ApiError::UnreadableBody)));
    }

    #[test]
    fn the_largest_body_fits_into_a_lambda_event_even_if_every_byte_is_escaped() {
        let [quotes, base64] = ["\"", "x"].map(|byte| byte.repeat(MAX_BODY_BYTES));
        // API Gateway accepts 10,240 bytes of headers. The event contains the query twice and the path three times.
        let headers = "\"".repeat(10_240);
        let event = |body: &str| json!({"headers": {"x": headers}, "rawPath": headers, "rawQueryString": headers, "body": body});
        for body in [quotes, base64.repeat(4).split_at(MAX_BODY_BYTES.div_ceil(3) * 4).0.to_owned()] {
            assert!(event(&body).to_string().len() < MAX_LAMBDA_EVENT_BYTES - 1024 * 1024);
        }
    }
}

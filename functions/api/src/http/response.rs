//! Responses of calls that read or change settings, and the stored responses that repeated requests get.

use axum::Json;
use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::etag::Tag;

/// `Cache-Control` of responses that anyone may cache. They need no API key.
pub(crate) const PUBLIC: &str = "public, max-age=300";

/// A successful response with the resource `T` and its `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsResponse<T> {
    status: StatusCode,
    tag: Option<Tag>,
    body: Option<T>,
}

impl<T> SettingsResponse<T> {
    /// 200 with the resource.
    pub(crate) fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, tag: None, body: Some(body) }
    }

    /// 201 with the new resource.
    pub(crate) fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, tag: None, body: Some(body) }
    }

    /// The same response with another body.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> SettingsResponse<U> {
        SettingsResponse { status: self.status, tag: self.tag, body: self.body.map(change) }
    }

    /// The same response with an `ETag`.
    pub(crate) fn with_tag(self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self }
    }
}

impl SettingsResponse<()> {
    /// 204, after the resource was deleted.
    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, tag: None, body: None }
    }
}

impl<T: Serialize> IntoResponse for SettingsResponse<T> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, Json(body)).into_response(),
            None => self.status.into_response(),
        };
        if let Some(tag) = self.tag {
            response.headers_mut().insert(ETAG, tag.header_value());
        }
        response
    }
}

/// The response of a request with an `Idempotency-Key`, as it is stored for repetitions of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    body: Value,
}

impl StoredResponse {
    /// A response without `ETag`.
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self { status: status.as_u16(), etag: None, body }
    }

    /// The response of a change of settings.
    pub(crate) fn of<T: Serialize>(response: &SettingsResponse<T>) -> Self {
        let body = serde_json::to_value(&response.body).expect("a response can be written as JSON");
        Self { status: response.status.as_u16(), etag: response.tag.as_ref().map(ToString::to_string), body }
    }
}

impl IntoResponse for StoredResponse {
    /// The first response again, marked with `Idempotent-Replayed: true`.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = match self.body {
            Value::Null => status.into_response(),
            body => (status, Json(body)).into_response(),
        };
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            response.headers_mut().insert(ETAG, etag);
        }
        response
    }
}

//! Answers that succeed: their status, their `ETag`, and their body.

use axum::Json;
use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tag::Tag;

/// An answer that says what `T` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer<T> {
    status: StatusCode,
    tag: Option<Tag>,
    body: Option<T>,
}

impl<T> Answer<T> {
    /// 200: this is what it is.
    pub(crate) fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, tag: None, body: Some(body) }
    }

    /// 201: this is what there is now.
    pub(crate) fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, tag: None, body: Some(body) }
    }

    /// The same answer of another thing.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { status: self.status, tag: self.tag, body: self.body.map(change) }
    }

    /// The same with the state that it shows.
    pub(crate) fn tagged(self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self }
    }
}

impl Answer<()> {
    /// 204: there is nothing any more.
    pub(crate) fn gone() -> Self {
        Self { status: StatusCode::NO_CONTENT, tag: None, body: None }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
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

/// An answer as it is kept for the repetitions of its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    body: Value,
}

impl KeptAnswer {
    /// What was answered with `body`.
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self { status: status.as_u16(), etag: None, body }
    }

    /// What [`Answer`] will be.
    pub(crate) fn of<T: Serialize>(answer: &Answer<T>) -> Self {
        let body = serde_json::to_value(&answer.body).expect("what we answer is JSON");
        Self { status: answer.status.as_u16(), etag: answer.tag.as_ref().map(ToString::to_string), body }
    }
}

impl IntoResponse for KeptAnswer {
    /// The answer as it was the first time, and that it is not the first time.
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

//! Conditional reads (RFC 9110, section 13): a `GET` whose caller already has the current settings or document gets 304.

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::http::api_error::ApiError;
use crate::http::etag::{Preconditions, Tag};

/// The conditions of a `GET` or `HEAD`.
pub(crate) struct ConditionalRead(Option<Preconditions>);

impl ConditionalRead {
    /// Reads the conditions. Those of other methods concern the change that they make.
    pub(crate) fn of(request: &Request) -> Self {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        Self(
            is_read
                .then(|| Preconditions::of(request.headers()))
                .filter(|conditions| *conditions != Preconditions::NONE),
        )
    }

    /// Returns the response to the conditional read, given the response to the read without conditions. Conditions apply only to a
    /// read that succeeds.
    pub(crate) fn respond(self, response: Response) -> Response {
        let Some(conditions) = self.0.filter(|_| response.status() == StatusCode::OK) else { return response };
        let tag = response.headers().get(ETAG).and_then(Tag::in_header);
        if !conditions.allow_read(tag.as_ref()) {
            return ApiError::PreconditionFailed.into_response();
        }
        match tag {
            Some(tag) if conditions.name(&tag) => not_modified(response),
            _ => response,
        }
    }
}

/// The same response without its content. All headers that a cache stores with the content stay.
fn not_modified(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    (parts, ()).into_response()
}

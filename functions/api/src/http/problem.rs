//! Writes error responses: RFC 9457 `application/problem+json`, with the id of the request.

use aws::lambda::request_log::ProblemName;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::BadField;
use serde::Serialize;

use crate::http::problem_kind::ProblemKind;

/// An error response without the id of its request. A handler does not know the id, so [`write`] writes the body.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// Determines the status and the `type`.
    pub(crate) kind: ProblemKind,
    /// What is wrong with this request.
    pub(crate) detail: String,
    /// The invalid fields of the body.
    pub(crate) errors: Vec<BadField>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [BadField],
}

impl Problem {
    fn write(&self, request_id: &str, response: Response) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            problem_type: format!("/problems/{}", self.kind.name()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
        };
        let (mut parts, _) = response.into_parts();
        parts.extensions.insert(ProblemName(self.kind.name()));
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let body = serde_json::to_vec(&body).expect("a problem can be written as JSON");
        Response::from_parts(parts, body.into())
    }
}

/// Writes the body of the response if it is a problem, with the id of the request.
pub(crate) fn write(mut response: Response, request_id: &str) -> Response {
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.write(request_id, response),
        None => response,
    }
}

//! `GET /openapi.json`, `GET /docs`, `GET /v1/event-types` and `GET /problems/{name}`: the documentation of the API, as JSON, as pages and
//! as Markdown. The calls need no API key.
//!
//! A test (`openapi`) generates the documents from the code, and they are committed. The function serves them as constants, without a
//! generator.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::http::api_error::ApiError;
use crate::http::body::CheckedQuery;
use crate::http::etag::Tag;
use crate::http::problem_kind::ProblemKind;
use crate::http::response::PUBLIC;
use crate::http::unknown_query::NoQuery;
#[cfg(test)]
use crate::openapi::event_types::EventTypeList;

/// Media type of Markdown.
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// The committed OpenAPI document.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// The same document in version 3.0 of OpenAPI, for programs that do not support version 3.1.
pub(crate) const OPENAPI_30: &str = include_str!("../openapi-3.0.json");

/// The committed page, generated from the OpenAPI document.
pub(crate) const PAGE: &str = include_str!("../docs.html");

/// The same page as Markdown.
pub(crate) const PAGE_AS_TEXT: &str = include_str!("../docs.md");

/// The committed list of event types.
pub(crate) const EVENT_TYPES: &str = include_str!("../event-types.json");

/// The committed page about the event types, in Markdown.
pub(crate) const EVENT_TYPES_PAGE: &str = include_str!("../../../docs/event-types.md");

/// The style sheet that the page contains.
const STYLE: &str = include_str!("../templates/docs.css");

static OPENAPI_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(OPENAPI));
static OPENAPI_30_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(OPENAPI_30));
static PAGE_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(PAGE));
static PAGE_AS_TEXT_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(PAGE_AS_TEXT));
static EVENT_TYPES_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(EVENT_TYPES));
static EVENT_TYPES_PAGE_TAG: LazyLock<HeaderValue> = LazyLock::new(|| tag_of(EVENT_TYPES_PAGE));

/// Allows the page its own style sheet and nothing else.
static PAGE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
});

/// The query of `GET /openapi.json`.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// Version of OpenAPI. Default: 3.1.
    version: Option<String>,
}

/// Returns the OpenAPI document.
pub(crate) async fn openapi(CheckedQuery(wanted): CheckedQuery<Wanted>) -> Result<Response, ApiError> {
    match wanted.version.as_deref() {
        None | Some("3.1") => Ok(respond(&OPENAPI_TAG, "application/json", OPENAPI)),
        Some("3.0") => Ok(respond(&OPENAPI_30_TAG, "application/json", OPENAPI_30)),
        Some(_) => Err(ApiError::NotFound("document in this version of OpenAPI (3.0 or 3.1)")),
    }
}

/// Returns the API reference as a page. The page contains no script and loads nothing.
pub(crate) async fn page() -> Response {
    let mut response = respond(&PAGE_TAG, "text/html; charset=utf-8", PAGE);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, PAGE_POLICY.clone());
    response
}

/// Returns the API reference as Markdown.
pub(crate) async fn page_as_text() -> Response {
    respond(&PAGE_AS_TEXT_TAG, MARKDOWN, PAGE_AS_TEXT)
}

/// Returns the page about the event types as Markdown.
pub(crate) async fn event_types_page() -> Response {
    respond(&EVENT_TYPES_PAGE_TAG, MARKDOWN, EVENT_TYPES_PAGE)
}

/// Lists the event types, each with its meaning, a sample, and JSON Schemas of its data and of the webhook in each format. The list is
/// the same for all projects and changes only with a new version.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/event-types", operation_id = "listEventTypes", tag = "Events",
    responses((status = 200, description = "The event types.", body = EventTypeList)),
))]
pub(crate) async fn event_types(_: NoQuery) -> Response {
    respond(&EVENT_TYPES_TAG, "application/json", EVENT_TYPES)
}

/// Redirects the `type` of a problem to its description on the page.
pub(crate) async fn problem(Path(name): Path<String>) -> Result<Response, ApiError> {
    let kind = ProblemKind::ALL.iter().find(|kind| kind.name() == name).ok_or(ApiError::NotFound("problem type"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("/docs#problem-{}", kind.name()))]).into_response())
}

/// Responds with a document that anyone may cache for five minutes.
fn respond(tag: &HeaderValue, content_type: &'static str, content: &'static str) -> Response {
    let headers = [(ETAG, tag.clone()), (CACHE_CONTROL, HeaderValue::from_static(PUBLIC))];
    (headers, [(CONTENT_TYPE, content_type)], content).into_response()
}

fn tag_of(content: &str) -> HeaderValue {
    Tag::of_content(content).header_value()
}

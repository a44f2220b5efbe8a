//! `GET /llms.txt`, `GET /.well-known/api-catalog` and `GET /.well-known/security.txt`: where programs and people find the documentation of
//! the API and the contact for security. The calls need no API key.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::etag::Tag;
use crate::http::response::PUBLIC;

/// The page for language models, with `{base}` for the public URL of the API.
const LLMS: &str = include_str!("../llms.txt");

/// Path of the catalog.
const CATALOG: &str = "/.well-known/api-catalog";
/// Path of the contacts.
const SECURITY: &str = "/.well-known/security.txt";

/// How long `security.txt` is valid. RFC 9116 recommends less than a year.
const VALIDITY: Duration = Duration::from_hours(180 * 24);

/// Returns the overview of the documentation for language models.
pub(crate) async fn llms(State(app): State<App>) -> Response {
    respond("text/markdown; charset=utf-8", LLMS.replace("{base}", &app.config.api_base_url))
}

/// Returns the API catalog (RFC 9727): a link set with the descriptions of the API.
pub(crate) async fn api_catalog(State(app): State<App>) -> Response {
    let content_type = r#"application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727""#;
    let mut response = respond(content_type, catalog(&app.config.api_base_url).to_string());
    // RFC 9727 wants this link also in the response to HEAD.
    let link = format!("<{CATALOG}>; rel=\"api-catalog\"");
    response.headers_mut().insert(LINK, HeaderValue::try_from(link).expect("a path is a header value"));
    response
}

fn catalog(base: &str) -> Value {
    let link = |path: &str, kind: &str| json!({"href": format!("{base}{path}"), "type": kind});
    json!({"linkset": [
        {"anchor": format!("{base}{CATALOG}"), "item": [{"href": format!("{base}/v1")}]},
        {
            "anchor": format!("{base}/v1"),
            "service-desc": [
                link("/openapi.json", "application/json"), link("/openapi.json?version=3.0", "application/json"),
            ],
            "service-doc": [link("/docs", "text/html"), link("/docs.md", "text/markdown")],
            "service-meta": [link("/llms.txt", "text/markdown"), link("/v1/event-types", "application/json")],
        },
    ]})
}

/// Returns the contacts for reports of security problems (RFC 9116), if the deployment names any.
pub(crate) async fn security(State(app): State<App>) -> Result<Response, ApiError> {
    let contacts = &app.config.security_contacts;
    if contacts.is_empty() {
        return Err(ApiError::NotFound("contact for security reports"));
    }
    // The time changes once a day, and with it the `ETag`.
    let expires = app.clock.now().day().start().plus(VALIDITY);
    let canonical = format!("{}{SECURITY}", app.config.api_base_url);
    let contacts = contacts.iter().map(|contact| format!("Contact: {contact}"));
    let lines: Vec<String> =
        contacts.chain([format!("Expires: {expires}"), format!("Canonical: {canonical}\n")]).collect();
    Ok(respond("text/plain; charset=utf-8", lines.join("\n")))
}

/// Responds with a document that anyone may cache for five minutes.
fn respond(content_type: &'static str, content: String) -> Response {
    let headers = [
        (ETAG, Tag::of_content(&content).header_value()),
        (CACHE_CONTROL, HeaderValue::from_static(PUBLIC)),
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
    ];
    (headers, content).into_response()
}

//! Headers of all pages: the Content-Security-Policy, and who may show the console in a frame.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_FRAME_OPTIONS};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::http::csp;
use crate::http::visitor::Visitor;
use crate::layout::shell::SOURCES;

/// Adds the headers of pages.
pub(crate) async fn add(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let visitor = response.extensions().get::<Visitor>().cloned();
    let accent = visitor.as_ref().and_then(|visitor| visitor.open_session().accent.as_ref());
    let (style, script) = &*SOURCES;
    let policy = csp::policy(style, script, accent, &app.config.frame_ancestors);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    // With `no-referrer`, browsers would send `Origin: null` with forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(VARY, HeaderValue::from_static("accept-language, cookie"));
    if let Some(visitor) = visitor {
        headers.entry(CONTENT_LANGUAGE).or_insert(HeaderValue::from_static(visitor.language().as_str()));
    }
    response
}

/// Removes `X-Frame-Options`, which forbids all frames, if the operator's pages may show the console in one. `frame-ancestors` of
/// the policy names these pages.
pub(crate) async fn allow_frames(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if !app.config.frame_ancestors.is_empty() {
        response.headers_mut().remove(X_FRAME_OPTIONS);
    }
    response
}

//! Security headers, for all functions behind an HTTP API.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

const SECURITY_HEADERS: [(HeaderName, &str); 8] = [
    // Responses contain settings, secrets that are shown once, and personal data. RFC 9111 §3.5 protects only requests with
    // `Authorization`, which this API does not use.
    (CACHE_CONTROL, "no-store"),
    // Paths contain ids and sealed tokens, which the host of a link must not learn.
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// Adds the security headers to a response. A header that the handler has set stays, such as `Cache-Control` of a public
/// document.
pub fn set_security_headers(response: &mut Response) {
    let headers = response.headers_mut();
    headers.reserve(SECURITY_HEADERS.len());
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Adds the security headers to each response, as a layer.
pub async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set_security_headers(&mut response);
    response
}

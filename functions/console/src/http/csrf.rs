//! Refuses requests that change something and come from another site.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`, which scripts and forms of other sites cannot set. Browsers
//! without this header send `Origin` with every form. Pages therefore need no token in their forms.

use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::http::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests from other sites with 403, except `GET` and `HEAD`, which change nothing.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_safe || is_same_origin(request.headers(), app.config.origin.as_str()) {
        return next.run(request).await;
    }
    Problem::OtherSite.into_response()
}

/// Whether a request comes from a page of our own. `origin` is our origin, such as `https://console.example.com`.
fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let only = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().map(|value| if values.next().is_none() { value.as_bytes() } else { b"" })
    };
    match only(SEC_FETCH_SITE) {
        Some(site) => site == b"same-origin",
        None => only(ORIGIN) == Some(origin.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OURS: &str = "https://console.example.com";

    fn headers(site: Option<&str>, origin: Option<&str>) -> HeaderMap {
        let named = [(SEC_FETCH_SITE, site), (ORIGIN, origin)];
        let present =
            named.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).unwrap())));
        present.collect()
    }

    #[test]
    fn only_a_page_of_our_own_origin_may_change_something() {
        let origins = [
            None,
            Some(OURS),
            Some("null"),
            Some(""),
            Some("https://evil.example"),
            Some("http://console.example.com"),
            Some("https://console.example.com:8443"),
            Some("https://console.example.com/"),
            Some("https://console.example.com.evil.example"),
            Some("https://CONSOLE.example.com"),
            Some("https://example.com"),
        ];
        for origin in origins {
            // Without `Sec-Fetch-Site`, only our exact origin counts.
            assert_eq!(is_same_origin(&headers(None, origin), OURS), origin == Some(OURS), "{origin:?}");
            assert!(is_same_origin(&headers(Some("same-origin"), origin), OURS), "{origin:?}");
            // A browser that says that the request comes from elsewhere is believed, whatever `Origin` says.
            for site in
                ["none", "same-site", "cross-site", "", "Same-Origin", "same-origin, cross-site", "future-value"]
            {
                assert!(!is_same_origin(&headers(Some(site), origin), OURS), "{site} {origin:?}");
            }
        }
    }

    #[test]
    fn a_repeated_header_is_refused() {
        for name in [SEC_FETCH_SITE, ORIGIN] {
            let mut headers = headers((name == SEC_FETCH_SITE).then_some("same-origin"), Some(OURS));
            assert!(is_same_origin(&headers, OURS));
            headers.append(&name, HeaderValue::from_static("same-origin"));
            assert!(!is_same_origin(&headers, OURS), "{name}");
        }
    }
}

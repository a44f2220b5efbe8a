//! Security headers.

use aws::lambda::csp;
use aws::lambda::proxy::{SECRET_HEADER, TrustedProxy};
use axum::body::Body;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Request};

use super::site::{APPROVED, DEVICE_REFUSED, NO_RESULT_PAGE, RESULT_PAGE, SINGLE_USE, Site};

#[tokio::test]
async fn the_policy_allows_only_the_style_sheets_of_the_page() {
    let (plain, coloured) =
        (Site::with(RESULT_PAGE).await, Site::new(r##"{"name":"Acme","logoColor":"#123456"}"##).await);
    for (site, count) in [(plain, 1), (coloured, 2)] {
        let page = site.get(&site.link(APPROVED)).await;
        let sheets = page.html.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap());
        let sources: Vec<String> = sheets.map(csp::source).collect();
        assert_eq!(sources.len(), count);
        let policy = page.header(CONTENT_SECURITY_POLICY);
        assert!(policy.contains(&format!("; style-src {};", sources.join(" "))), "{policy}");
        assert!(!page.html.contains(" style=") && !page.html.contains("<script"), "{}", page.html);
    }
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let (site, skipping) = (Site::with(RESULT_PAGE).await, Site::with(NO_RESULT_PAGE).await);
    let (failing, used) = (Site::without_activity_table().await, skipping.link(SINGLE_USE));
    skipping.get(&used).await;
    let error_page = format!("/r/{}/error/DE-20000", site.project);
    let send = async |method, path: &str| site.send(request(method, path)).await;
    let mut responses = vec![
        (200, site.get(&site.link(APPROVED)).await),
        (303, skipping.get(&skipping.link(APPROVED)).await),
        (200, site.get(&site.link(DEVICE_REFUSED)).await),
        (200, site.get(&error_page).await),
        (410, skipping.get(&used).await),
        (503, failing.get(&failing.link(SINGLE_USE)).await),
        (404, site.get("/nothing").await),
        (404, site.get("/r/x").await),
        (404, site.get("/r/%ff").await),
    ];
    for path in [&site.link(APPROVED), &error_page] {
        responses.push((200, send("HEAD", path).await));
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            responses.push((405, send(method, path).await));
        }
    }
    for (status, response) in responses {
        assert_eq!(response.status, status, "{response:?}");
        for (name, expected) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("strict-transport-security", "max-age=31536000"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-robots-tag", "noindex, nofollow"),
        ] {
            assert_eq!(response.header(name), expected, "{name} of {response:?}");
        }
        let policy = response.header(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    }
}

#[tokio::test]
async fn behind_a_proxy_requests_without_its_secret_are_rejected() {
    // The SHA-256 of "abc".
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let proxy = TrustedProxy::read(&|name| (name == "PROXY_SECRET_HASHES").then(|| hash.to_owned())).unwrap();
    let site = Site::with(RESULT_PAGE).await.behind(proxy);
    for (secret, status) in [(None, 403), (Some("abd"), 403), (Some("abc"), 200)] {
        let mut request = request("GET", &site.link(APPROVED));
        request.headers_mut().extend(secret.map(|secret| (SECRET_HEADER, HeaderValue::from_static(secret))));
        let response = site.send(request).await;
        assert_eq!((response.status.as_u16(), response.header("cache-control")), (status, "no-store"), "{secret:?}");
        assert!(status == 200 || response.html.is_empty(), "{}", response.html);
    }
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

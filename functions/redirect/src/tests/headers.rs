//! Security headers.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use super::site::{APPROVED, DEVICE_REFUSED, NO_RESULT_PAGE, RESULT_PAGE, Site};
use crate::csp;

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
    let responses = [
        site.get(&site.link(APPROVED)).await,
        skipping.get(&skipping.link(APPROVED)).await,
        site.get(&site.link(DEVICE_REFUSED)).await,
        site.get("/nothing").await,
        site.send(Request::post("/r/x").body(Body::empty()).unwrap()).await,
    ];
    for response in responses {
        assert_eq!(response.header(CACHE_CONTROL), "no-store");
        assert_eq!(response.header(REFERRER_POLICY), "no-referrer");
        assert_eq!(response.header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = response.header(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    }
}

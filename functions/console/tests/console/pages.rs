//! What all pages have in common.

use aws::lambda::csp;
use axum::http::Method;
use serde_json::json;

use crate::browser::{FORM, NAVIGATION};
use crate::console::{ORIGIN, TestConsole};
use crate::html;

#[tokio::test]
async fn the_policy_allows_only_the_style_sheets_and_the_script_of_the_page() {
    let console = TestConsole::start().await;
    for count in [1, 2] {
        let mut browser = console.sign_in("viewer").await;
        for (url, scripts) in [("/notification-users", 1), ("/nothing", 1), ("/in/x", 0)] {
            let page = browser.open(url).await;
            let sources = |element| -> Vec<String> {
                html::elements(&page.html, element).into_iter().map(|(_, content)| csp::source(content)).collect()
            };
            let (styles, script) = (sources("style"), sources("script"));
            let policy = page.header("content-security-policy");
            let is_plain = scripts == 0;
            assert_eq!((styles.len(), script.len()), (if is_plain { 1 } else { count }, scripts), "{url}");
            for source in styles.iter().chain(&script) {
                assert!(policy.contains(source.as_str()), "{url}: {policy}");
            }
            let rest = "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.ends_with(rest), "{policy}");
            assert!(!page.html.contains(" style=") && !page.html.contains(" onclick="), "{url}");
        }
        console.project.patch("", json!({"logoColor": "#123456"})).await.expect(200);
        console.clock.advance(std::time::Duration::from_secs(10));
    }
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("viewer").await;
    let foreign = [("origin", "https://evil.example")];
    for (method, url, headers, status) in [
        (Method::GET, "/notification-users", &NAVIGATION[..], 200),
        (Method::HEAD, "/notification-users", &NAVIGATION, 200),
        (Method::GET, "/nothing", &NAVIGATION, 404),
        (Method::POST, "/notification-users", &FORM, 405),
        (Method::POST, "/notification-users/new", &foreign, 403),
        (Method::POST, "/notification-users/new", &FORM, 403),
        (Method::GET, "/in/x", &NAVIGATION, 404),
        (Method::POST, "/sign-out", &FORM, 200),
        (Method::GET, "/", &NAVIGATION, 401),
    ] {
        let page = browser.send_once(method, url, "", headers).await;
        assert_eq!(page.status, status, "{url}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("content-type", "text/html; charset=utf-8"),
            ("x-request-id", "local"),
        ] {
            assert_eq!(page.header(name), value, "{url}");
        }
        assert!(
            page.headers.contains_key("strict-transport-security") && page.headers.contains_key("content-language")
        );
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let (body, form) = ("name=Eve&email=eve%40acme.example&language=en", FORM[1]);
    for site in ["none", "same-site", "cross-site"] {
        for origin in [ORIGIN, "null", "https://evil.example"] {
            let headers = [form, ("sec-fetch-site", site), ("origin", origin)];
            let page = browser.send_once(Method::POST, "/notification-users/new", body, &headers).await;
            assert!(page.status == 403 && page.says("Request refused"), "{site} {origin}: {}", page.text());
        }
    }
    for headers in [&[form][..], &[form, ("origin", "null")], &[form, ("referer", "https://console.example/")]] {
        let page = browser.send_once(Method::POST, "/notification-users/new", body, headers).await;
        assert_eq!(page.status, 403, "{headers:?}");
    }
    assert_eq!(console.project.list("/notification-users").await.len(), 0);
    let page = browser.send_once(Method::POST, "/notification-users/new", body, &[form, ("origin", ORIGIN)]).await;
    assert_eq!(page.status, 303);
}

#[tokio::test]
async fn pages_are_in_the_language_of_the_link_or_else_of_the_browser() {
    let console = TestConsole::start().await;
    for (link, browser_language, expected, text) in [
        (json!({}), "ko-KR,en;q=0.5", "ko", "알림 수신자"),
        (json!({"language": "es"}), "ko", "es", "Destinatarios de avisos"),
        (json!({}), "fr", "en", "Notification users"),
    ] {
        let (mut browser, _) = console.sign_in_with("viewer", link).await;
        browser.language = browser_language;
        let page = browser.get("/notification-users").await;
        assert_eq!(page.header("content-language"), expected);
        assert!(page.html.contains(&format!("<html lang=\"{expected}\">")) && page.says(text), "{}", page.text());
    }
}

#[tokio::test]
async fn a_page_is_small_and_marks_where_one_is() {
    let console = TestConsole::start().await;
    let (mut browser, _) = console.sign_in_with("viewer", json!({"returnTo": "https://acme.example/kyc"})).await;
    let page = browser.get("/notification-users").await;
    assert!(page.html.len() < 40 * 1024, "{} bytes", page.html.len());
    assert!(page.html.contains(r#"<a href="/notification-users" aria-current="page">"#), "{}", page.html);
    assert_eq!(page.html.matches("aria-current").count(), 1 + 1, "one link, and one rule of the style sheet");
    assert!(page.links().contains(&"https://acme.example/kyc".to_owned()));
    assert!(page.says("Ada Kim · viewer") && page.says("Acme"));
}

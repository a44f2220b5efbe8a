//! How a console link begins a session.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::browser::{FORM, NAVIGATION};
use crate::console::{ORIGIN, TestConsole};
use crate::fixture::Options;

#[tokio::test]
async fn a_link_opens_the_page_it_names_once() {
    let console = TestConsole::start().await;
    let link = console
        .link("viewer", json!({"next": "/notification-users?done=added", "returnTo": "https://acme.example/x"}))
        .await;
    let mut browser = console.browser();
    let first = browser.send_once(Method::GET, &link, "", &NAVIGATION).await;
    assert_eq!((first.status, first.header("location")), (303, "/notification-users?done=added"));
    let cookie = first.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert!(browser.get("/notification-users").await.says("Ada Kim · viewer"));

    let mut other = console.browser();
    let page = other.open(&link).await;
    assert!(page.status == 410 && page.says("This link was already used"), "{}", page.text());
    assert_eq!((page.link("https://"), other.cookie), ("https://acme.example/x".to_owned(), None));
    let page = browser.open(&link).await;
    assert_eq!((page.status, page.url.as_str()), (200, "/notification-users?done=added"), "the same browser goes on");
}

#[tokio::test]
async fn a_program_that_looks_at_the_link_does_not_use_it_up() {
    let console = TestConsole::start().await;
    let link = console.link("viewer", json!({"next": "/notification-users"})).await;
    let mut browser = console.browser();
    let prefetch = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-purpose", "prefetch")];
    let frame = [NAVIGATION[0], NAVIGATION[1], ("sec-fetch-dest", "iframe")];
    for (method, headers) in
        [(Method::GET, &[][..]), (Method::HEAD, &NAVIGATION[..]), (Method::GET, &prefetch), (Method::GET, &frame)]
    {
        let page = browser.send_once(method.clone(), &link, "", headers).await;
        assert_eq!((page.status, &browser.cookie), (200, &None), "{headers:?}");
        if method == Method::GET {
            assert!(page.says("for Ada Kim") && page.form("").values.is_empty(), "{}", page.text());
        }
    }
    let foreign = browser.send_once(Method::POST, &link, "", &[("origin", "https://evil.example")]).await;
    assert_eq!((foreign.status, &browser.cookie), (403, &None));
    // A browser that is too old for Sec-Fetch-Site sends Origin.
    let page = browser.send_once(Method::POST, &link, "", &[("origin", ORIGIN)]).await;
    assert_eq!((page.status, page.header("location")), (303, "/notification-users"));
    assert!(browser.cookie.is_some());
    let page = browser.send_once(Method::POST, &link, "", &FORM).await;
    assert_eq!(page.status, 303, "pressing the button twice is safe");
}

#[tokio::test]
async fn a_link_that_has_expired_or_was_changed_gets_a_page_in_words() {
    let console = TestConsole::start().await;
    let link = console.link("viewer", json!({"expiresInSeconds": 60, "language": "ko"})).await;
    let mut browser = console.browser();
    for broken in ["/in/x", "/in/x.y", &format!("{link}x"), "/in/%FF"] {
        for method in [Method::GET, Method::POST] {
            let page = browser.send_once(method, broken, "", &FORM).await;
            assert!(page.status == 404 && page.html.contains("<h1>"), "{broken} {}", page.status);
        }
    }
    assert!(browser.open("/in/x").await.says("This link does not work"));
    console.clock.advance(Duration::from_mins(1));
    let page = browser.open(&link).await;
    assert!(page.status == 410 && page.says("This link has expired"), "{}", page.text());
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn a_method_that_a_link_does_not_have_gets_a_page_in_the_language_of_the_browser() {
    let console = TestConsole::start().await;
    let link = console.link("viewer", json!({})).await;
    let mut browser = console.browser();
    for (language, text) in
        [("en", "This does not work here"), ("ko-KR", "여기서는 할 수 없습니다"), ("es", "Aquí no se puede")]
    {
        browser.language = language;
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let page = browser.send_once(method, &link, "", &FORM).await;
            assert!(page.status == 405 && page.says(text), "{} {}", page.status, page.text());
            assert_eq!(page.header("allow"), "GET,HEAD,POST");
        }
    }
    assert_eq!(browser.open(&link).await.status, 200, "the link still opens");
}

#[tokio::test]
async fn a_link_of_somebody_else_does_not_replace_an_open_session_without_a_question() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let own = browser.cookie.clone();
    let mallory = console.link("admin", json!({"user": {"id": "mallory", "name": "Mallory"}})).await;
    let question = browser.open(&mallory).await;
    assert!(
        question.says("for Mallory") && question.says("other settings are open for Ada Kim"),
        "{}",
        question.text()
    );
    assert_eq!(browser.cookie, own);
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.says("Mallory · admin") && browser.cookie != own, "{}", page.text());

    // The same person comes from the operator's product again.
    let mut browser = console.sign_in("admin").await;
    let own = browser.cookie.clone();
    let page = browser.open(&console.link("viewer", json!({})).await).await;
    assert!(page.says("Ada Kim · viewer") && browser.cookie != own, "{}", page.text());
}

#[tokio::test]
async fn a_frame_of_an_allowed_site_opens_a_link() {
    let console = TestConsole::start_with(&Options::default(), "https://app.example https://admin.example").await;
    let link = console.link("viewer", json!({"next": "/notification-users"})).await;
    let mut browser = console.browser();
    let page = browser.send(Method::GET, &link, "", &[NAVIGATION[1], ("sec-fetch-dest", "iframe")]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy").ends_with("; frame-ancestors https://app.example https://admin.example")
    );
    assert!(!page.headers.contains_key("x-frame-options"));
}

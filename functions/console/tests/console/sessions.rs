//! How a session ends, and what its cookie does.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::browser::{Browser, NAVIGATION};
use crate::console::TestConsole;

const PAGE: &str = "/notification-users";

async fn status(browser: &mut Browser) -> u16 {
    browser.open(PAGE).await.status
}

#[tokio::test]
async fn a_request_without_a_session_gets_a_page_in_words() {
    let console = TestConsole::start().await;
    let mut browser = console.browser();
    for (language, text) in
        [("en", "Your session is over"), ("ko-KR", "세션이 종료되었습니다"), ("es", "Su sesión ha terminado")]
    {
        browser.language = language;
        for cookie in [None, Some("__Host-session=x.y"), Some("session=x"), Some("__Host-session=")] {
            browser.cookie = cookie.map(str::to_owned);
            let page = browser.open(PAGE).await;
            assert!(page.status == 401 && page.says(text), "{}", page.text());
        }
    }
    assert_eq!(browser.post("/sign-out", "").await.status, 401);
}

#[tokio::test]
async fn a_session_that_is_used_lasts_eight_hours() {
    let console = TestConsole::start().await;
    let (mut browser, _) =
        console.sign_in_with("viewer", json!({"language": "es", "returnTo": "https://acme.example/kyc"})).await;
    let first = browser.cookie.clone();
    console.clock.advance(Duration::from_mins(4));
    assert_eq!((status(&mut browser).await, &browser.cookie), (200, &first), "the cookie is renewed only now and then");
    for _ in 0..9 {
        console.clock.advance(Duration::from_mins(50));
        assert_eq!(status(&mut browser).await, 200);
    }
    assert_ne!(browser.cookie, first);
    console.clock.advance(Duration::from_mins(27));
    let page = browser.open(PAGE).await;
    assert!(page.status == 401 && page.says("Su sesión ha terminado"), "{}", page.text());
    assert_eq!(page.link("https://"), "https://acme.example/kyc");
}

#[tokio::test]
async fn a_session_that_is_not_used_for_an_hour_is_over() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    console.clock.advance(Duration::from_mins(59));
    assert_eq!(status(&mut browser).await, 200);
    console.clock.advance(Duration::from_hours(1));
    assert_eq!(status(&mut browser).await, 401);
}

#[tokio::test]
async fn a_session_ended_by_call_is_over_within_ten_seconds() {
    let console = TestConsole::start().await;
    let (mut one, mut other) = (console.sign_in("viewer").await, console.sign_in("viewer").await);
    let sessions = console.project.list("/console-sessions").await;
    assert_eq!((sessions.len(), status(&mut one).await, status(&mut other).await), (2, 200, 200));
    console.project.delete("/console-sessions").await.expect(204);
    console.clock.advance(Duration::from_secs(10));
    assert_eq!((status(&mut one).await, status(&mut other).await), (401, 401));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_deletes_the_cookie() {
    let console = TestConsole::start().await;
    let (mut browser, _) = console.sign_in_with("viewer", json!({"returnTo": "https://acme.example/kyc"})).await;
    let (mut stolen, foreign) = (browser.clone(), browser.send_once(Method::POST, "/sign-out", "", &NAVIGATION).await);
    assert_eq!((foreign.status, status(&mut browser).await), (403, 200));
    let page = browser.post("/sign-out", "").await;
    assert!(page.status == 200 && page.says("You are signed out"), "{}", page.text());
    assert_eq!((page.link("https://"), &browser.cookie), ("https://acme.example/kyc".to_owned(), &None));
    assert_eq!((status(&mut browser).await, status(&mut stolen).await), (401, 401));
}

#[tokio::test]
async fn the_cookie_of_one_project_shows_only_that_project() {
    let (console, other) = (TestConsole::start().await, TestConsole::start().await);
    let mut browser = console.sign_in("viewer").await;
    let mut elsewhere = other.browser();
    elsewhere.cookie.clone_from(&browser.cookie);
    assert_eq!((status(&mut browser).await, status(&mut elsewhere).await), (200, 401));
}

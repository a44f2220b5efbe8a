//! The handshake of an endpoint: what the page asks of the receiver, and the result in words.

use std::time::Duration;

use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{HandshakeTask, SendMessage};
use domain::webhooks::handshake::GrantHeaders;
use serde_json::json;

use crate::browser::Page;
use crate::console::TestConsole;
use crate::endpoints::Site;
use crate::fixture::{Options, attempt};

const ORIGIN: &str = "api.signpost.example.com";

async fn site(role: &str) -> Site {
    Site::with(TestConsole::start().await, role, json!({"ownership": "handshake", "pace": 60})).await
}

/// What a receiver answers: the failure and the status, the allowed origin and the allowed rate.
type Answer<'a> = (Option<FailureReason>, Option<u16>, Option<&'a str>, Option<&'a str>);

impl Site {
    /// Presses the button on this page. `answer` is what the receiver answers to webhook-sender.
    async fn handshake(&mut self, page: &Page, action: &str, answer: Answer<'_>) -> Page {
        let (reason, status, origin, rate) = answer;
        let text = |value: Option<&str>| value.map(str::to_owned);
        let console = &self.console;
        let sender = async {
            let HandshakeTask { project_id, handshake_id, .. } = loop {
                match console.queue.take().as_slice() {
                    [] => tokio::task::yield_now().await,
                    [(SendMessage::Handshake(task), Duration::ZERO)] => break task.clone(),
                    others => panic!("{others:?}"),
                }
            };
            let asked = console.store.handshakes.get(project_id, handshake_id).await.unwrap().unwrap();
            let attempt = Attempt { status, response: Some("answer <b>".to_owned()), ..attempt(reason) };
            let headers = GrantHeaders { allowed_origin: text(origin), allowed_rate: text(rate) };
            console.store.handshakes.end(project_id, &asked.answered(ORIGIN, attempt, headers)).await.unwrap();
        };
        tokio::join!(self.browser.submit(page, action, &[]), sender).0
    }
}

#[tokio::test]
async fn an_unverified_endpoint_says_what_to_do_and_is_active_after_the_grant() {
    let mut site = site("developer").await;
    let overview = site.browser.get("/").await;
    assert!(overview.says("handshake needed"), "{}", overview.text());
    let page = site.browser.get(&site.path).await;
    for said in ["handshake needed", "The server has not granted webhooks yet", "Handshake not granted yet"] {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    assert!(!page.html.contains("/resume\"") && !page.html.contains("/pause\""), "{}", page.html);

    let action = format!("{}/handshake", site.path);
    let explained = site.browser.get(&page.link(&action)).await;
    for said in [
        "WebHook-Allowed-Origin: api.signpost.example.com",
        "curl -i -X OPTIONS 'https://hooks.example.com/kyc?a=1&b=2'",
        "-H 'WebHook-Request-Origin: api.signpost.example.com'",
        "-H 'WebHook-Request-Rate: 60'",
    ] {
        assert!(explained.says(said), "{said}: {}", explained.text());
    }

    let granted = site.handshake(&page, &action, (None, Some(200), Some(ORIGIN), Some("30"))).await;
    assert_eq!(granted.status, 200);
    for said in ["granted", "Your server grants webhooks: at most 30 webhooks a minute.", "answer <b>", "Status 200"] {
        assert!(granted.says(said), "{said}: {}", granted.text());
    }
    assert!(!granted.html.contains("answer <b>"));
    let page = site.browser.get(&granted.link(&site.path)).await;
    assert!(page.says("Webhooks are sent as they occur."), "{}", page.text());
    assert!(page.says("granted 2026-11-22 08:30 UTC : at most 30 webhooks a minute"), "{}", page.text());
    assert!(page.html.contains("/pause\"") && !page.html.contains(&format!("action=\"{action}\"")), "{}", page.html);
}

#[tokio::test]
async fn a_refusal_says_what_the_server_answered_and_what_to_do() {
    let mut site = site("developer").await;
    let action = format!("{}/handshake", site.path);
    let (status, timeout) = (Some(FailureReason::Status), Some(FailureReason::ConnectTimeout));
    let refused = Some(FailureReason::TokenRefused);
    for (answer, what, advice) in [
        (
            (None, Some(204), None, None),
            "without the header WebHook-Allowed-Origin",
            "Let it answer with WebHook-Allowed-Origin: api.signpost.example.com",
        ),
        (
            (None, Some(200), Some("evil.example <b>"), None),
            "evil.example <b>, which does not name us",
            "Let it answer with",
        ),
        ((status, Some(405), None, None), "answered with status 405", "Let the server answer OPTIONS requests"),
        ((status, Some(401), None, None), "answered with status 401", "The server asks for credentials"),
        (
            (refused, Some(401), None, None),
            "refused to issue an access token. It answered with status 401 and the error answer <b>",
            "Check the client ID",
        ),
        ((timeout, None, None, None), "could not be reached within 5 seconds", "a firewall drops the connection"),
    ] {
        let page = site.browser.get(&action).await;
        let page = site.handshake(&page, "", answer).await;
        assert!(page.says("not granted") && page.says(what) && page.says(advice), "{answer:?}: {}", page.text());
        assert!(!page.html.contains("evil.example <b>"));
        assert_eq!(site.endpoint_now().await["state"], "unverified");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_asked_again_and_too_often_is_refused_in_words() {
    let options = Options { test_result_timeout: Duration::ZERO, ..Options::default() };
    let console = TestConsole::start_with(&options, "").await;
    let mut site = Site::with(console, "developer", json!({"ownership": "handshake"})).await;
    let mut page = site.browser.get(&format!("{}/handshake", site.path)).await;
    page = site.browser.submit(&page, "", &[]).await;
    assert!(page.says("no answer yet") && page.says("Make the handshake again in a minute."), "{}", page.text());
    for _ in 0..30 {
        page = site.browser.submit(&page, "", &[]).await;
    }
    assert!(page.status == 429 && page.says("Too many tests in a minute."), "{}", page.text());
}

#[tokio::test]
async fn an_endpoint_without_a_handshake_says_so() {
    let mut site = Site::start("developer").await;
    let page = site.browser.get(&format!("{}/handshake", site.path)).await;
    assert!(page.says("This endpoint needs no handshake."), "{}", page.text());
    let page = site.browser.post(&page.url, "").await;
    assert!(page.status == 409 && page.html.contains("role=\"alert\""), "{}", page.text());
    assert!(!site.browser.get(&site.path).await.links().iter().any(|link| link.ends_with("/handshake")));
}

#[tokio::test]
async fn a_test_before_the_handshake_leads_to_it() {
    use domain::webhooks::test_send::{NotSentReason, TestState};
    let options = Options { test_result_timeout: Duration::ZERO, ..Options::default() };
    let console = TestConsole::start_with(&options, "").await;
    let mut site = Site::with(console, "developer", json!({"ownership": "handshake"})).await;
    let pending = site.send_test("approved").await;
    let not_sent = TestState::NotSent { not_sent_reason: NotSentReason::EndpointUnverified };
    let page = site.end_test(&pending, not_sent).await;
    assert!(page.says("not sent") && page.says("Make the handshake first."), "{}", page.text());
    assert!(page.links().contains(&format!("{}/handshake", site.path)));
}

#[tokio::test]
async fn the_page_of_the_handshake_is_in_the_language_of_the_session() {
    let site = site("admin").await;
    for (language, texts) in
        [("ko", ["핸드셰이크 필요", "핸드셰이크 하기"]), ("es", ["falta el handshake", "Hacer el handshake"])]
    {
        let (mut browser, _) = site.console.sign_in_with("admin", json!({"language": language})).await;
        for url in [site.path.clone(), format!("{}/handshake", site.path)] {
            let page = browser.get(&url).await;
            assert!(texts.iter().all(|text| page.says(text)), "{language} {url}: {}", page.text());
        }
    }
}

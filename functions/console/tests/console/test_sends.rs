//! Test sends: choosing the event, the answer of the receiver, the command that repeats it.

use std::time::Duration;

use aws::store::WriteOutcome;
use domain::foundation::id::EventId;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::test_send::{NotSentReason, SentRequest, TestState};
use serde_json::json;

use crate::browser::Page;
use crate::console::TestConsole;
use crate::endpoints::Site;
use crate::fixture::{Options, attempt};

async fn site(role: &str) -> Site {
    let options = Options { test_result_timeout: Duration::ZERO, ..Options::default() };
    let console = TestConsole::start_with(&options, "").await;
    Site::with(console, role, json!({"headers": {"authorization": "Bearer hunter2"}})).await
}

impl Site {
    pub(crate) async fn send_test(&mut self, event_type: &str) -> Page {
        let form = self.browser.get(&format!("{}/test", self.path)).await;
        self.browser.submit(&form, "", &[("type", event_type)]).await
    }

    /// Ends the test of this page as webhook-sender does, and loads the page again.
    pub(crate) async fn end_test(&mut self, pending: &Page, state: TestState) -> Page {
        let id: EventId = pending.url.rsplit('/').next().unwrap().parse().unwrap();
        let project = self.console.project.id();
        let test = self.console.store.test_sends.get(project, id).await.unwrap().unwrap();
        let ended = self.console.store.test_sends.end(project, &test.ended(state)).await.unwrap();
        assert_eq!(ended, WriteOutcome::Applied);
        self.browser.get(&pending.url).await
    }
}

fn request() -> SentRequest {
    let headers = [("webhook-id", "it's"), ("webhook-signature", "v1,abc=")];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    SentRequest::of(&headers.into_iter().collect(), br#"{"name":"<script>"}"#)
}

#[tokio::test]
async fn a_test_shows_the_answer_its_phases_and_a_command_that_repeats_it() {
    let mut site = site("developer").await;
    let form = site.browser.get(&format!("{}/test", site.path)).await;
    assert_eq!(form.html.matches(r#"type="radio""#).count(), 11);
    assert!(form.says("The person starts the verification again."), "{}", form.text());
    let pending = site.send_test("aml-ongoing").await;
    assert!(pending.url.starts_with(&format!("{}/tests/", site.path)), "{}", pending.url);
    assert!(pending.says("still running") && pending.links().contains(&pending.url), "{}", pending.text());

    let phases =
        Phases { token_ms: Some(7), dns_ms: Some(12), connect_ms: Some(34), answer_ms: Some(1056), body_ms: Some(1) };
    let response = Some("thanks <b>".to_owned());
    let attempt = Attempt { status: Some(204), phases, response, duration_ms: 1103, ..attempt(None) };
    let page = site.end_test(&pending, TestState::Done { attempt, request: request() }).await;
    for said in [
        "Test of aml-ongoing",
        "accepted",
        "Your server accepted the webhook with status 204.",
        "1,103 ms",
        "access token 7 ms",
        "waiting for the answer 1,056 ms",
        "thanks <b>",
        "{\"name\":\"<script>\"}",
        "Your own headers (authorization) were sent too.",
        "curl -i 'https://hooks.example.com/kyc?a=1&b=2'",
        r"-H 'webhook-id: it'\''s'",
        "--data-raw '{\"name\":\"<script>\"}'",
    ] {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    assert!(!page.html.contains("<script>\"}") && !page.html.contains("thanks <b>") && !page.says("hunter2"));
    assert!(page.html.contains(r#"<svg class="shares""#));
}

#[tokio::test]
async fn a_test_with_an_access_token_says_that_it_is_not_shown() {
    let mut site = site("developer").await;
    let oauth2 = json!({"tokenUrl": "https://login.example.com/", "clientId": "signpost", "clientSecret": "hunter2"});
    site.endpoint.patch("", json!({"headers": null, "oauth2": oauth2})).await.expect(200);
    let pending = site.send_test("approved").await;
    let attempt = Attempt { status: Some(204), ..attempt(None) };
    let page = site.end_test(&pending, TestState::Done { attempt, request: request() }).await;
    assert!(page.says("An access token is sent too. It is not shown.") && !page.says("Your own headers"));
    assert!(!page.says("--cert") && !page.says("hunter2"), "{}", page.text());
}

#[tokio::test]
async fn a_failed_test_says_why_and_what_to_do() {
    let mut site = site("developer").await;
    for (reason, status, text, advice, way) in [
        (
            FailureReason::ConnectTimeout,
            None,
            "could not be reached within 5 seconds",
            "a firewall drops",
            "/addresses",
        ),
        (FailureReason::Tls, None, "The encrypted connection (TLS)", "certificate has not expired", "/endpoints"),
        (FailureReason::Status, Some(401), "answered with status 401", "asks for credentials", "verify"),
        (FailureReason::Status, Some(500), "answered with status 500", "server's own code failed", "/endpoints"),
        (
            FailureReason::TokenRefused,
            Some(401),
            "It answered with status 401 and the error answer.",
            "Check the client ID",
            "/endpoints",
        ),
        (FailureReason::Timeout, None, "did not answer within 15 seconds", "answer immediately", "/endpoints"),
    ] {
        let pending = site.send_test("approved").await;
        let attempt = Attempt { status, response: Some("answer".to_owned()), ..attempt(Some(reason)) };
        let page = site.end_test(&pending, TestState::Done { attempt, request: request() }).await;
        assert!(page.says("failed") && page.says(text) && page.says(advice), "{}", page.text());
        let is_answered = reason == FailureReason::Status;
        assert_eq!(page.says("Answer of your server"), is_answered, "{reason}: {}", page.text());
        assert!(page.links().iter().any(|link| link.contains(way)), "{way}: {:?}", page.links());
    }
    let pending = site.send_test("approved").await;
    let not_sent = TestState::NotSent { not_sent_reason: NotSentReason::OurFault };
    let page = site.end_test(&pending, not_sent).await;
    assert!(page.says("not sent") && page.says("the fault is ours"), "{}", page.text());
}

#[tokio::test]
async fn a_double_click_sends_one_test_and_too_many_are_refused_in_words() {
    let mut site = site("developer").await;
    let form = site.browser.get(&format!("{}/test", site.path)).await;
    let first = site.browser.submit(&form, "", &[("type", "approved")]).await;
    let second = site.browser.submit(&form, "", &[("type", "approved")]).await;
    assert_eq!(first.url, second.url);
    let mut page = first;
    for _ in 0..30 {
        page = site.send_test("approved").await;
    }
    assert!(page.status == 429 && page.form("").values.contains(&("type".to_owned(), "approved".to_owned())));
    let page = site.browser.post(&format!("{}/test", site.path), "type=unknown").await;
    assert!(page.status == 422 && !page.error("type").is_empty(), "{}", page.text());
}

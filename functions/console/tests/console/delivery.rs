//! The page of one delivery.

use std::time::Duration;

use domain::foundation::id::EndpointId;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{CancelReason, Delivery, ReplayOutcome, SendMessage, SkipReason};
use domain::webhooks::health::HoldReason;
use serde_json::json;

use crate::browser::Browser;
use crate::console::TestConsole;
use crate::webhooks::{answered, attempt, deliveries_in, endpoint, failed, held, queued, record, replayed};

const UNKNOWN: &str = "019ab5e0-0000-7000-8000-000000000000";

fn path(delivery: &Delivery) -> String {
    format!("/deliveries/{}", delivery.id)
}

/// A console with one endpoint and a failed webhook to it.
async fn with_failed(role: &str) -> (TestConsole, Browser, Delivery) {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/hooks", "CRM <b>").await;
    let delivery = queued(&console, "aml", "sub_<i>8f21").await;
    let delivery = failed(&console, delivery, 10, 400).await;
    let browser = console.sign_in(role).await;
    (console, browser, delivery)
}

#[tokio::test]
async fn a_failed_delivery_shows_each_attempt_the_answer_and_what_to_do() {
    let (_console, mut browser, delivery) = with_failed("developer").await;
    let page = browser.get(&path(&delivery)).await;
    for text in [
        "aml · sub_<i>8f21 failed",
        "CRM <b> https://crm.acme.example/hooks",
        "The server answered with status 400. The server rejected the request.",
        "All attempts are used up.",
        "2026-11-22 08:30:00 UTC Accepted",
        "2026-11-22 08:30:00 UTC Attempt 1 400 · 1,079 ms",
        "7 more steps",
        "2026-11-22 09:15:00 UTC Attempt 10 400 · 1,079 ms",
        "No further attempts",
        "name lookup 5 ms connection 17 ms waiting for the answer 1,054 ms",
        r#"{"error":"<script>alert(1)</script>"}"#,
        "POST https://crm.acme.example/hooks",
        "webhook-attempt: 10",
        "webhook-signature: (not shown)",
        r#""data":{"name":"Hong & Co <b>","score":1.1}"#,
    ] {
        assert!(page.says(text), "{text} is not in {}", page.text());
    }
    assert!(!page.html.contains("<script>alert") && !page.html.contains("<i>") && !page.html.contains("Co <b>"));
    assert_eq!(page.html.matches("<svg class=\"shares\"").count(), 1);
    let endpoint = delivery.id.endpoint;
    for link in [
        format!("/endpoints/{endpoint}"),
        format!("/endpoints/{endpoint}/verify"),
        format!("/events/{}", delivery.id.event),
        format!("/deliveries?event={}", delivery.id.event),
        "/deliveries?submissionId=sub_%3Ci%3E8f21".to_owned(),
        format!("/replays/new?state=failed&endpointId={endpoint}&from=2026-11-22T08%3A30"),
    ] {
        assert!(page.links().contains(&link), "{link} is not in {:?}", page.links());
    }
}

#[tokio::test]
async fn each_failure_has_an_explanation_and_advice() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let mut browser = console.sign_in("developer").await;
    for reason in FailureReason::ALL {
        let delivery = queued(&console, "aml", "sub_1").await;
        let failed = attempt(&delivery, Some(reason));
        let delivery = record(&console, delivery, failed, Some(Duration::from_mins(5))).await;
        let page = browser.get(&path(&delivery)).await;
        assert!(page.html.contains("card notice caution") && page.says("Sending continues by itself."), "{reason}");
        assert!(page.says("The next attempt is at 2026-11-22 08:35:01 UTC"), "{}", page.text());
        let was_sent = page.says("What was sent");
        assert_ne!(was_sent, page.says("What we tried to send"), "{reason}");
        let is_early = ["dns", "blocked-address", "refused", "connect-timeout", "tls"].contains(&reason.as_str())
            || ["certificate-", "client-certificate-", "token-"].iter().any(|kind| reason.as_str().starts_with(kind));
        assert_ne!(was_sent, is_early, "{reason}");
        let is_about_addresses = ["refused", "connect-timeout", "token-unreachable"].contains(&reason.as_str());
        assert_eq!(page.says("See our addresses"), is_about_addresses, "{reason}");
        assert!(!page.html.contains("/replay\""), "it cannot be sent again yet");
    }
}

#[tokio::test]
async fn what_the_token_server_said_is_not_taken_for_an_answer_of_the_receiver() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let mut browser = console.sign_in("developer").await;
    for (reason, status, response, what, step) in [
        (
            FailureReason::TokenRefused,
            Some(401),
            Some("invalid_client"),
            "It answered with status 401 and the error invalid_client.",
            "401, no token issued: invalid_client",
        ),
        (FailureReason::TokenRefused, Some(500), None, "It answered with status 500.", "500, no token issued"),
        (
            FailureReason::TokenUnreachable,
            None,
            Some("connect-timeout"),
            "Cause: no connection.",
            "token server not reached: no connection",
        ),
        (FailureReason::TokenInvalid, Some(200), None, "sent no usable access token.", "200, no usable token"),
    ] {
        let delivery = queued(&console, "aml", "sub_1").await;
        let response = response.map(str::to_owned);
        let failed = Attempt { status, response, ..attempt(&delivery, Some(reason)) };
        let delivery = record(&console, delivery, failed, Some(Duration::from_mins(5))).await;
        let page = browser.get(&path(&delivery)).await;
        for said in [what, step, "Status of the token server"] {
            assert!(page.says(said), "{said}: {}", page.text());
        }
        assert!(!page.says("Answer") && !page.says("The answer has no text."), "{}", page.text());
    }
}

#[tokio::test]
async fn a_delivery_that_has_not_ended_says_why_it_waits() {
    let console = TestConsole::start().await;
    let id = endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let mut browser = console.sign_in("viewer").await;
    let delivery = queued(&console, "aml", "sub_1").await;
    let page = browser.get(&path(&delivery)).await;
    assert!(page.says("usually for a few seconds") && page.says("Next: attempt 1 of 10"), "{}", page.text());
    assert!(page.says("Refresh") && !page.says("Last attempt"), "{}", page.text());
    for (reason, text) in [
        (HoldReason::Paused, "Somebody paused the endpoint."),
        (HoldReason::Disabled, "The endpoint is disabled."),
        (HoldReason::Failing, "as soon as the server answers again"),
        (HoldReason::Busy, "The server asked for a pause."),
        (HoldReason::Unverified, "The server has not granted webhooks yet."),
    ] {
        let delivery = queued(&console, "aml", "sub_1").await;
        let delivery = held(&console, delivery, reason).await;
        let page = browser.get(&path(&delivery)).await;
        assert!(page.says(text) && page.says("held"), "{reason}: {}", page.text());
    }
    let waiting = queued(&console, "aml", "sub_1").await;
    let waiting = waiting.held_for_order("2026-11-22T08:30:00Z".parse().unwrap());
    console.store.deliveries.record_held_for_order(&waiting, waiting.next_attempt_at.unwrap()).await.unwrap();
    let page = browser.get(&path(&waiting)).await;
    assert!(page.says("An earlier webhook of the same submission has not ended yet"), "{}", page.text());
    assert!(page.says("held waits for an earlier webhook") && !page.says("The next attempt is at"), "{}", page.text());
    console.project.delete(&format!("/endpoints/{id}")).await.expect(204);
    let page = browser.get(&path(&delivery)).await;
    assert!(page.says("deleted endpoint"), "{}", page.text());
}

#[tokio::test]
async fn a_delivery_that_ended_without_a_success_says_why() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let mut browser = console.sign_in("developer").await;
    let at = "2026-11-22T08:30:00Z".parse().unwrap();
    let delivery = queued(&console, "aml", "sub_1").await;
    let cancelled = delivery.clone().cancelled(at);
    let discarded = Delivery { cancel_reason: Some(CancelReason::Discarded), ..cancelled.clone() };
    let ended = [
        (delivery.clone().expired(at), "expired", "Send it again soon"),
        (cancelled, "cancelled", "because the endpoint was deleted"),
        (discarded, "cancelled", "Somebody discarded the held webhooks"),
        (delivery.erased(at), "cancelled", "because the data was erased"),
    ];
    for (ended, state, text) in ended {
        let ended = Delivery { id: queued(&console, "aml", "sub_1").await.id, ..ended };
        console.store.deliveries.record_closed(&ended).await.unwrap();
        let page = browser.get(&path(&ended)).await;
        assert!(page.says(state) && page.says(text), "{state} {text}: {}", page.text());
        assert_eq!(page.html.contains("/replay\""), ended.erased_at.is_none(), "{text}");
        assert!(!page.says("All failed since then"), "{}", page.text());
    }
    assert_eq!(deliveries_in(&browser.get("/deliveries?state=expired").await).len(), 1);
}

#[tokio::test]
async fn a_developer_sends_a_delivery_again_once() {
    let (console, mut browser, delivery) = with_failed("developer").await;
    let page = browser.get(&path(&delivery)).await;
    let replay = format!("{}/replay", path(&delivery));
    console.queue.take();
    let sent = browser.submit(&page, &replay, &[]).await;
    assert!(sent.url == format!("{}?done=queued", path(&delivery)) && sent.says("sent again within seconds"));
    browser.submit(&page, &replay, &[]).await;
    let queued: Vec<_> = console.queue.take().into_iter().map(|(message, _)| message).collect();
    assert!(matches!(queued.as_slice(), [SendMessage::Replay(one)] if one.delivery_id == delivery.id), "{queued:?}");

    let skipped = ReplayOutcome::Skipped { at: delivery.id.event.created_at(), reason: SkipReason::EndpointPaused };
    replayed(&console, &delivery, skipped).await;
    let accepted = Attempt { number: 11, ..answered(&delivery, 200, "ok") };
    replayed(&console, &delivery, ReplayOutcome::Sent(accepted)).await;
    let page = browser.get(&path(&delivery)).await;
    for text in
        ["Not sent again the endpoint was paused", "Sent again 200 · 1,079 ms", "webhook-replay: true", "delivered"]
    {
        assert!(page.says(text), "{text} is not in {}", page.text());
    }
    assert!(page.html.contains("notice good") && !page.says("All failed since then"), "{}", page.text());
    assert!(browser.get("/deliveries").await.says("after sending again 200 · 1,079 ms"));
}

#[tokio::test]
async fn a_delivery_that_cannot_be_sent_again_says_why() {
    let (console, mut browser, delivery) = with_failed("developer").await;
    let endpoint = format!("/endpoints/{}", delivery.id.endpoint);
    let page = browser.get(&path(&delivery)).await;
    console.project.post(&format!("{endpoint}/pause"), "").await.expect(200);
    let replay = format!("{}/replay", path(&delivery));
    let page = browser.submit(&page, &replay, &[]).await;
    assert!(page.status == 409 && page.says("The endpoint is paused or disabled. Resume it first."), "{}", page.text());
    console.project.delete(&endpoint).await.expect(204);
    let page = browser.get(&path(&delivery)).await;
    assert!(page.says("The endpoint was deleted, so the webhook cannot be sent again."), "{}", page.text());
    assert!(page.says("It can no longer be shown") && !page.html.contains(&replay), "{}", page.text());
    assert_eq!(browser.post(&replay, "").await.status, 409);
}

#[tokio::test]
async fn an_erased_delivery_shows_no_answer_and_no_data() {
    let (console, mut browser, delivery) = with_failed("admin").await;
    console.project.post("/erasures", json!({"submissionId": "sub_<i>8f21"})).await.expect(200);
    let page = browser.get(&path(&delivery)).await;
    assert!(page.says("The data was erased on request") && !page.says("alert(1)") && !page.says("Hong"));
    assert!(!page.html.contains("/replay\""), "{}", page.html);
}

#[tokio::test]
async fn a_viewer_sees_the_delivery_without_its_data_and_who_may_act() {
    let (console, mut browser, delivery) = with_failed("viewer").await;
    let page = browser.get(&path(&delivery)).await;
    assert!(page.says("Send again : Only developers and admins can do this."), "{}", page.text());
    assert!(page.says("What was sent Only developers and admins can do this."), "{}", page.text());
    assert!(!page.says("Hong") && !page.html.contains("/replays/new"), "{}", page.text());
    assert_eq!(browser.post(&format!("{}/replay", path(&delivery)), "").await.status, 403);
    console.queue.take();
    assert_eq!(console.queue.take(), []);
}

#[tokio::test]
async fn deliveries_of_other_projects_and_unknown_ids_have_no_page() {
    let (console, _, delivery) = with_failed("admin").await;
    let theirs = console.create_project().await;
    theirs.create_endpoint().await;
    let published =
        theirs.post("/events", json!({"type": "aml", "submissionId": "sub_7", "data": {}})).await.expect(202);
    let foreign = published["deliveries"][0]["id"].as_str().unwrap();
    let mut browser = console.sign_in("admin").await;
    let mixed = format!("{}_{UNKNOWN}", delivery.id.event);
    for id in [foreign, "nonsense", &format!("{UNKNOWN}_{UNKNOWN}"), UNKNOWN, &mixed] {
        assert_eq!(browser.open(&format!("/deliveries/{id}")).await.status, 404, "{id}");
        assert_eq!(browser.post(&format!("/deliveries/{id}/replay"), "").await.status, 404, "{id}");
    }
    let event = published["id"].as_str().unwrap();
    let endpoint: EndpointId = published["deliveries"][0]["endpointId"].as_str().unwrap().parse().unwrap();
    for query in [format!("event={event}"), format!("endpoint={endpoint}"), "submissionId=sub_7".to_owned()] {
        assert_eq!(deliveries_in(&browser.get(&format!("/deliveries?{query}")).await).len(), 0, "{query}");
    }
}

#[tokio::test]
async fn pages_are_in_korean_and_spanish() {
    let (console, _, delivery) = with_failed("admin").await;
    for (language, list, one) in [
        ("ko", "최신 항목이 먼저 나옵니다.", "모든 시도가 끝났습니다."),
        ("es", "los más recientes primero", "Se agotaron todos los intentos."),
    ] {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let page = browser.get("/deliveries").await;
        assert!(page.says(list), "{}", page.text());
        assert!(browser.get(&path(&delivery)).await.says(one));
    }
}

//! Webhooks in every state, for the tests of the pages that show them.

use std::time::Duration;

use domain::foundation::id::{DeliveryId, ReplayId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{Delivery, ReplayOutcome, Replayed};
use domain::webhooks::health::HoldReason;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::console::TestConsole;

/// An endpoint with a name that people gave it.
pub(crate) async fn endpoint(console: &TestConsole, url: &str, description: &str) -> String {
    let endpoint = json!({"url": url, "description": description});
    console.project.post("/endpoints", endpoint).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Publishes an event. Returns its deliveries, which are queued, in the order of the endpoints.
pub(crate) async fn publish(console: &TestConsole, event: Value) -> Vec<Delivery> {
    let published = console.project.post("/events", &event).await.expect(202);
    let ids = published["deliveries"].as_array().unwrap().iter();
    let event_type = event["type"].as_str().unwrap().parse().unwrap();
    let submission: Option<String> = event["submissionId"].as_str().map(str::to_owned);
    let submission = submission.map(|submission| submission.try_into().unwrap());
    let queued = ids.map(|delivery| {
        let id: DeliveryId = delivery["id"].as_str().unwrap().parse().unwrap();
        Delivery::unattempted(console.project.id(), id, event_type, submission.clone())
    });
    queued.collect()
}

/// Publishes an event of this type. Returns its first delivery.
pub(crate) async fn queued(console: &TestConsole, event_type: &str, submission: &str) -> Delivery {
    let event =
        json!({"type": event_type, "submissionId": submission, "data": {"name": "Hong & Co <b>", "score": 1.10}});
    publish(console, event).await.remove(0)
}

/// An attempt that the server answered with this status.
pub(crate) fn answered(delivery: &Delivery, status: u16, answer: &str) -> Attempt {
    let reason = (!(200..300).contains(&status)).then_some(FailureReason::Status);
    Attempt { status: Some(status), response: Some(answer.to_owned()), ..attempt(delivery, reason) }
}

/// An attempt without an answer.
pub(crate) fn attempt(delivery: &Delivery, reason: Option<FailureReason>) -> Attempt {
    let number = u8::try_from(delivery.attempts.len() + 1).unwrap();
    let at = accepted_at(delivery).plus(Duration::from_mins(5) * u32::from(number - 1));
    let phases =
        Phases { dns_ms: Some(5), connect_ms: Some(17), answer_ms: Some(1054), body_ms: Some(3), ..Phases::default() };
    Attempt { number, at, duration_ms: 1079, phases, status: None, reason, response: None }
}

fn accepted_at(delivery: &Delivery) -> Timestamp {
    delivery.id.event.created_at()
}

/// Stores a delivery with one more attempt. After a failed one, the next is due after `wait`; without `wait` it was the last.
pub(crate) async fn record(
    console: &TestConsole,
    delivery: Delivery,
    attempt: Attempt,
    wait: Option<Duration>,
) -> Delivery {
    let next = delivery.after(attempt, wait);
    console.store.deliveries.record(&next, None).await.unwrap();
    next
}

/// A delivery whose attempts the server all answered with this status. The next attempt is due after `wait`; without `wait` the
/// delivery has failed.
pub(crate) async fn failed(console: &TestConsole, mut delivery: Delivery, attempts: u8, status: u16) -> Delivery {
    for number in 1..=attempts {
        let wait = (number < attempts).then_some(Duration::from_mins(5));
        let attempt = answered(&delivery, status, r#"{"error":"<script>alert(1)</script>"}"#);
        delivery = record(console, delivery, attempt, wait).await;
    }
    delivery
}

/// Puts a delivery on hold.
pub(crate) async fn held(console: &TestConsole, delivery: Delivery, reason: HoldReason) -> Delivery {
    let held = delivery.held(reason);
    console.store.deliveries.record_held(&held, accepted_at(&held)).await.unwrap();
    held
}

/// Records a replay of a delivery.
pub(crate) async fn replayed(console: &TestConsole, delivery: &Delivery, outcome: ReplayOutcome) {
    let replay_id = ReplayId::new(accepted_at(delivery), &SystemRandom);
    let stored = console.store.deliveries.recorded_now(delivery.project_id, delivery.id).await.unwrap().unwrap();
    console.store.deliveries.add_replay(stored, &Replayed { replay_id, outcome }, false).await.unwrap();
}

/// The deliveries that a page links to.
pub(crate) fn deliveries_in(page: &Page) -> Vec<String> {
    page.links().into_iter().filter(|link| link.starts_with("/deliveries/")).collect()
}

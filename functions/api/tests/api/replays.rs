//! Replays of one delivery, and of all deliveries that match a filter.

use std::time::Duration;

use domain::foundation::id::ReplayId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{Delivery, ReplayOutcome, Replayed, SendMessage, SkipReason};
use domain::webhooks::event::EventType;
use domain::webhooks::health::{DisableReason, Disabled, Health, HoldReason};
use domain::webhooks::replay::ReplayState;
use serde_json::{Value, json};

use crate::client::Resource;
use crate::fixture::{NOW, TestApi, UNKNOWN_ID, attempt, now};

/// A project with one endpoint.
struct Site {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
}

impl Site {
    async fn start() -> Self {
        let (api, project, endpoint) = TestApi::with_endpoint().await;
        Self { api, project, endpoint }
    }

    /// Stores an event of an hour ago. Returns its delivery without a result.
    async fn queued(&self, event_type: EventType) -> Delivery {
        let (at, endpoint) = (now().minus(Duration::from_hours(1)), self.endpoint.id());
        let event = self.api.store_event(event_type, at, self.project.id(), &[endpoint]).await;
        Delivery::queued(&event, endpoint)
    }

    /// Stores a failed delivery of an event of an hour ago.
    async fn failed(&self, event_type: EventType) -> Delivery {
        let failed = self.queued(event_type).await.after(attempt(Some(FailureReason::Tls)), None);
        self.api.store.deliveries.record(&failed, None).await.unwrap();
        failed
    }

    /// Checks that a replay of the delivery fails with this status and problem type.
    async fn assert_refused(&self, delivery: &Delivery, status: u16, problem: &str) {
        let refused = self.project.post(&format!("/deliveries/{}/replay", delivery.id), "").await;
        assert_eq!(refused.problem(), (status, problem));
    }

    async fn start_replay(&self) -> Value {
        self.project.post("/replays", last_day(&json!({}))).await.expect(202)
    }
}

/// The path of a replay.
fn path(replay: &Value) -> String {
    format!("/replays/{}", replay["id"].as_str().unwrap())
}

/// A request to replay the deliveries of the last day, with more fields.
fn last_day(more: &Value) -> Value {
    let mut body = json!({"from": "2026-11-21T08:30:00Z", "to": "2026-11-22T08:30:00Z"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_replay_of_one_delivery_queues_one_message() {
    let site = Site::start().await;
    let failed = site.failed(EventType::Aml).await;
    let path = format!("/deliveries/{}/replay", failed.id);
    for body in ["", "{}"] {
        let accepted = site.project.post(&path, body).await.expect(202);
        assert_eq!(accepted["deliveryId"], json!(failed.id));
        let sent = site.api.queue.take();
        let [(SendMessage::Replay(task), Duration::ZERO)] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((task.delivery_id, task.is_counted), (failed.id, false));
        assert_eq!(json!(task.replay_id), accepted["replayId"]);
    }
    site.project.post(&path, json!({"endpointId": "x"})).await.expect(422);
    assert_eq!(site.api.queue.take(), []);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_replayed_is_refused_with_the_reason() {
    let site = Site::start().await;
    let store = &site.api.store;
    let failed = site.failed(EventType::Aml).await;
    let queued = site.queued(EventType::Aml).await;
    site.assert_refused(&queued, 409, "delivery-under-way").await;
    store.deliveries.record_held(&queued.clone().held(HoldReason::Busy), now()).await.unwrap();
    site.assert_refused(&queued, 409, "delivery-under-way").await;

    site.endpoint.post("/pause", "").await.expect(200);
    site.assert_refused(&failed, 409, "endpoint-paused").await;
    site.endpoint.post("/resume", "").await.expect(200);
    let stored = store.health.get_now(failed.project_id, failed.id.endpoint).await.unwrap();
    let disabled = Some(Disabled { at: now(), reason: DisableReason::Gone });
    store.health.put(&stored.next(Health { disabled, ..stored.health.clone() }, None)).await.unwrap();
    site.assert_refused(&failed, 409, "endpoint-disabled").await;
    site.endpoint.delete("").await.expect(204);
    site.assert_refused(&failed, 409, "endpoint-deleted").await;

    let mut unknown = failed.clone();
    unknown.id.event = UNKNOWN_ID.parse().unwrap();
    site.assert_refused(&unknown, 404, "not-found").await;
    assert_eq!(site.api.queue.take(), []);
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_replays() {
    let site = Site::start().await;
    let failed = site.failed(EventType::Aml).await;
    let store = &site.api.store.deliveries;
    let replay_ids = [1, 2].map(|_| ReplayId::new(now(), &SystemRandom));
    let skipped = ReplayOutcome::Skipped { at: now(), reason: SkipReason::EndpointPaused };
    let sent = ReplayOutcome::Sent(Attempt { number: 3, ..attempt(None) });
    for (replay_id, outcome) in replay_ids.into_iter().zip([skipped, sent]) {
        let stored = store.recorded_now(failed.project_id, failed.id).await.unwrap().unwrap();
        store.add_replay(stored, &Replayed { replay_id, outcome }, false).await.unwrap();
    }
    let shown = site.project.get(&format!("/deliveries/{}", failed.id)).await.expect(200);
    assert_eq!((&shown["state"], shown["attempts"].as_array().unwrap().len()), (&json!("delivered"), 1));
    assert_eq!(shown["replays"][0], json!({"replayId": replay_ids[0], "at": NOW, "skipped": "endpoint-paused"}));
    assert_eq!((&shown["replays"][1]["number"], &shown["replays"][1]["durationMs"]), (&json!(3), &json!(9)));
}

#[tokio::test]
async fn a_dry_run_counts_matching_deliveries_and_starts_no_replay() {
    let site = Site::start().await;
    for event_type in [EventType::Aml, EventType::Aml, EventType::Submit] {
        site.failed(event_type).await;
    }
    site.queued(EventType::Aml).await;
    for (filter, expected) in [
        (json!({"dryRun": true}), 3),
        (json!({"dryRun": true, "type": "aml"}), 2),
        (json!({"dryRun": true, "state": "delivered"}), 0),
    ] {
        let counted = site.project.post("/replays", last_day(&filter)).await.expect(200);
        assert_eq!(counted, json!({"matching": expected}));
    }
    assert_eq!(site.project.get("/replays").await.expect(200), json!({"items": []}));
}

#[tokio::test]
async fn a_replay_can_be_cancelled_and_resumed_until_it_is_done() {
    let site = Site::start().await;
    let project = &site.project;
    let first = site.start_replay().await;
    let filter = json!({"from": "2026-11-21T08:30:00.000Z", "to": NOW, "scope": "ended", "state": "failed"});
    assert_eq!(
        first,
        json!({
            "id": first["id"], "state": "running", "filter": filter, "ratePerMinute": 300,
            "progress": {"queued": 0, "delivered": 0, "failed": 0, "skipped": 0}, "createdAt": NOW,
        })
    );
    let second = project.post("/replays", last_day(&json!({}))).await;
    assert_eq!(second.problem(), (409, "replay-running"));

    let act = async |replay: &Value, action| project.post(&format!("{}/{action}", path(replay)), "").await;
    for (action, state) in
        [("cancel", "cancelled"), ("cancel", "cancelled"), ("resume", "running"), ("resume", "running")]
    {
        assert_eq!(act(&first, action).await.expect(200)["state"], state);
    }
    act(&first, "cancel").await.expect(200);
    let second = site.start_replay().await;
    assert_eq!(act(&first, "resume").await.problem(), (409, "replay-running"));

    let replays = &site.api.store.replays;
    let running = replays.get(project.id(), second["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    replays.end(&running, ReplayState::Done).await.unwrap();
    for action in ["cancel", "resume"] {
        assert_eq!(act(&second, action).await.problem(), (409, "replay-done"));
    }
    assert_eq!(project.get(&path(&second)).await.expect(200)["state"], "done");
    assert_eq!(project.list("/replays").await.len(), 2);
    project.post(&format!("/replays/{UNKNOWN_ID}/cancel"), "").await.expect(404);
}

#[tokio::test]
async fn a_replay_with_bad_fields_or_an_unknown_endpoint_is_rejected() {
    let (_api, project) = TestApi::with_project().await;
    let body = json!({"from": NOW, "to": "2026-11-22T08:31:00Z", "state": "held", "rate": 1});
    assert_eq!(project.post("/replays", body).await.bad_fields(), ["/state", "/to", "/rate"]);
    let unknown = last_day(&json!({"endpointId": UNKNOWN_ID}));
    assert_eq!(project.post("/replays", unknown).await.bad_fields(), ["/endpointId"]);
}

#[tokio::test]
async fn reading_and_starting_replays_need_separate_scopes() {
    let (_api, project) = TestApi::with_project().await;
    let dry_run = last_day(&json!({"dryRun": true}));
    for (scope, read, start) in [("deliveries:read", 200, 403), ("deliveries:replay", 403, 200)] {
        let client = project.with_scopes(&[scope]).await;
        client.get("/replays").await.expect(read);
        client.post("/replays", &dry_run).await.expect(start);
    }
}

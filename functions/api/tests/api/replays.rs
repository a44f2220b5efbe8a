//! Replays of one delivery and by filter, through the API.

use std::sync::Arc;
use std::time::Duration;

use api::{App, router};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::aws::queue::testing::FakeQueue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::delivery::{
    Attempt, Delivery, FailureReason, HoldReason, Phases, ReplayOutcome, Replayed, SendMessage, SkipReason,
};
use shared::draft::Draft;
use shared::endpoint::{Endpoint, EndpointState};
use shared::event::{Event, NewEvent};
use shared::health::{DisableReason, Disabled, Health};
use shared::id::{EndpointId, EventId, ProjectId, ReplayId};
use shared::random::SystemRandom;
use shared::replay::ReplayState;

use crate::site::{self, config, endpoint_of, now, operator_key, ring};

/// The API on a database and a queue of its own, with one project and one endpoint.
struct Site {
    database: Database,
    queue: FakeQueue,
    router: Router,
    operator_key: String,
    endpoint: Endpoint,
}

impl Site {
    async fn start() -> Self {
        let database = Database::start().await;
        let queue = FakeQueue::in_front_of(&database).await;
        let operator_key = operator_key();
        let (clock, random) = (Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let config = config(&operator_key, &[]);
        let app = App::new(config, queue.aws(), KeyRingSecret::known(ring()), clock, random);
        let operator_key = operator_key.expose().to_owned();
        let endpoint = endpoint_of(ProjectId::new(now(), &SystemRandom));
        let mut site = Self { database, queue, router: router(app), operator_key, endpoint };
        let created = site.send("POST", "/v1/projects", &site.operator_key, r#"{"name":"Acme"}"#).await.1;
        site.endpoint = endpoint_of(created["id"].as_str().unwrap().parse().unwrap());
        site.database.settings.put_endpoint(&site.endpoint).await.unwrap();
        site
    }

    async fn send(&self, method: &str, path: &str, key: &str, body: &str) -> (StatusCode, Value) {
        let answer = site::send(&self.router, method, path, key, body).await;
        (answer.status, answer.body)
    }

    /// Calls below the project.
    async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let path = format!("/v1/projects/{}{path}", self.endpoint.project_id);
        self.send(method, &path, &self.operator_key, body).await
    }

    async fn event(&self, event_type: &str, ago: Duration) -> Event {
        let draft = Draft::parse(format!(r#"{{"type":"{event_type}","data":{{}}}}"#).as_bytes()).unwrap();
        let id = EventId::new(now().minus(ago), &SystemRandom);
        let event = NewEvent::try_from(draft).unwrap().accept(id, self.endpoint.project_id);
        self.database.activity.put_event(&event, &[self.endpoint.id]).await.unwrap();
        event
    }

    /// A delivery that failed, of an event of an hour ago.
    async fn failed(&self, event_type: &str) -> Delivery {
        let event = self.event(event_type, Duration::from_hours(1)).await;
        let failed = Delivery::queued(&event, self.endpoint.id).after(attempt(Some(FailureReason::Tls)), None);
        self.database.activity.record(&failed, None).await.unwrap();
        failed
    }

    /// Asks for the replay of a delivery; answers the status and the problem's name.
    async fn replay(&self, delivery: &Delivery) -> (u16, String) {
        let (status, body) = self.call("POST", &format!("/deliveries/{}/replay", delivery.id), "").await;
        let problem = body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/");
        (status.as_u16(), problem.to_owned())
    }

    async fn start_replay(&self) -> Value {
        let (status, replay) = self.call("POST", "/replays", &range(&json!({}))).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{replay}");
        replay
    }

    async fn act(&self, replay: &Value, action: &str) -> (StatusCode, Value) {
        self.call("POST", &format!("/replays/{}/{action}", replay["id"].as_str().unwrap()), "").await
    }
}

fn attempt(reason: Option<FailureReason>) -> Attempt {
    Attempt { number: 1, at: now(), duration_ms: 9, phases: Phases::default(), status: None, reason, response: None }
}

/// A request for a replay of the last day.
fn range(more: &Value) -> String {
    let mut body = json!({ "from": "2026-11-21T08:30:00Z", "to": "2026-11-22T08:30:00Z" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn refused(name: &str) -> (u16, String) {
    (409, name.to_owned())
}

#[tokio::test]
async fn one_delivery_is_replayed_by_one_message() {
    let site = Site::start().await;
    let failed = site.failed("aml").await;
    for body in ["", "{}"] {
        let (status, accepted) = site.call("POST", &format!("/deliveries/{}/replay", failed.id), body).await;
        assert_eq!((status, &accepted["deliveryId"]), (StatusCode::ACCEPTED, &json!(failed.id)));
        let sent = site.queue.take();
        let [(SendMessage::Replay(nudge), Duration::ZERO)] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((nudge.delivery_id, nudge.is_counted), (failed.id, false));
        assert_eq!(json!(nudge.replay_id), accepted["replayId"]);
    }
    let (status, _) = site.call("POST", &format!("/deliveries/{}/replay", failed.id), r#"{"endpointId":"x"}"#).await;
    assert_eq!((status, site.queue.take().len()), (StatusCode::UNPROCESSABLE_ENTITY, 0));
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_with_the_reason() {
    let site = Site::start().await;
    let (activity, settings) = (&site.database.activity, &site.database.settings);
    let failed = site.failed("aml").await;
    let held = Delivery::queued(&site.event("aml", Duration::ZERO).await, site.endpoint.id);
    assert_eq!(site.replay(&held).await, refused("delivery-under-way"), "it is queued");
    activity.record_held(&held.clone().held(HoldReason::Busy), now()).await.unwrap();
    assert_eq!(site.replay(&held).await, refused("delivery-under-way"));

    settings.put_endpoint(&Endpoint { state: EndpointState::Paused, ..site.endpoint.clone() }).await.unwrap();
    assert_eq!(site.replay(&failed).await, refused("endpoint-paused"));
    settings.put_endpoint(&site.endpoint).await.unwrap();
    let stored = activity.health_now(failed.project_id, failed.id.endpoint).await.unwrap();
    let disabled = Some(Disabled { at: now(), because: DisableReason::Gone });
    activity.put_health(&stored.next(Health { disabled, ..stored.health.clone() }, None)).await.unwrap();
    assert_eq!(site.replay(&failed).await, refused("endpoint-disabled"));
    settings.delete_endpoint(failed.project_id, failed.id.endpoint).await.unwrap();
    assert_eq!(site.replay(&failed).await, refused("endpoint-deleted"));

    let unknown =
        Delivery { id: shared::id::DeliveryId { event: EventId::new(now(), &SystemRandom), ..failed.id }, ..failed };
    assert_eq!(site.replay(&unknown).await, (404, "not-found".to_owned()));
    assert_eq!(site.queue.take(), []);
}

#[tokio::test]
async fn replays_are_shown_with_their_delivery() {
    let site = Site::start().await;
    let failed = site.failed("aml").await;
    let replay_id = ReplayId::new(now(), &SystemRandom);
    let skipped = ReplayOutcome::Skipped { at: now(), because: SkipReason::EndpointPaused };
    let sent = ReplayOutcome::Sent(Attempt { number: 3, ..attempt(None) });
    for outcome in [skipped, sent] {
        let known = activity_of(&site, &failed).await;
        let id = if known.replays.is_empty() { replay_id } else { ReplayId::new(now(), &SystemRandom) };
        site.database.activity.add_replay(known, &Replayed { replay_id: id, outcome }, false).await.unwrap();
    }
    let (_, shown) = site.call("GET", &format!("/deliveries/{}", failed.id), "").await;
    assert_eq!((&shown["state"], shown["attempts"].as_array().unwrap().len()), (&json!("delivered"), 1));
    let at = "2026-11-22T08:30:00.000Z";
    assert_eq!(shown["replays"][0], json!({ "replayId": replay_id, "at": at, "skipped": "endpoint-paused" }));
    assert_eq!((&shown["replays"][1]["number"], &shown["replays"][1]["durationMs"]), (&json!(3), &json!(9)));
}

async fn activity_of(site: &Site, delivery: &Delivery) -> Delivery {
    site.database.activity.recorded_now(delivery.project_id, delivery.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_dry_run_counts_and_starts_nothing() {
    let site = Site::start().await;
    for event_type in ["aml", "aml", "submit"] {
        site.failed(event_type).await;
    }
    site.event("aml", Duration::from_hours(1)).await;
    for (more, expected) in [(json!({}), 3), (json!({"type": "aml"}), 2), (json!({"state": "delivered"}), 0)] {
        let mut body = more.as_object().unwrap().clone();
        body.insert("dryRun".to_owned(), json!(true));
        let answer = site.call("POST", "/replays", &range(&body.into())).await;
        assert_eq!(answer, (StatusCode::OK, json!({ "matching": expected })));
    }
    assert_eq!(site.call("GET", "/replays", "").await, (StatusCode::OK, json!({ "items": [] })));
}

#[tokio::test]
async fn a_replay_runs_is_cancelled_and_resumed() {
    let site = Site::start().await;
    let replay = site.start_replay().await;
    let id = replay["id"].as_str().unwrap();
    let (from, to) = ("2026-11-21T08:30:00.000Z", "2026-11-22T08:30:00.000Z");
    assert_eq!(
        replay,
        json!({
            "id": id, "state": "running", "filter": { "from": from, "to": to, "state": "failed" }, "ratePerMinute": 300,
            "progress": { "queued": 0, "delivered": 0, "failed": 0, "skipped": 0 }, "createdAt": to,
        })
    );
    let (status, problem) = site.call("POST", "/replays", &range(&json!({}))).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/replay-running")));

    for (action, state) in
        [("cancel", "cancelled"), ("cancel", "cancelled"), ("resume", "running"), ("resume", "running")]
    {
        let (status, shown) = site.act(&replay, action).await;
        assert_eq!((status, &shown["state"]), (StatusCode::OK, &json!(state)));
    }
    site.act(&replay, "cancel").await;
    let second = site.start_replay().await;
    assert_eq!(site.act(&replay, "resume").await.1["type"], "/problems/replay-running");

    let running =
        site.database.activity.replay(site.endpoint.project_id, second["id"].as_str().unwrap().parse().unwrap());
    site.database.activity.end_replay(&running.await.unwrap().unwrap(), ReplayState::Done).await.unwrap();
    for action in ["cancel", "resume"] {
        assert_eq!(site.act(&second, action).await.1["type"], "/problems/replay-done");
    }
    let (_, read) = site.call("GET", &format!("/replays/{}", second["id"].as_str().unwrap()), "").await;
    let (_, listed) = site.call("GET", "/replays", "").await;
    assert_eq!((&read["state"], listed["items"].as_array().unwrap().len()), (&json!("done"), 2));
    let unknown = ReplayId::new(now(), &SystemRandom);
    assert_eq!(site.call("POST", &format!("/replays/{unknown}/cancel"), "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_replay_names_every_bad_field_and_no_foreign_endpoint() {
    let site = Site::start().await;
    let body = r#"{"from":"2026-11-22T08:30:00Z","to":"2026-11-22T08:31:00Z","state":"held","rate":1}"#;
    let (status, problem) = site.call("POST", "/replays", body).await;
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/state", "/to", "/rate"]));

    let foreign = EndpointId::new(now(), &SystemRandom);
    let (_, problem) = site.call("POST", "/replays", &range(&json!({ "endpointId": foreign }))).await;
    assert_eq!(problem["errors"][0]["pointer"], "/endpointId");
}

#[tokio::test]
async fn replaying_takes_its_own_scope() {
    let site = Site::start().await;
    let project = site.endpoint.project_id;
    let mut keys = Vec::new();
    for scope in ["deliveries:read", "deliveries:replay"] {
        let wishes = json!({ "name": scope, "scopes": [scope] }).to_string();
        let (_, created) = site.call("POST", "/api-keys", &wishes).await;
        keys.push(created["key"].as_str().unwrap().to_owned());
    }
    let path = format!("/v1/projects/{project}/replays");
    let dry_run = range(&json!({ "dryRun": true }));
    let mut statuses = Vec::new();
    for key in &keys {
        let (read, _) = site.send("GET", &path, key, "").await;
        let (replay, _) = site.send("POST", &path, key, &dry_run).await;
        statuses.push((read.as_u16(), replay.as_u16()));
    }
    assert_eq!(statuses, [(200, 403), (403, 200)]);
}

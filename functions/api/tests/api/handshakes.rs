//! Handshakes: the receiver of an endpoint is asked whether it wants webhooks, and its answer decides.

use std::time::Duration;

use aws::store::WriteOutcome;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{Delivery, HandshakeTask, SendMessage};
use domain::webhooks::event::EventType;
use domain::webhooks::handshake::GrantHeaders;
use domain::webhooks::test_send::MAX_TESTS_PER_MINUTE;
use serde_json::{Value, json};

use crate::client::{Resource, Response};
use crate::fixture::{NOW, Options, TestApi, attempt, now};

/// The API with an endpoint that asks for a handshake.
struct Site {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
}

impl Site {
    async fn start() -> Self {
        let (api, project) = TestApi::with_project().await;
        let settings = json!({"url": "https://hooks.example.com/", "ownership": "handshake", "pace": 100});
        let endpoint = project.create("/endpoints", settings).await;
        Self { api, project, endpoint }
    }

    /// Makes a handshake. `answer` does the work of webhook-sender and of the receiver.
    async fn handshake(&self, reason: Option<FailureReason>, origin: Option<&str>, rate: Option<&str>) -> Response {
        let answer = async {
            let HandshakeTask { project_id, handshake_id, .. } = queued_task(&self.api).await;
            let asked = self.api.store.handshakes.get(project_id, handshake_id).await.unwrap().unwrap();
            assert_eq!(asked.requested_rate.map(u32::from), Some(100));
            let attempt = Attempt { status: Some(if reason.is_none() { 200 } else { 405 }), ..attempt(reason) };
            let text = |value: Option<&str>| value.map(str::to_owned);
            let headers = GrantHeaders { allowed_origin: text(origin), allowed_rate: text(rate) };
            let answered = asked.answered("api.signpost.example.com", attempt, headers);
            let written = self.api.store.handshakes.end(project_id, &answered).await.unwrap();
            assert_eq!(written, WriteOutcome::Applied);
        };
        tokio::join!(self.endpoint.post("/handshake", ""), answer).0
    }

    /// Notes that a delivery to the endpoint is held.
    async fn hold(&self) {
        let stored = self.api.store.health.get_now(self.project.id(), self.endpoint.id()).await.unwrap();
        let holding = stored.next(stored.health.clone().holding(now()), None);
        assert_eq!(self.api.store.health.put(&holding).await.unwrap(), WriteOutcome::Applied);
    }

    /// When the sweep checks whether held deliveries may be released.
    async fn check_at(&self) -> Option<Timestamp> {
        self.api.store.health.get_now(self.project.id(), self.endpoint.id()).await.unwrap().sweep_at
    }

    async fn state(&self) -> Value {
        self.endpoint.get("").await.expect(200)["state"].clone()
    }
}

/// Waits for the one task in the queue and removes it.
async fn queued_task(api: &TestApi) -> HandshakeTask {
    loop {
        match api.queue.take().as_slice() {
            [] => tokio::task::yield_now().await,
            [(SendMessage::Handshake(task), Duration::ZERO)] => return task.clone(),
            others => panic!("{others:?}"),
        }
    }
}

#[tokio::test]
async fn an_endpoint_is_verified_once_its_receiver_grants_webhooks() {
    let site = Site::start().await;
    assert_eq!(site.state().await, "unverified");
    site.hold().await;
    let granted = site.handshake(None, Some("api.signpost.example.com"), Some("60")).await.expect(200);
    assert_eq!((&granted["state"], &granted["allowedRate"]), (&json!("granted"), &json!(60)));
    let shown = site.endpoint.get("").await.expect(200);
    assert_eq!(shown["state"], "active");
    assert_eq!(shown["ownershipProof"], json!({"at": NOW, "allowedRate": 60}));
    assert_eq!(site.check_at().await, Some(now()), "the sweep releases the held deliveries");
    let audit = site.project.list("/audit").await;
    assert_eq!(audit[0]["changes"][0]["field"], "ownershipProof");
    let reverted = site.project.post(&format!("/audit/{}/revert", audit[0]["number"]), "").await;
    assert_eq!(reverted.problem(), (409, "not-revertible"));
}

#[tokio::test]
async fn a_receiver_that_does_not_grant_webhooks_gets_none() {
    for (reason, origin, expected) in [
        (None, None, "not-allowed"),
        (None, Some("other.example"), "not-allowed"),
        (Some(FailureReason::Status), Some("*"), "request-failed"),
    ] {
        let site = Site::start().await;
        let refused = site.handshake(reason, origin, None).await.expect(200);
        assert_eq!((&refused["state"], &refused["refusedBecause"]), (&json!("refused"), &json!(expected)));
        assert_eq!(refused["allowedOrigin"].as_str(), origin);
        assert_eq!(site.state().await, "unverified");
    }
}

#[tokio::test]
async fn a_refusal_leaves_an_earlier_grant_in_force() {
    let site = Site::start().await;
    site.handshake(None, Some("*"), None).await.expect(200);
    site.handshake(None, None, None).await.expect(200);
    assert_eq!(site.state().await, "active");
}

#[tokio::test]
async fn another_url_needs_another_handshake_and_the_change_can_be_reverted() {
    let site = Site::start().await;
    site.handshake(None, Some("*"), None).await.expect(200);
    let moved = site.endpoint.patch("", json!({"url": "https://hooks.example.com/v2"})).await.expect(200);
    assert_eq!((&moved["state"], &moved["ownershipProof"]), (&json!("unverified"), &Value::Null));
    let last = site.project.list("/audit").await[0]["number"].clone();
    let reverted = site.project.post(&format!("/audit/{last}/revert"), "").await.expect(200);
    assert_eq!((&reverted["url"], &reverted["state"]), (&json!("https://hooks.example.com/"), &json!("unverified")));
}

#[tokio::test]
async fn an_endpoint_that_no_longer_asks_for_a_handshake_is_active_and_its_held_deliveries_are_released() {
    let site = Site::start().await;
    site.hold().await;
    let changed = site.endpoint.patch("", json!({"ownership": null})).await.expect(200);
    assert_eq!((&changed["state"], &changed["ownership"]), (&json!("active"), &json!("none")));
    assert_eq!(site.check_at().await, Some(now()));
    assert_eq!(site.endpoint.post("/handshake", "").await.problem(), (409, "handshake-not-asked"));
    assert_eq!(site.api.queue.take(), []);
}

#[tokio::test]
async fn the_caller_of_a_slow_handshake_repeats_the_call() {
    let api = TestApi::start_with(&Options { test_result_timeout: Duration::ZERO, ..Options::default() }).await;
    let project = api.create_project().await;
    let settings = json!({"url": "https://hooks.example.com/", "ownership": "handshake"});
    let endpoint = project.create("/endpoints", settings).await;
    let pending = endpoint.post("/handshake", "{}").await.expect(202);
    let task = queued_task(&api).await;
    assert_eq!((&pending["state"], &pending["id"]), (&json!("pending"), &json!(task.handshake_id)));
    assert_eq!((task.project_id, task.endpoint_id), (project.id(), endpoint.id()));
    assert_eq!(endpoint.post("/handshake", json!({"url": "x"})).await.bad_fields(), ["/url"]);
    for _ in 1..MAX_TESTS_PER_MINUTE {
        endpoint.post("/handshake", "").await.expect(202);
    }
    assert_eq!(endpoint.post("/handshake", "").await.problem(), (429, "too-many-tests"));
}

#[tokio::test]
async fn a_delivery_to_an_unverified_endpoint_cannot_be_replayed() {
    let site = Site::start().await;
    let event = site.api.store_event(EventType::Approved, now(), site.project.id(), &[site.endpoint.id()]).await;
    let failed = Delivery::queued(&event, site.endpoint.id()).after(attempt(Some(FailureReason::Status)), None);
    site.api.store.deliveries.record(&failed, None).await.unwrap();
    let refused = site.project.post(&format!("/deliveries/{}/replay", failed.id), "").await;
    assert_eq!(refused.problem(), (409, "endpoint-unverified"));
}

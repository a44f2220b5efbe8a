//! Notification users join and confirm, and the report is read, through the API as callers and browsers see it.

use std::sync::Arc;
use std::time::Duration;

use api::{App, router};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::confirmation::Confirmation;
use shared::delivery::{Attempt, Delivery, FailureReason, Phases};
use shared::draft::Draft;
use shared::event::{Event, EventData, EventType};
use shared::id::{EndpointId, EventId, NotificationUserId, ProjectId};
use shared::notification_user::{NewNotificationUser, NotificationUser, NotificationUserState};
use shared::random::SystemRandom;

use crate::site::{self, config, now, operator_key, pointers, ring};

/// The API on a database of its own, with one project. Mails cannot be sent: there is no SES.
struct Site {
    database: Database,
    router: Router,
    operator_key: String,
    project: ProjectId,
}

impl Site {
    async fn start() -> Self {
        let database = Database::start().await;
        let operator_key = operator_key();
        let (clock, random) = (Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let config = config(&operator_key, &[]);
        let app = App::new(config, database.aws(), KeyRingSecret::known(ring()), clock, random);
        let operator_key = operator_key.expose().to_owned();
        let project = ProjectId::new(now(), &SystemRandom);
        let mut site = Self { database, router: router(app), operator_key, project };
        let (_, created) = site.call("POST", "/v1/projects", r#"{"name":"Acme"}"#).await;
        site.project = created["id"].as_str().unwrap().parse().unwrap();
        site
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let answer = site::send(&self.router, method, path, &self.operator_key, body).await;
        (answer.status, answer.text)
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let (status, body) = self.send(method, path, body).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Calls below the project.
    async fn on_project(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        self.call(method, &format!("/v1/projects/{}{path}", self.project), body).await
    }

    /// A user who was added and not yet confirmed.
    async fn unconfirmed(&self, email: &str) -> NotificationUser {
        let body = json!({ "name": "Ada", "email": email }).to_string();
        let new = NewNotificationUser::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let user = new.create(NotificationUserId::new(now(), &SystemRandom), self.project);
        self.database.settings.put_notification_user(&user).await.unwrap();
        user
    }

    async fn state_of(&self, user: NotificationUserId) -> NotificationUserState {
        self.database.settings.notification_user(self.project, user).await.unwrap().unwrap().state
    }
}

#[tokio::test]
async fn only_the_button_confirms_and_twice_is_as_good_as_once() {
    let site = Site::start().await;
    let user = site.unconfirmed("ada@acme.example").await;
    let confirmation = Confirmation::new(site.project, user.id, now().minus(Duration::from_hours(24)));
    let path = format!("/confirm/{}", confirmation.token(&ring(), &SystemRandom));

    let (status, page) = site.send("GET", &path, "").await;
    assert!(status == StatusCode::OK && page.contains("Confirm my address") && page.contains("Acme"), "{page}");
    assert_eq!(site.state_of(user.id).await, NotificationUserState::Unconfirmed);
    for _ in 0..2 {
        let (status, page) = site.send("POST", &path, "").await;
        assert!(status == StatusCode::OK && page.contains("Thank you"), "{page}");
        assert_eq!(site.state_of(user.id).await, NotificationUserState::Confirmed);
    }
    let (_, page) = site.send("GET", &path, "").await;
    assert!(page.contains("Thank you"), "{page}");
}

#[tokio::test]
async fn links_that_are_old_or_made_up_lead_nowhere() {
    let site = Site::start().await;
    let user = site.unconfirmed("ada@acme.example").await;
    let old = Confirmation::new(site.project, user.id, now().minus(Duration::from_hours(7 * 24)));
    let nobody = Confirmation::new(site.project, NotificationUserId::new(now(), &SystemRandom), now());
    let tokens = [old, nobody].map(|confirmation| confirmation.token(&ring(), &SystemRandom));
    for token in tokens.iter().map(String::as_str).chain(["nonsense"]) {
        for method in ["GET", "POST"] {
            let (status, page) = site.send(method, &format!("/confirm/{token}"), "").await;
            assert!(status == StatusCode::NOT_FOUND && page.contains("This link does not work"), "{page}");
        }
    }
    assert_eq!(site.state_of(user.id).await, NotificationUserState::Unconfirmed);
}

#[tokio::test]
async fn who_is_there_already_or_has_no_address_is_not_added() {
    let site = Site::start().await;
    site.unconfirmed("ada@acme.example").await;
    let bad = [r#"{"name":"Ada","email":"ADA@acme.example"}"#, r#"{"name":"Ada","email":"ada"}"#];
    for body in bad {
        let (status, problem) = site.on_project("POST", "/notification-users", body).await;
        assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/email"]));
    }
    for number in 2..=50 {
        site.unconfirmed(&format!("user{number}@acme.example")).await;
    }
    let (status, problem) =
        site.on_project("POST", "/notification-users", r#"{"name":"Eve","email":"eve@acme.example"}"#).await;
    assert_eq!((status, &problem["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/problems/limit-reached")));
}

#[tokio::test]
async fn a_user_who_could_not_be_asked_can_be_added_again() {
    let site = Site::start().await;
    let (status, _) =
        site.on_project("POST", "/notification-users", r#"{"name":"Ada","email":"ada@acme.example"}"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.on_project("GET", "/notification-users", "").await, (StatusCode::OK, json!({ "items": [] })));
}

#[tokio::test]
async fn notification_users_are_listed() {
    let site = Site::start().await;
    let user = site.unconfirmed("ada@acme.example").await;
    let shown = json!({
        "id": user.id, "name": "Ada", "email": "ada@acme.example", "language": "en", "state": "unconfirmed",
        "createdAt": "2026-11-22T08:30:00.000Z",
    });
    assert_eq!(site.on_project("GET", "/notification-users", "").await, (StatusCode::OK, json!({ "items": [shown] })));
}

#[tokio::test]
async fn the_report_of_a_day_counts_its_deliveries() {
    let site = Site::start().await;
    let at = now().minus(Duration::from_hours(20));
    let event = Event {
        id: EventId::new(at, &SystemRandom),
        project_id: site.project,
        event_type: EventType::Aml,
        submission_id: None,
        occurred_at: at,
        data: EventData::try_from("{}".to_owned()).unwrap(),
    };
    let endpoints = [1, 2].map(|_| EndpointId::new(at, &SystemRandom));
    site.database.activity.put_event(&event, &endpoints).await.unwrap();
    let reason = Some(FailureReason::Tls);
    let attempt =
        Attempt { number: 1, at, duration_ms: 9, phases: Phases::default(), status: None, reason, response: None };
    let failed = Delivery::queued(&event, endpoints[0]).after(attempt, None);
    site.database.activity.record(&failed, None).await.unwrap();

    let (status, report) = site.on_project("GET", "/reports/2026-11-21", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        report["totals"],
        json!({ "deliveries": 2, "delivered": 0, "failed": 1, "stillTrying": 1, "held": 0, "cancelled": 0 })
    );
    assert_eq!(report["byReason"], json!([{ "reason": "tls", "deliveries": 1 }]));
    assert_eq!(report["failures"][0]["deliveryId"], json!(failed.id));
}

#[tokio::test]
async fn days_without_deliveries_are_empty_and_days_to_come_are_refused() {
    let site = Site::start().await;
    for day in ["2020-01-01", "2026-11-22"] {
        let (status, report) = site.on_project("GET", &format!("/reports/{day}"), "").await;
        assert_eq!((status, &report["totals"]["deliveries"]), (StatusCode::OK, &json!(0)));
    }
    let (status, problem) = site.on_project("GET", "/reports/2026-11-23", "").await;
    assert_eq!((status, &problem["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/problems/day-to-come")));
    assert_eq!(site.on_project("GET", "/reports/yesterday", "").await.0, StatusCode::NOT_FOUND);
}

//! The report of a day, through the API as programs and browsers see it.

use std::sync::Arc;
use std::time::Duration;

use api::{App, router};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::delivery::{Attempt, Delivery, FailureReason, Phases};
use shared::event::{Event, EventData, EventType};
use shared::id::{EndpointId, EventId, ProjectId};
use shared::random::SystemRandom;

use crate::site::{self, config, now, operator_key, ring};

/// The API on a database of its own, with one project.
struct Site {
    database: Database,
    router: Router,
    operator_key: String,
    project: ProjectId,
}

impl Site {
    async fn start() -> Self {
        Self::with_patience(Duration::from_mins(1)).await
    }

    async fn with_patience(patience: Duration) -> Self {
        let database = Database::start().await;
        let operator_key = operator_key();
        let (clock, random) = (Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let config = config(&operator_key, &[]);
        let app = App::new(config, database.aws(), KeyRingSecret::known(ring()), clock, random);
        let app = app.with_report_patience(patience);
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

#[tokio::test]
async fn browsers_get_the_report_as_a_page() {
    let site = Site::start().await;
    let path = format!("/v1/projects/{}/reports/2026-11-21", site.project);
    for (accept, language, is_page, expected) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "en-US", true, "No webhooks"),
        ("text/html", "ko-KR,ko;q=0.9", true, "웹훅 없음"),
        ("application/json", "en", false, "\"deliveries\":0"),
        ("*/*", "ko", false, "\"deliveries\":0"),
    ] {
        let request = Request::get(&path).header("x-api-key", &site.operator_key);
        let request = request.header("accept", accept).header("accept-language", language);
        let answer = site::send_request(&site.router, request.body(Body::empty()).unwrap()).await;
        let content_type = answer.headers["content-type"].to_str().unwrap();
        assert_eq!((answer.status, content_type.starts_with("text/html")), (StatusCode::OK, is_page), "{accept}");
        assert!(answer.text.contains(expected), "{accept}: {}", answer.text);
        assert_eq!(answer.headers.contains_key("content-security-policy"), is_page, "{accept}");
    }
}

#[tokio::test]
async fn a_day_that_takes_too_long_is_told_as_it_was_mailed() {
    let site = Site::with_patience(Duration::ZERO).await;
    let (status, problem) = site.on_project("GET", "/reports/2026-11-21", "").await;
    assert_eq!((status, &problem["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/problems/report-too-large")));

    let mailed = json!({"totals": {"deliveries": 200_000}, "asOf": "2026-11-22T00:10:00.000Z"});
    let day = "2026-11-21".parse().unwrap();
    site.database.activity.keep_report(site.project, day, &mailed, now()).await.unwrap();
    assert_eq!(site.on_project("GET", "/reports/2026-11-21", "").await, (StatusCode::OK, mailed));
}

//! The daily report, as JSON and as a page.

use std::time::Duration;

use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::EventType;
use serde_json::json;

use crate::fixture::{Options, TestApi, attempt, now};

const YESTERDAY: &str = "/reports/2026-11-21";

#[tokio::test]
async fn the_report_of_a_day_counts_its_deliveries() {
    let (api, project) = TestApi::with_project().await;
    let at = now().minus(Duration::from_hours(20));
    let endpoints = [1, 2].map(|_| EndpointId::new(at, &SystemRandom));
    let event = api.store_event(EventType::Aml, at, project.id(), &endpoints).await;
    let attempt = Attempt { at, ..attempt(Some(FailureReason::Tls)) };
    let failed = Delivery::queued(&event, endpoints[0]).after(attempt, None);
    api.store.deliveries.record(&failed, None).await.unwrap();

    let report = project.get(YESTERDAY).await.expect(200);
    assert_eq!(
        report["totals"],
        json!({"deliveries": 2, "delivered": 0, "failed": 1, "stillTrying": 1, "held": 0, "cancelled": 0})
    );
    assert_eq!(report["byReason"], json!([{"reason": "tls", "deliveries": 1}]));
    assert_eq!(report["failures"][0]["deliveryId"], json!(failed.id));
}

#[tokio::test]
async fn days_without_deliveries_are_empty_and_future_days_are_rejected() {
    let (_api, project) = TestApi::with_project().await;
    for day in ["2020-01-01", "2026-11-22"] {
        let report = project.get(&format!("/reports/{day}")).await.expect(200);
        assert_eq!(report["totals"]["deliveries"], 0);
    }
    assert_eq!(project.get("/reports/2026-11-23").await.problem(), (422, "day-to-come"));
    project.get("/reports/yesterday").await.expect(404);
}

#[tokio::test]
async fn browsers_get_the_report_as_a_page_in_their_language() {
    let (_api, project) = TestApi::with_project().await;
    for (accept, language, is_page, expected) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "en-US", true, "No webhooks"),
        ("text/html", "ko-KR,ko;q=0.9", true, "웹훅 없음"),
        ("text/html", "fr;q=0.9,es-419;q=0.8,en;q=0.7", true, "Sin webhooks"),
        ("application/json", "en", false, "\"deliveries\":0"),
        ("*/*", "ko", false, "\"deliveries\":0"),
    ] {
        let client = project.with_header("accept", accept).with_header("accept-language", language);
        let response = client.get(YESTERDAY).await;
        let is_html = response.header("content-type").starts_with("text/html");
        assert_eq!((response.status, is_html), (200, is_page), "{accept}");
        assert!(response.text.contains(expected), "{accept}: {}", response.text);
        assert_eq!(response.headers.contains_key("content-security-policy"), is_page, "{accept}");
    }
}

#[tokio::test]
async fn a_report_that_takes_too_long_to_build_is_returned_as_it_was_mailed() {
    let options = Options { report_timeout: Duration::from_millis(1), ..Options::default() };
    let api = TestApi::start_with(&options).await;
    let project = api.create_project().await;
    // The database does not answer the query for endpoints, so the report is never complete.
    let _query = api.queue.catch("endpoint#");
    assert_eq!(project.get(YESTERDAY).await.problem(), (422, "report-too-large"));

    let mailed = json!({"totals": {"deliveries": 200_000}, "asOf": "2026-11-22T00:10:00.000Z"});
    let day = "2026-11-21".parse().unwrap();
    api.store.digest.keep_report(project.id(), day, &mailed, now()).await.unwrap();
    let _query = api.queue.catch("endpoint#");
    assert_eq!(project.get(YESTERDAY).await.expect(200), mailed);
}

//! The daily report, as JSON and as a page.

use std::time::Duration;

use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::UtcDay;
use domain::reports::report::testing::Day;
use domain::reports::report::{Endpoints, Report, ReportView};
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{Event, EventType, SubmissionId};
use serde_json::json;

use crate::client::Resource;
use crate::fixture::{Options, TestApi, attempt, now};

const YESTERDAY: &str = "/reports/2026-11-21";

/// The day on which the projects of the tests are created.
const TODAY: &str = "/reports/2026-11-22";

#[tokio::test]
async fn the_report_of_a_day_counts_its_deliveries() {
    let (api, project) = TestApi::with_project().await;
    let at = now();
    let endpoints = [1, 2].map(|_| EndpointId::new(at, &SystemRandom));
    let event = api.store_event(EventType::Aml, at, project.id(), &endpoints).await;
    let attempt = Attempt { at, ..attempt(Some(FailureReason::Tls)) };
    let failed = Delivery::queued(&event, endpoints[0]).after(attempt, None);
    api.store.deliveries.record(&failed, None).await.unwrap();

    let report = project.get(TODAY).await.expect(200);
    assert_eq!(
        report["totals"],
        json!({"deliveries": 2, "delivered": 0, "failed": 1, "stillTrying": 1, "held": 0, "cancelled": 0, "expired": 0})
    );
    assert_eq!(report["byReason"], json!([{"reason": "tls", "deliveries": 1}]));
    assert_eq!(report["failures"][0]["deliveryId"], json!(failed.id));
}

#[tokio::test]
async fn days_without_deliveries_are_empty_and_days_outside_the_life_of_the_project_have_no_report() {
    let (api, project) = TestApi::with_project().await;
    api.clock.advance(Duration::from_hours(48));
    for day in ["2026-11-22", "2026-11-23", "2026-11-24"] {
        let report = project.get(&format!("/reports/{day}")).await.expect(200);
        assert_eq!(report["totals"]["deliveries"], 0);
    }
    for day in ["2026-11-21", "2020-01-01", "0001-01-01"] {
        let refused = project.get(&format!("/reports/{day}")).await;
        assert_eq!(refused.problem(), (404, "not-found"), "{day}");
        assert_eq!(refused.body["detail"], "project was created after this day");
    }
    for day in ["2026-11-25", "9999-12-31"] {
        assert_eq!(project.get(&format!("/reports/{day}")).await.problem(), (422, "day-to-come"), "{day}");
    }
    project.get("/reports/yesterday").await.expect(404);
}

#[tokio::test]
async fn browsers_get_the_report_as_a_page_in_their_language() {
    let (_api, project) = TestApi::with_project().await;
    for (accept, language, is_page, expected) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "en-US", true, "No webhooks"),
        ("text/html", "ko-KR,ko;q=0.9", true, "웹훅 없음"),
        ("text/html", "fr;q=0.9,es-419;q=0.8,en;q=0.7", true, "Sin webhooks"),
        ("text/*", "ko;q=0, es;q=0.1", true, "Sin webhooks"),
        ("application/json;q=0.4, text/html;q=0.5", "en", true, "No webhooks"),
        ("application/json", "en", false, "\"deliveries\":0"),
        ("*/*", "ko", false, "\"deliveries\":0"),
        ("text/html;q=0, application/json", "en", false, "\"deliveries\":0"),
        ("text/html;q=0.1, application/json;q=0.2", "en", false, "\"deliveries\":0"),
        ("image/png", "en", false, "\"deliveries\":0"),
        ("", "", false, "\"deliveries\":0"),
    ] {
        let client = project.with_header("accept", accept).with_header("accept-language", language);
        let response = client.get(TODAY).await;
        assert_eq!(response.header("vary"), "accept, accept-language", "{accept}");
        let is_html = response.header("content-type").starts_with("text/html");
        assert_eq!((response.status, is_html), (200, is_page), "{accept}");
        assert!(response.text.contains(expected), "{accept}: {}", response.text);
        assert_eq!(response.headers.contains_key("content-security-policy"), is_page, "{accept}");
    }
}

#[tokio::test]
async fn a_report_that_takes_too_long_to_build_is_available_after_the_daily_run() {
    let options = Options { report_timeout: Duration::from_millis(1), ..Options::default() };
    let api = TestApi::start_with(&options).await;
    let project = api.create_project().await;
    // The database does not answer the query for endpoints, so the report is never complete.
    let _query = api.queue.catch("endpoint#");
    assert_eq!(project.get(TODAY).await.problem(), (422, "report-too-large"));

    keep_report(&api, &project, "2026-11-22", 3).await;
    assert_eq!(project.get(TODAY).await.expect(200)["totals"]["deliveries"], 3);
}

#[tokio::test]
async fn the_report_of_a_past_day_is_returned_as_it_was_kept() {
    let (api, project) = TestApi::with_project().await;
    let kept = keep_report(&api, &project, "2026-11-21", 3).await;
    api.store_event(EventType::Aml, now().minus(Duration::from_hours(20)), project.id(), &[]).await;
    assert_eq!(project.get(YESTERDAY).await.expect(200), json!(kept));
    let page = project.with_header("accept", "text/html").get(YESTERDAY).await;
    assert!(page.text.contains("2026-11-22 00:10 UTC"), "{}", page.text);
    // Reading it needs no turn among the project's slow reads.
    let slow_read = api.store.quotas.begin_slow_read(project.id(), "another".to_owned(), now()).await.unwrap();
    assert_eq!((slow_read.is_some(), project.get(YESTERDAY).await.status), (true, 200));
    assert_eq!(project.get("/reports/2026-11-22").await.problem(), (429, "slow-read-running"));
}

#[tokio::test]
async fn a_kept_report_no_longer_names_a_submission_after_its_erasure() {
    let (api, project) = TestApi::with_project().await;
    let (at, submission_id) =
        (now().minus(Duration::from_hours(20)), SubmissionId::try_from("sub-1".to_owned()).unwrap());
    let endpoint = EndpointId::new(at, &SystemRandom);
    let unnamed = api.store_event(EventType::Aml, at, project.id(), &[]).await;
    let id = EventId::new(at, &SystemRandom);
    let event = Event { id, submission_id: Some(submission_id), ..unnamed };
    let event = api.store.accept(&event, &[endpoint]).await;
    let failed = Delivery::queued(&event, endpoint).after(Attempt { at, ..attempt(Some(FailureReason::Tls)) }, None);
    api.store.deliveries.record(&failed, None).await.unwrap();
    let mut report = Report::new(project.id(), at.day());
    report.add(&failed);
    api.store.reports.keep(report.view(now(), &Endpoints::new(), Vec::new()), now()).await.unwrap();
    let named = async || {
        let report = project.get(YESTERDAY).await.expect(200);
        [&report["problems"][0]["examples"][0], &report["failures"][0]].map(|named| named.get("submissionId").cloned())
    };
    assert_eq!(named().await, [(); 2].map(|()| Some(json!("sub-1"))));

    project.post("/erasures", json!({"submissionId": "sub-1"})).await.expect(200);
    assert_eq!(named().await, [None, None]);
    let page = project.with_header("accept", "text/html").get(YESTERDAY).await;
    assert!(page.status == 200 && !page.text.contains("sub-1"), "{}", page.text);
}

#[tokio::test]
async fn kept_reports_are_listed_latest_first() {
    let (api, project) = TestApi::with_project().await;
    assert_eq!(project.get("/reports").await.expect(200), json!({"items": []}));
    for (day, deliveries) in [("2026-11-19", 1), ("2026-11-20", 2), ("2026-11-21", 3)] {
        keep_report(&api, &project, day, deliveries).await;
    }
    let first = project.get("/reports?limit=2").await.expect(200);
    let numbers = |list: &serde_json::Value| -> Vec<(String, u64)> {
        let items = list["items"].as_array().unwrap().iter();
        let number = |item: &serde_json::Value| item["totals"]["deliveries"].as_u64().unwrap();
        items.map(|item| (item["day"].as_str().unwrap().to_owned(), number(item))).collect()
    };
    assert_eq!(numbers(&first), [("2026-11-21".to_owned(), 3), ("2026-11-20".to_owned(), 2)]);
    let cursor = first["cursor"].as_str().unwrap();
    let second = project.get(&format!("/reports?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((numbers(&second), second.get("cursor")), (vec![("2026-11-19".to_owned(), 1)], None));
    let other = api.create_project().await;
    assert_eq!(other.get("/reports").await.expect(200), json!({"items": []}));
    assert_eq!(other.get(&format!("/reports?limit=2&cursor={cursor}")).await.problem(), (400, "bad-query"));
}

#[tokio::test]
async fn a_webhook_that_failed_for_good_today_is_in_the_report_of_today() {
    let (api, project) = TestApi::with_project().await;
    let at = now().minus(Duration::from_hours(3 * 24));
    let endpoint = EndpointId::new(at, &SystemRandom);
    let event = api.store_event(EventType::Aml, at, project.id(), &[endpoint]).await;
    let first = Attempt { at, ..attempt(Some(FailureReason::Status)) };
    let tried = Delivery::queued(&event, endpoint).after(first, Some(Duration::from_hours(70)));
    api.store.deliveries.record(&tried, tried.next_attempt_at).await.unwrap();
    let last = Attempt { at: now(), number: 2, ..attempt(Some(FailureReason::Status)) };
    api.store.deliveries.record(&tried.after(last, None), None).await.unwrap();

    let report = project.get("/reports/2026-11-22").await.expect(200);
    assert_eq!(report["totals"]["deliveries"], 0);
    assert_eq!(report["ended"], json!({"delivered": 0, "failed": 1, "cancelled": 0, "expired": 0}));
    assert_eq!((&report["earlierDays"]["failed"], &report["attempts"]["made"]), (&json!(1), &json!(1)));
    let problem = &report["problems"][0];
    assert_eq!((&problem["type"], &problem["failed"]), (&json!("aml"), &json!(1)));
    assert_eq!(problem["examples"][0]["state"], "failed");
}

#[tokio::test]
async fn a_project_chooses_the_hour_of_its_report() {
    let (_api, project) = TestApi::with_project().await;
    assert_eq!(project.get("").await.expect(200).get("reportHour"), None);
    let changed = project.patch("", &json!({"reportHour": 8})).await.expect(200);
    assert_eq!((&changed["reportHour"], changed.get("reportHourChangedAt")), (&json!(8), None));
    let bad = project.patch("", &json!({"reportHour": 24})).await;
    assert_eq!((bad.problem(), bad.text.contains("whole number from 0 to 23")), ((422, "bad-fields"), true));
    let entry = project.get("/audit?limit=1").await.expect(200)["items"][0].clone();
    assert_eq!(entry["changes"], json!([{"field": "reportHour", "after": 8}]));
    let number = &entry["number"];
    let reverted = project.post(&format!("/audit/{number}/revert"), &json!({})).await.expect(200);
    assert_eq!(reverted.get("reportHour"), None);
}

/// Keeps the report of a day with this many queued deliveries, as the daily run does on the next morning.
async fn keep_report(api: &TestApi, project: &Resource, day: &str, deliveries: u64) -> ReportView {
    let (project, day) = (project.id(), day.parse::<UtcDay>().unwrap());
    let fixture = Day { project_id: project, date: day, ..Day::default() };
    let mut report = Report::new(project, day);
    (0..deliveries).for_each(|number| report.add(&fixture.delivery(number).get()));
    let view = report.view(fixture.next_morning(), &fixture.endpoints(), Vec::new());
    api.store.reports.keep(view, fixture.next_morning()).await.unwrap()
}

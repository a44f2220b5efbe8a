//! The daily report of a past day.

use std::time::Duration;

use aws::Aws;
use aws::store::{Store, StoreConfig};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{Event, EventData, EventType};
use e2e::visitor::Visitor;
use e2e::{Customer, run, stack};
use serde_json::json;
use stack::{Stack, demo};

trials! {
    a_report_in_two_slices_tells_what_ended_and_is_mailed_kept_and_listed,
    the_report_of_today_is_built_when_it_is_read,
}

fn a_report_in_two_slices_tells_what_ended_and_is_mailed_kept_and_listed() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/reports/late").await;
        let reader = "ada@reports.example";
        customer.add_reader(reader).await;
        let yesterday = SystemClock.now().day().previous();
        store_failed(stack, &customer, yesterday.start().plus(Duration::from_hours(12))).await;

        let (start, noon) =
            ("1970-01-01T00:00:00.000Z".parse().unwrap(), yesterday.start().plus(Duration::from_hours(12)));
        count_slice(stack, &customer, yesterday, start, noon).await;
        assert_eq!(customer.get("/reports").await, json!({"items": []}), "the second slice is missing");
        count_slice(stack, &customer, yesterday, noon, yesterday.next().start()).await;

        let mail = demo::wait_for_mail(stack, reader, 1, "report").await.unwrap();
        assert_eq!(mail.subject, format!("✗ 1 of 1 webhook failed · /reports/late · {yesterday}"));
        for fact in ["aml: 1 failed", "The receiver responded with 400"] {
            assert!(mail.text.contains(fact) && mail.html.contains(fact), "{}", mail.text);
        }
        let kept = customer.get(&format!("/reports/{yesterday}")).await;
        assert_eq!((&kept["totals"]["deliveries"], &kept["ended"]["failed"]), (&json!(0), &json!(1)), "{kept}");
        let page = Visitor::of(&customer).await.read(&format!("/reports/{yesterday}")).await;
        assert!(page.contains("aml"), "{page}");
        let listed = customer.get("/reports").await;
        assert_eq!(
            (&listed["items"][0]["day"], &listed["items"][0]["ended"]["failed"]),
            (&json!(yesterday), &json!(1))
        );
    });
}

fn the_report_of_today_is_built_when_it_is_read() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/reports/today").await;
        let now = SystemClock.now();
        store_failed(stack, &customer, now).await;
        let path = format!("/reports/{}", now.day());
        let built = customer.get(&path).await;
        assert_eq!((&built["totals"]["deliveries"], &built["ended"]["failed"]), (&json!(0), &json!(1)), "{built}");
        let page = Visitor::of(&customer).await.read(&path).await;
        assert!(page.contains("aml"), "{page}");
    });
}

/// Stores a webhook of an event of two days before that failed for the last time at `at`.
async fn store_failed(stack: &Stack, customer: &Customer, at: Timestamp) {
    let aws = Aws::local(stack.emulator_url.clone());
    let config = StoreConfig {
        settings_table: stack.outputs["SettingsTableName"].clone(),
        activity_table: stack.outputs["ActivityTableName"].clone(),
        retention: "30".parse().unwrap(),
    };
    let store = Store::new(&aws, &config);
    let accepted_at = at.minus(Duration::from_hours(48));
    let event = Event {
        id: EventId::new(accepted_at, &SystemRandom),
        project_id: customer.project().parse().unwrap(),
        event_type: EventType::Aml,
        submission_id: None,
        sequence: None,
        occurred_at: accepted_at,
        data: EventData::try_from("{}".to_owned()).unwrap(),
    };
    let endpoint = customer.endpoint().parse().unwrap();
    store.events.put(&event, &[endpoint]).await.unwrap();
    let tried = Delivery::queued(&event, endpoint).after(rejected(1, accepted_at), Some(Duration::from_hours(40)));
    store.deliveries.record(&tried, None).await.unwrap();
    store.deliveries.record(&tried.after(rejected(2, at), None), None).await.unwrap();
}

fn rejected(number: u8, at: Timestamp) -> Attempt {
    let (reason, phases) = (Some(FailureReason::Status), Phases::default());
    Attempt { number, at, duration_ms: 80, phases, status: Some(400), reason, response: None }
}

/// Lets daily-digest process the message of one slice.
async fn count_slice(stack: &Stack, customer: &Customer, day: UtcDay, from: Timestamp, to: Timestamp) {
    let job = json!({"report": {"projectId": customer.project(), "day": day, "slice": {"from": from, "to": to}}});
    let records = json!({"Records": [{"messageId": "1", "body": job.to_string()}]});
    let response = stack.invoke("daily-digest", records).await.unwrap();
    assert_eq!(response, json!({"batchItemFailures": []}));
}

//! A delivery whose message was lost: its row waits, its time is past, and nothing is on the queue.

use std::time::Duration;

use e2e::{Customer, run, stack};
use serde_json::json;
use shared::aws::Aws;
use shared::aws::store::Activity;
use shared::clock::{Clock as _, SystemClock};
use shared::delivery::{Attempt, Delivery, FailureReason, Phases};
use shared::draft::Draft;
use shared::event::{Event, NewEvent};
use shared::id::EventId;
use shared::random::SystemRandom;
use stack::Stack;

#[test]
fn the_sweep_finds_a_delivery_whose_message_was_lost() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/overdue").await;
        let lost = store_failed(&customer, stack, Some(Duration::from_mins(5))).await;
        stack.invoke("webhook-retry", json!({})).await.unwrap();

        let delivery = customer.wait_for_state(&lost.to_string(), "delivered").await;
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(2));
        let attempts: Vec<u32> = customer.received().iter().map(|one| one.attempt).collect();
        assert_eq!(attempts, [2]);
    });
}

/// Stores an event whose first attempt failed ten minutes ago. The second was due after `wait`; `None` if there is none.
pub(crate) async fn store_failed(customer: &Customer, stack: &Stack, wait: Option<Duration>) -> EventId {
    let aws = Aws::local(stack.emulator_url.clone());
    let activity = Activity::new(&aws, &stack.outputs["ActivityTableName"], "30".parse().unwrap());
    let failed_at = SystemClock.now().minus(Duration::from_mins(10));
    let draft = Draft::parse(br#"{"type":"token","data":{}}"#).unwrap();
    let event: Event = NewEvent::try_from(draft)
        .unwrap()
        .accept(EventId::new(failed_at, &SystemRandom), customer.project().parse().unwrap());
    let endpoint = customer.endpoint().parse().unwrap();
    let attempt = Attempt {
        number: 1,
        at: failed_at,
        duration_ms: 20,
        phases: Phases::default(),
        status: Some(500),
        reason: Some(FailureReason::Status),
        response: None,
    };
    let delivery = Delivery::queued(&event, endpoint).after(attempt, wait);
    activity.put_event(&event, &[endpoint]).await.unwrap();
    activity.record(&delivery, delivery.next_attempt_at).await.unwrap();
    event.id
}

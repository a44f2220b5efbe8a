//! Deliveries whose message was lost: an attempt is due, and the queue is empty.

use std::time::Duration;

use aws::Aws;
use aws::store::{DeliveryStore, EventStore, SHARDS};
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{Event, NewEvent};
use domain::webhooks::health::HoldReason;
use e2e::{Customer, run, stack};
use serde_json::json;
use stack::Stack;
use stack::receiver::Received;

trials! {
    the_sweep_repairs_a_delivery_whose_message_was_lost,
    a_backlog_of_one_shard_is_delivered,
    a_held_delivery_expires_before_its_event_is_deleted,
    reconciliation_repairs_a_delivery_whose_first_message_was_lost,
}

fn the_sweep_repairs_a_delivery_whose_message_was_lost() {
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

fn a_backlog_of_one_shard_is_delivered() {
    /// More than a page and a project's share, so that an invocation of its own queues the rest without claims.
    const BACKLOG: usize = 105;
    const SHARD: u8 = 7;
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/overdue/backlog").await;
        let accepted_at = SystemClock.now().minus(Duration::from_mins(10));
        let ids = std::iter::repeat_with(|| EventId::new(accepted_at, &SystemRandom));
        let in_shard = ids.filter(|id| id.as_bytes()[15] % SHARDS == SHARD).take(BACKLOG);
        let stored = in_shard.map(|id| store_failed_as(id, &customer, stack, Some(Duration::from_mins(5))));
        let events = futures::future::join_all(stored).await;
        customer.sweep().await;
        for event in events {
            let delivery = customer.wait_for_state(&event.to_string(), "delivered").await;
            assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(2));
        }
    });
}

fn a_held_delivery_expires_before_its_event_is_deleted() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/overdue/expired").await;
        let accepted_at = SystemClock.now().minus(Duration::from_hours(29 * 24 + 1));
        let event = store_event(EventId::new(accepted_at, &SystemRandom), &customer, stack).await;
        let held = Delivery::queued(&event, customer.endpoint().parse().unwrap()).held(HoldReason::Paused);
        deliveries(stack).record_held(&held, accepted_at).await.unwrap();
        stack.invoke("webhook-retry", json!({ "task": { "expire": {} } })).await.unwrap();

        let expired = customer.wait_for_state(&event.id.to_string(), "expired").await;
        assert_eq!((&expired["heldBecause"], &expired["attempts"]), (&json!("paused"), &json!([])));
        assert_eq!(customer.received().len(), 0);
    });
}

fn reconciliation_repairs_a_delivery_whose_first_message_was_lost() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/overdue/first").await;
        // Younger events may still be on the queue, so reconciliation ignores them.
        let created_at = SystemClock.now().minus(Duration::from_mins(11));
        let lost = store_event(EventId::new(created_at, &SystemRandom), &customer, stack).await.id;
        let (day, oldest_day) = (SystemClock.now().day(), created_at.day());
        let job = json!({ "reconcile": { "projectId": customer.project(), "day": day, "oldestDay": oldest_day } });
        let records = json!({ "Records": [{ "messageId": "1", "body": job.to_string() }] });
        let answer = stack.invoke("daily-digest", records).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));

        customer.wait_for_state(&lost.to_string(), "delivered").await;
        // The call died before it numbered the event, so the reconciliation did.
        let number = |one: &Received| one.headers["webhook-sequence"].to_str().unwrap().to_owned();
        let sent: Vec<(u32, String)> = customer.received().iter().map(|one| (one.attempt, number(one))).collect();
        assert_eq!(sent, [(1, "1".to_owned())]);
    });
}

/// Stores an event without a row for its delivery, as if it had been published with this id.
async fn store_event(id: EventId, customer: &Customer, stack: &Stack) -> Event {
    let aws = Aws::local(stack.emulator_url.clone());
    let (table, retention) = (&stack.outputs["ActivityTableName"], "30".parse().unwrap());
    let draft = Draft::parse(br#"{"type":"token","submissionId":"sub_1","data":{}}"#).unwrap();
    let event = NewEvent::try_from(draft).unwrap().accept(id, customer.project().parse().unwrap());
    EventStore::new(&aws, table, retention).put(&event, &[customer.endpoint().parse().unwrap()]).await.unwrap();
    event
}

/// Stores an event and its delivery, whose first attempt failed ten minutes ago. The next attempt was due after `wait`; `None` if there
/// is none.
pub(crate) async fn store_failed(customer: &Customer, stack: &Stack, wait: Option<Duration>) -> EventId {
    let failed_at = SystemClock.now().minus(Duration::from_mins(10));
    store_failed_as(EventId::new(failed_at, &SystemRandom), customer, stack, wait).await
}

async fn store_failed_as(id: EventId, customer: &Customer, stack: &Stack, wait: Option<Duration>) -> EventId {
    let failed_at = id.created_at();
    let event = store_event(id, customer, stack).await;
    let attempt = Attempt {
        number: 1,
        at: failed_at,
        duration_ms: 20,
        phases: Phases::default(),
        status: Some(500),
        reason: Some(FailureReason::Status),
        response: None,
    };
    let delivery = Delivery::queued(&event, customer.endpoint().parse().unwrap()).after(attempt, wait);
    deliveries(stack).record(&delivery, delivery.next_attempt_at).await.unwrap();
    event.id
}

fn deliveries(stack: &Stack) -> DeliveryStore {
    let aws = Aws::local(stack.emulator_url.clone());
    DeliveryStore::new(&aws, &stack.outputs["ActivityTableName"], "30".parse().unwrap())
}

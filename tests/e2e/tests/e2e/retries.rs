//! Failing receivers, repeated requests and killed senders.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};
use stack::receiver::Received;

trials! {
    retries_have_the_same_id,
    a_delivery_fails_after_its_last_attempt,
    an_event_published_again_with_its_idempotency_key_is_sent_once,
    a_sender_killed_during_a_batch_loses_no_delivery,
}

fn retries_have_the_same_id() {
    run(async {
        let customer = Customer::new(stack().await, "/retries/failing").await;
        customer.receiver().answer(customer.path(), [500, 503, 302]);
        let event = customer.publish(&json!({"type": "approved", "data": {"n": 1}})).await;

        let is_accepted = |received: &[Received]| received.iter().any(|one| one.answered == 200);
        let received = customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, is_accepted).await.unwrap();
        let attempts_received: Vec<_> =
            received.iter().map(|one| (one.id.as_str(), one.attempt, one.verified)).collect();
        let id = event.as_str();
        assert_eq!(attempts_received, [(id, 1, true), (id, 2, true), (id, 3, true), (id, 4, true)]);
        let bodies: BTreeSet<_> = received.iter().map(|one| &one.body).collect();
        assert_eq!(bodies.len(), 1);

        let delivery = customer.wait_for_state(&event, "delivered").await;
        let reasons: Vec<_> = attempts(&delivery).map(|attempt| (&attempt["status"], &attempt["reason"])).collect();
        assert_eq!(json!(reasons), json!([[500, "status"], [503, "status"], [302, "redirect"], [200, null]]));
    });
}

fn a_delivery_fails_after_its_last_attempt() {
    run(async {
        let customer = Customer::new(stack().await, "/retries/failed").await;
        customer.receiver().answer(customer.path(), [500; 20]);
        let event = customer.publish(&json!({"type": "rejected", "data": {}})).await;

        let delivery = customer.wait_for_state(&event, "failed").await;
        let numbers: Vec<_> = attempts(&delivery).map(|attempt| attempt["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<u64>>());
        assert_eq!(customer.received().len(), 10);
    });
}

fn an_event_published_again_with_its_idempotency_key_is_sent_once() {
    run(async {
        let customer = Customer::new(stack().await, "/retries/idempotent").await;
        let event = json!({"type": "aml", "data": {"n": 1}});
        let first = customer.publish_as("order-7", &event).await;
        let second = customer.publish_as("order-7", &event).await;
        let other = customer.publish(&event).await;

        assert_eq!(first, second);
        customer.wait_for_state(&first, "delivered").await;
        customer.wait_for_state(&other, "delivered").await;
        let ids: Vec<_> = customer.received().into_iter().map(|one| one.id).collect();
        assert_eq!(ids.iter().filter(|id| **id == first).count(), 1, "{ids:?}");
    });
}

fn a_sender_killed_during_a_batch_loses_no_delivery() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/retries/killed").await;
        customer.receiver().delay(customer.path(), Duration::from_secs(1));
        let mut events = BTreeSet::new();
        for n in 0..10 {
            events.insert(customer.publish(&json!({"type": "updated", "data": {"n": n}})).await);
        }
        let has_started = |received: &[Received]| !received.is_empty();
        customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, has_started).await.unwrap();
        assert!(stack.kill_function("webhook-sender") > 0);

        for event in &events {
            let delivery = customer.wait_for_state(event, "delivered").await;
            assert_eq!(attempts(&delivery).count(), 1, "an interrupted attempt is not counted");
        }
        let received = customer.received();
        let distinct: BTreeSet<_> = received.iter().map(|one| one.id.clone()).collect();
        assert_eq!(distinct, events);
        assert!(received.iter().all(|one| one.verified && one.attempt == 1));
        let duplicates = received.len() - events.len();
        println!("{} events, {} webhooks, {duplicates} of them duplicates", events.len(), received.len());
    });
}

fn attempts(delivery: &Value) -> impl Iterator<Item = &Value> {
    delivery["attempts"].as_array().unwrap().iter()
}

//! Deliveries that are over, sent once more: one, or all that fit a filter.

use std::time::{Duration, Instant};

use e2e::{Customer, PATIENCE, run, stack};
use serde_json::{Value, json};
use shared::clock::{Clock as _, SystemClock};
use stack::Stack;
use stack::receiver::Received;

use crate::overdue::store_failed;

/// A replay of what failed within the last hour.
fn last_hour(more: &Value) -> Value {
    let to = SystemClock.now();
    let mut body = json!({ "from": to.minus(Duration::from_hours(1)), "to": to });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn progress(customer: &Customer, replay: &Value) -> Value {
    customer.get(&format!("/replays/{}", replay["id"].as_str().unwrap())).await
}

async fn sweep(stack: &Stack) {
    stack.invoke("webhook-retry", json!({})).await.unwrap_or_else(|error| panic!("{error}"));
}

/// Has the sweep run, as it would each minute, until the replay is as wanted.
async fn sweep_until(
    stack: &Stack,
    customer: &Customer,
    replay: &Value,
    is_as_wanted: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    loop {
        sweep(stack).await;
        let replay = progress(customer, replay).await;
        if is_as_wanted(&replay) {
            return replay;
        }
        assert!(begun.elapsed() <= PATIENCE, "{replay}\n{}", stack.log_tail().await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn is_replay(one: &Received) -> bool {
    one.headers.get("webhook-replay").is_some_and(|value| value == "true")
}

#[test]
fn what_failed_is_delivered_by_a_replay_each_to_its_own_endpoint() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/replays/mended").await;
        customer.add_endpoint("/replays/sound").await;
        customer.receiver().answer(customer.path(), [500; 20]);
        for n in 0..2 {
            customer.publish(&json!({"type": "approved", "data": {"n": n}})).await;
        }
        let is_over = |deliveries: &[Value]| {
            let in_state = |state| deliveries.iter().filter(|delivery| delivery["state"] == state).count();
            in_state("failed") == 2 && in_state("delivered") == 2
        };
        customer.sweep_until(is_over).await;
        let health_before = customer.read_endpoint().await["health"].clone();

        let counted = customer.post("/replays", &last_hour(&json!({ "dryRun": true }))).await;
        assert_eq!(counted, json!({ "matching": 2 }));
        let replay = customer.post("/replays", &last_hour(&json!({ "ratePerMinute": 600 }))).await;
        let done = sweep_until(stack, &customer, &replay, |replay| replay["state"] == "done").await;

        assert_eq!(done["progress"], json!({ "queued": 2, "delivered": 2, "failed": 0, "skipped": 0 }));
        let deliveries = customer.deliveries().await.unwrap();
        assert!(deliveries.iter().all(|delivery| delivery["state"] == "delivered"), "{deliveries:?}");
        let replayed: Vec<Received> = customer.received().into_iter().filter(is_replay).collect();
        assert_eq!(replayed.len(), 2);
        assert!(replayed.iter().all(|one| one.verified && one.attempt == 11));
        let sound = stack.receiver.received("/replays/sound");
        assert_eq!((sound.len(), sound.iter().any(is_replay)), (2, false));
        assert_eq!(customer.read_endpoint().await["health"], health_before);
    });
}

#[test]
fn one_delivery_is_replayed_under_its_own_id() {
    run(async {
        let customer = Customer::new(stack().await, "/replays/one").await;
        let event = customer.publish(&json!({"type": "aml", "data": {}})).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        customer.post(&format!("/deliveries/{}/replay", delivery["id"].as_str().unwrap()), &json!({})).await;

        let came = |received: &[Received]| received.len() == 2;
        let received = customer.receiver().wait_for(customer.path(), PATIENCE, came).await.unwrap();
        let marks: Vec<_> = received.iter().map(|one| (one.id.as_str(), one.attempt, is_replay(one))).collect();
        assert_eq!(marks, [(event.as_str(), 1, false), (event.as_str(), 2, true)]);
        assert_eq!(received[0].body, received[1].body);
    });
}

#[test]
fn a_replay_is_cancelled_in_the_middle_and_another_takes_the_rest() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/replays/cancelled").await;
        for _ in 0..3 {
            store_failed(&customer, stack, None).await;
        }
        let slow = customer.post("/replays", &last_hour(&json!({ "ratePerMinute": 1 }))).await;
        sweep(stack).await;
        customer.post(&format!("/replays/{}/cancel", slow["id"].as_str().unwrap()), &json!({})).await;
        for _ in 0..2 {
            sweep(stack).await;
        }
        let count = |replay: &Value, name: &str| replay["progress"][name].as_u64().unwrap();
        let is_settled =
            |replay: &Value| count(replay, "delivered") + count(replay, "skipped") == count(replay, "queued");
        let cancelled = sweep_until(stack, &customer, &slow, is_settled).await;
        assert!(cancelled["state"] == "cancelled" && count(&cancelled, "queued") < 3, "{cancelled}");

        let rest = customer.post("/replays", &last_hour(&json!({ "ratePerMinute": 600 }))).await;
        sweep_until(stack, &customer, &rest, |replay| replay["state"] == "done").await;
        let deliveries = customer.deliveries().await.unwrap();
        assert!(deliveries.iter().all(|delivery| delivery["state"] == "delivered"), "{deliveries:?}");
        assert_eq!(customer.received().len(), 3);
    });
}

//! Replays of one delivery, and of all deliveries that match a filter.

use std::time::{Duration, Instant};

use domain::foundation::clock::{Clock as _, SystemClock};
use e2e::visitor::Visitor;
use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};
use stack::Stack;
use stack::receiver::Received;

use crate::overdue::store_failed;

trials! {
    a_replay_sends_failed_deliveries_to_their_own_endpoints,
    a_replayed_delivery_keeps_its_id,
    another_replay_sends_the_rest_of_a_cancelled_one,
    earlier_events_are_sent_to_a_new_endpoint_with_their_numbers,
}

/// Request for a replay of the deliveries that failed within the last hour.
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

/// Runs the sweep repeatedly until the replay fulfils the condition.
async fn sweep_until(stack: &Stack, customer: &Customer, replay: &Value, condition: impl Fn(&Value) -> bool) -> Value {
    let started_at = Instant::now();
    loop {
        sweep(stack).await;
        let replay = progress(customer, replay).await;
        if condition(&replay) {
            return replay;
        }
        assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{replay}\n{}", stack.log_tail().await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn is_replay(one: &Received) -> bool {
    one.headers.get("webhook-replay").is_some_and(|value| value == "true")
}

fn a_replay_sends_failed_deliveries_to_their_own_endpoints() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/replays/repaired").await;
        customer.add_endpoint("/replays/healthy").await;
        customer.receiver().answer(customer.path(), [500; 20]);
        for n in 0..2 {
            customer.publish(&json!({"type": "approved", "data": {"n": n}})).await;
        }
        let have_ended = |deliveries: &[Value]| {
            let in_state = |state| deliveries.iter().filter(|delivery| delivery["state"] == state).count();
            in_state("failed") == 2 && in_state("delivered") == 2
        };
        customer.sweep_until(have_ended).await;
        let mut health_before = customer.read_endpoint().await["health"].clone();

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
        let healthy = stack.receiver.received("/replays/healthy");
        assert_eq!((healthy.len(), healthy.iter().any(is_replay)), (2, false));
        // A replay never closes the breaker. A delivered one only shows that the receiver works, which puts off its disabling.
        let mut health = customer.read_endpoint().await["health"].clone();
        assert!(health["disablesAt"].as_str() > health_before["disablesAt"].as_str(), "{health}");
        let mut changing = vec!["disablesAt"];
        // A sender may write the failures of its earlier attempts only now. With all 20, the breaker opens.
        if health["failures"].as_u64() > health_before["failures"].as_u64() {
            changing.extend(["failures", "leftAloneBecause", "leftAloneUntil"]);
        }
        for field in changing {
            health[field].take();
            health_before[field].take();
        }
        assert_eq!(health, health_before);
    });
}

fn earlier_events_are_sent_to_a_new_endpoint_with_their_numbers() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/replays/old").await;
        for event_type in ["submit", "approved"] {
            customer.publish(&json!({"type": event_type, "submissionId": "sub_1", "data": {}})).await;
        }
        customer.wait_for_deliveries(|deliveries| deliveries.len() == 2).await;
        customer.add_endpoint("/replays/new").await;
        let endpoints = customer.get("/endpoints").await;
        let ids = endpoints["items"].as_array().unwrap().iter().map(|endpoint| endpoint["id"].as_str().unwrap());
        let new = ids.into_iter().find(|id| *id != customer.endpoint()).unwrap();
        let missing = last_hour(&json!({ "scope": "missing", "endpointId": new, "ratePerMinute": 600 }));
        let replay = customer.post("/replays", &missing).await;
        sweep_until(stack, &customer, &replay, |replay| replay["progress"]["queued"] == 2).await;

        let have_arrived = |received: &[Received]| received.len() == 2;
        let received = customer.receiver().wait_for("/replays/new", WAIT_TIMEOUT, have_arrived).await.unwrap();
        let mut numbers: Vec<&str> =
            received.iter().map(|one| one.headers["webhook-sequence"].to_str().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, ["1", "2"]);
    });
}

fn a_replayed_delivery_keeps_its_id() {
    run(async {
        let customer = Customer::new(stack().await, "/replays/one").await;
        let event = customer.publish(&json!({"type": "aml", "data": {}})).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        customer.post(&format!("/deliveries/{}/replay", delivery["id"].as_str().unwrap()), &json!({})).await;

        let have_arrived = |received: &[Received]| received.len() == 2;
        let received = customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, have_arrived).await.unwrap();
        let marks: Vec<_> = received.iter().map(|one| (one.id.as_str(), one.attempt, is_replay(one))).collect();
        assert_eq!(marks, [(event.as_str(), 1, false), (event.as_str(), 2, true)]);
        assert_eq!(received[0].body, received[1].body);
    });
}

fn another_replay_sends_the_rest_of_a_cancelled_one() {
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

        let again = customer.post("/replays", &last_hour(&json!({ "ratePerMinute": 1, "state": "delivered" }))).await;
        let path = format!("/replays/{}", again["id"].as_str().unwrap());
        let visitor = Visitor::of(&customer).await;
        assert_eq!(visitor.submit(&format!("{path}/cancel")).await, format!("{path}?done=stopped"));
        assert_eq!(customer.get(&path).await["state"], "cancelled");
    });
}

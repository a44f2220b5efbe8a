//! An endpoint with a pace gets its webhooks one after the other, and those that are planned too far ahead are held.

use std::time::Duration;

use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};

trials! {
    webhooks_that_are_published_together_arrive_at_the_pace_of_the_endpoint,
    webhooks_without_a_slot_in_the_next_15_minutes_are_held,
}

/// The path of the endpoint with a pace of two webhooks a second.
const PACED: &str = "/pace/paced";

/// A webhook may start a second before its slot, and the first one may have taken a second to arrive.
const TOLERANCE: Duration = Duration::from_secs(2);

fn webhooks_that_are_published_together_arrive_at_the_pace_of_the_endpoint() {
    run(async {
        let customer = Customer::new(stack().await, "/pace/any").await;
        let receiver = customer.receiver();
        let endpoint = customer.post("/endpoints", &json!({ "url": receiver.url(PACED), "pace": 120 })).await;
        assert_eq!(endpoint["pace"], 120);
        receiver.expect(PACED, endpoint["signingSecret"].as_str().unwrap());
        publish(&customer, 20).await;

        let arrived = receiver.wait_for(PACED, WAIT_TIMEOUT, |arrived| arrived.len() >= 20).await;
        let arrived = arrived.unwrap_or_else(|error| panic!("{error}"));
        let times: Vec<Duration> = arrived.iter().map(|webhook| webhook.at - arrived[0].at).collect();
        for (index, time) in (0..).zip(&times) {
            let slot = Duration::from_millis(500) * index;
            assert!(*time + TOLERANCE >= slot, "webhook {index} arrived too early: {times:?}");
        }
        assert!(arrived.iter().all(|webhook| webhook.verified && webhook.attempt == 1));
        customer.wait_for_deliveries(|deliveries| deliveries.iter().all(|one| one["state"] == "delivered")).await;
    });
}

fn webhooks_without_a_slot_in_the_next_15_minutes_are_held() {
    run(async {
        let customer = Customer::new(stack().await, "/pace/others").await;
        let url = customer.receiver().url("/pace/slow");
        let endpoint = customer.post("/endpoints", &json!({ "url": url, "pace": 1 })).await;
        publish(&customer, 20).await;

        let of_slow = |deliveries: &[Value], state: &str| {
            let deliveries =
                deliveries.iter().filter(|one| one["endpointId"] == endpoint["id"] && one["state"] == state);
            deliveries.cloned().collect::<Vec<Value>>()
        };
        let is_planned =
            |deliveries: &[Value]| of_slow(deliveries, "waiting").len() + of_slow(deliveries, "held").len() >= 19;
        let deliveries = customer.wait_for_deliveries(is_planned).await;
        let held = of_slow(&deliveries, "held");
        assert!(!held.is_empty() && held.iter().all(|one| one["heldBecause"] == "pace"), "{held:?}");
        assert!(of_slow(&deliveries, "waiting").iter().all(|one| one["nextAttemptAt"].is_string()));
    });
}

/// Publishes this many events with one call.
async fn publish(customer: &Customer, count: usize) {
    let events: Vec<Value> =
        (0..count).map(|number| json!({ "type": "updated", "data": { "number": number } })).collect();
    customer.post("/events/batch", &json!({ "events": events })).await;
}

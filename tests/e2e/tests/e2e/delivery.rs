//! An event from its publication to its receiver.

use domain::webhooks::event::EventType;
use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::demo;

trials! {
    events_of_every_type_are_delivered_with_a_valid_signature,
    events_published_in_one_call_are_delivered,
}

fn events_of_every_type_are_delivered_with_a_valid_signature() {
    run(async {
        let stack = stack().await;
        let (_, lines) = match demo::deliver_all_types(stack).await {
            Ok(delivered) => delivered,
            Err(error) => panic!("{error}\n{}", stack.log_tail().await),
        };
        let delivered: Vec<_> = lines.iter().map(|line| (line.event_type, line.attempt, line.verified)).collect();
        assert_eq!(delivered, EventType::ALL.map(|event_type| (event_type, 1, true)));
    });
}

fn events_published_in_one_call_are_delivered() {
    run(async {
        let customer = Customer::new(stack().await, "/delivery/batch").await;
        let events: Vec<Value> = (0..3).map(|n| json!({"type": "submit", "data": {"n": n}})).collect();
        let accepted = customer.post("/events/batch", &json!({ "events": events })).await;
        let ids: Vec<&str> =
            accepted["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 3, "{accepted}");
        for id in ids {
            customer.wait_for_state(id, "delivered").await;
        }
        assert_eq!(customer.received().len(), 3);
    });
}

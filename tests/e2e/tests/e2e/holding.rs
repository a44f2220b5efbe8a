//! Deliveries are held while their endpoint accepts no webhooks, and delivered afterwards.

use e2e::{Customer, run, stack};
use serde_json::{Value, json};

trials! {
    events_published_while_an_endpoint_is_paused_are_delivered_after_it_is_resumed,
    a_receiver_that_was_busy_gets_every_webhook,
    an_answer_of_410_disables_the_endpoint_and_loses_no_delivery,
}

fn events_published_while_an_endpoint_is_paused_are_delivered_after_it_is_resumed() {
    run(async {
        let customer = Customer::new(stack().await, "/holding/paused").await;
        customer.act_on_endpoint("pause").await;
        let mut events = Vec::new();
        for n in 0..3 {
            events.push(customer.publish(&json!({"type": "approved", "data": {"n": n}})).await);
        }
        for event in &events {
            let held = customer.wait_for_state(event, "held").await;
            assert_eq!((&held["heldBecause"], &held["attempts"]), (&json!("paused"), &json!([])));
        }
        assert_eq!(customer.received().len(), 0);

        customer.act_on_endpoint("resume").await;
        let delivered = |deliveries: &[Value]| deliveries.iter().all(|delivery| delivery["state"] == "delivered");
        customer.sweep_until(delivered).await;
        assert!(customer.received().iter().all(|one| one.verified && one.attempt == 1));
    });
}

fn a_receiver_that_was_busy_gets_every_webhook() {
    run(async {
        let customer = Customer::new(stack().await, "/holding/busy").await;
        customer.receiver().answer(customer.path(), [503, 429]);
        for n in 0..8 {
            customer.publish(&json!({"type": "updated", "data": {"n": n}})).await;
        }
        let delivered = |deliveries: &[Value]| deliveries.iter().all(|delivery| delivery["state"] == "delivered");
        customer.sweep_until(delivered).await;
        let rejected = customer.received().iter().filter(|one| one.answered != 200).count();
        assert_eq!(rejected, 2);
    });
}

fn an_answer_of_410_disables_the_endpoint_and_loses_no_delivery() {
    run(async {
        let customer = Customer::new(stack().await, "/holding/gone").await;
        customer.receiver().answer(customer.path(), [410]);
        let first = customer.publish(&json!({"type": "delete", "data": {}})).await;
        customer.wait_for_state(&first, "held").await;
        let endpoint = customer.read_endpoint().await;
        assert_eq!((&endpoint["state"], &endpoint["health"]["disabledBecause"]), (&json!("disabled"), &json!("gone")));

        customer.act_on_endpoint("resume").await;
        let delivered = |deliveries: &[Value]| deliveries.iter().all(|delivery| delivery["state"] == "delivered");
        customer.sweep_until(delivered).await;
    });
}

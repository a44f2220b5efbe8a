//! Handshakes: an endpoint gets webhooks once its receiver has granted them.

use e2e::{Customer, run, stack};
use serde_json::{Value, json};

trials! {
    deliveries_are_held_until_the_receiver_grants_webhooks,
}

fn deliveries_are_held_until_the_receiver_grants_webhooks() {
    run(async {
        let customer = Customer::new(stack().await, "/handshakes/granted").await;
        let path = format!("/endpoints/{}", customer.endpoint());
        customer.patch(&path, &json!({"ownership": "handshake"})).await;
        let test = customer.post(&format!("{path}/test"), &json!({"type": "approved"})).await;
        assert_eq!((&test["state"], &test["notSentBecause"]), (&json!("not-sent"), &json!("endpoint-unverified")));
        let refused = customer.post(&format!("{path}/handshake"), &json!({})).await;
        assert_eq!((&refused["state"], &refused["refusedBecause"]), (&json!("refused"), &json!("request-failed")));
        assert_eq!(refused["attempt"]["status"], 405, "{refused}");

        let event = customer.publish(&json!({"type": "approved", "data": {}})).await;
        let held = customer.wait_for_state(&event, "held").await;
        assert_eq!(held["heldBecause"], "unverified");
        assert_eq!(customer.received().len(), 0);

        customer.receiver().grant(customer.path(), 120);
        let granted = customer.post(&format!("{path}/handshake"), &json!({})).await;
        assert_eq!((&granted["state"], &granted["allowedRate"]), (&json!("granted"), &json!(120)), "{granted}");
        let shown = customer.read_endpoint().await;
        assert_eq!((&shown["state"], &shown["ownershipProof"]["allowedRate"]), (&json!("active"), &json!(120)));
        let delivered = |deliveries: &[Value]| deliveries.iter().all(|delivery| delivery["state"] == "delivered");
        customer.sweep_until(delivered).await;
        assert!(customer.received().iter().all(|one| one.verified && one.attempt == 1));
    });
}

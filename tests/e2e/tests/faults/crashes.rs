//! The API's process dies while it accepts an event.

use std::collections::BTreeSet;

use e2e::{Customer, PATIENCE, run};
use serde_json::Value;
use stack::Stack;
use stack::faults::{Held, Service};
use tokio::time::timeout;

use crate::load::Load;
use crate::{stack, turn};

#[test]
fn an_event_whose_acceptance_was_cut_off_is_accepted_as_the_same_event() {
    run(async {
        let turn = turn().await;
        let stack = stack().await;
        let unsent = cut_off(stack, "/faults/crashes/unsent", drop).await;
        let sent = cut_off(stack, "/faults/crashes/sent", Held::let_go).await;
        // From here on others may disturb the stack: for half a minute, a repeated call is told that the first still runs.
        drop(turn);

        for mut load in [unsent, sent] {
            let accepted = load.finish().await;
            assert!(!load.refusals().is_empty(), "the first call had no answer that it was accepted");
            let customer = load.customer();
            let is_delivered =
                |deliveries: &[Value]| deliveries.iter().any(|delivery| delivery["state"] == "delivered");
            let deliveries = customer.wait_for_deliveries(is_delivered).await;
            let events: Vec<_> = deliveries.iter().map(|delivery| delivery["eventId"].as_str().unwrap()).collect();
            assert_eq!(events, [accepted[&0].as_str()]);
            let received = customer.received();
            assert!(received.iter().all(|one| one.verified));
            let ids: BTreeSet<_> = received.into_iter().map(|one| one.id).collect();
            assert_eq!(ids, BTreeSet::from([accepted[&0].clone()]));
        }
    });
}

/// Publishes an event, and kills the API when the event is stored and its messages are on their way, of which `end` decides.
async fn cut_off(stack: &'static Stack, path: &str, end: impl FnOnce(Held)) -> Load {
    let customer = Customer::new(stack, path).await;
    let hold = stack.faults().hold(Service::Sqs, "SendMessageBatch");
    let load = Load::begin(customer, 1, 1);
    let call = timeout(PATIENCE, hold.arrived()).await.unwrap();
    assert!(stack.kill_function("api") > 0);
    end(call);
    load
}

//! The process of the API is killed while it accepts an event.

use std::collections::BTreeSet;

use e2e::{Customer, WAIT_TIMEOUT, run};
use serde_json::Value;
use stack::Stack;
use stack::faults::{Held, Service};
use tokio::time::timeout;

use crate::load::Load;
use crate::{stack, turn};

#[test]
fn an_event_whose_first_request_was_interrupted_keeps_its_id_when_it_is_accepted() {
    run(async {
        let turn = turn().await;
        let stack = stack().await;
        let unsent = interrupt(stack, "/faults/crashes/unsent", drop).await;
        let sent = interrupt(stack, "/faults/crashes/sent", Held::let_go).await;
        // Other tests may disturb the stack now. For half a minute a repeated request is rejected, because the first may still run.
        drop(turn);

        for mut load in [unsent, sent] {
            let accepted = load.finish().await;
            assert!(!load.rejections().is_empty(), "the first request was not accepted");
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

/// Publishes an event, and kills the API after it has stored the event and while it sends the messages. `end` decides whether the
/// messages reach the queue.
async fn interrupt(stack: &'static Stack, path: &str, end: impl FnOnce(Held)) -> Load {
    let customer = Customer::new(stack, path).await;
    let hold = stack.faults().hold(Service::Sqs, "SendMessageBatch");
    let load = Load::start(customer, 1, 1);
    let call = timeout(WAIT_TIMEOUT, hold.arrived()).await.unwrap();
    assert!(stack.kill_function("api") > 0);
    end(call);
    load
}

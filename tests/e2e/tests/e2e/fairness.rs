//! A receiver that never answers in time does not delay the webhooks of other customers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::progress::Progress;
use stack::receiver::Received;

trials! {
    healthy_projects_get_their_webhooks_while_the_receiver_of_another_is_stuck,
}

/// Number of events of the stuck project.
const STUCK_EVENTS: usize = 30;

/// Number of other projects.
const HEALTHY_PROJECTS: usize = 20;

/// Number of events of each other project.
const HEALTHY_EVENTS: usize = 3;

/// Response time of the stuck receiver: longer than the timeout of an attempt.
const STUCK_RESPONSE_TIME: Duration = Duration::from_secs(17);

fn healthy_projects_get_their_webhooks_while_the_receiver_of_another_is_stuck() {
    run(async {
        let stack = stack().await;
        let blocked = Customer::new(stack, "/fairness/stuck").await;
        stack.receiver.delay(blocked.path(), STUCK_RESPONSE_TIME);
        let mut healthy = Vec::new();
        for n in 0..HEALTHY_PROJECTS {
            healthy.push(Customer::new(stack, format!("/fairness/healthy/{n}")).await);
        }

        let mut published = BTreeMap::new();
        for n in 0..HEALTHY_PROJECTS * HEALTHY_EVENTS {
            // The first events of the stuck project are published before and between those of the others.
            if n < STUCK_EVENTS {
                blocked.publish(&json!({"type": "updated", "data": {"n": n}})).await;
            }
            let customer = &healthy[n % HEALTHY_PROJECTS];
            let start = Instant::now();
            published.insert(customer.publish(&json!({"type": "approved", "data": {"n": n}})).await, start);
        }

        let are_delivered = |deliveries: &[Value]| {
            deliveries.len() == HEALTHY_EVENTS && deliveries.iter().all(|delivery| delivery["state"] == "delivered")
        };
        for customer in &healthy {
            customer.wait_for_deliveries(are_delivered).await;
        }
        let stuck_deliveries = blocked.deliveries().await.unwrap();
        // Other tests use the stack: cancel the remaining deliveries of the stuck project and let running attempts end soon.
        blocked.delete_endpoint().await;
        stack.receiver.delay(blocked.path(), Duration::ZERO);

        let delivered = stuck_deliveries.iter().filter(|delivery| delivery["state"] == "delivered").count();
        assert_eq!((stuck_deliveries.len(), delivered), (STUCK_EVENTS, 0));
        let received: Vec<Received> = healthy.iter().flat_map(Customer::received).collect();
        assert!(received.iter().all(|one| one.verified));
        let slowest = received.iter().map(|one| one.at.saturating_duration_since(published[&one.id])).max().unwrap();
        Progress::shown().tell(format_args!(
            "fairness: {} webhooks to {HEALTHY_PROJECTS} projects while another was stuck with {STUCK_EVENTS}; the slowest arrived after {:.1} s",
            published.len(),
            slowest.as_secs_f64()
        ));
    });
}

//! One customer's receiver that never answers in time, and many that do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::progress::Progress;
use stack::receiver::Received;

/// How many events the stuck project gets.
const STUCK_EVENTS: usize = 30;

/// How many other projects there are, and how many events each gets.
const HEALTHY_PROJECTS: usize = 20;
const HEALTHY_EVENTS: usize = 3;

/// Longer than an attempt may take.
const STUCK_FOR: Duration = Duration::from_secs(17);

#[test]
fn healthy_projects_are_served_while_another_is_stuck() {
    run(async {
        let stack = stack().await;
        let blocked = Customer::new(stack, "/fairness/stuck").await;
        stack.receiver.delay(blocked.path(), STUCK_FOR);
        let mut healthy = Vec::new();
        for n in 0..HEALTHY_PROJECTS {
            healthy.push(Customer::new(stack, format!("/fairness/healthy/{n}")).await);
        }

        let mut published = BTreeMap::new();
        for n in 0..HEALTHY_PROJECTS * HEALTHY_EVENTS {
            // The stuck project's events come first, and then between those of the others.
            if n < STUCK_EVENTS {
                blocked.publish(&json!({"type": "updated", "data": {"n": n}})).await;
            }
            let customer = &healthy[n % HEALTHY_PROJECTS];
            let begun = Instant::now();
            published.insert(customer.publish(&json!({"type": "approved", "data": {"n": n}})).await, begun);
        }

        let are_delivered = |deliveries: &[Value]| {
            deliveries.len() == HEALTHY_EVENTS && deliveries.iter().all(|delivery| delivery["state"] == "delivered")
        };
        for customer in &healthy {
            customer.wait_for_deliveries(are_delivered).await;
        }
        let stuck_deliveries = blocked.deliveries().await.unwrap();
        // The others need the stack: what is left of the stuck project's is cancelled, and what a sender has begun ends soon.
        blocked.delete_endpoint().await;
        stack.receiver.delay(blocked.path(), Duration::ZERO);

        let delivered = stuck_deliveries.iter().filter(|delivery| delivery["state"] == "delivered").count();
        assert_eq!((stuck_deliveries.len(), delivered), (STUCK_EVENTS, 0));
        let received: Vec<Received> = healthy.iter().flat_map(Customer::received).collect();
        assert!(received.iter().all(|one| one.verified));
        let slowest = received.iter().map(|one| one.at.saturating_duration_since(published[&one.id])).max().unwrap();
        Progress::shown().tell(format_args!(
            "fairness: {} webhooks to {HEALTHY_PROJECTS} projects beside a stuck one with {STUCK_EVENTS}, the slowest after {:.1} s",
            published.len(),
            slowest.as_secs_f64()
        ));
    });
}

//! A receiver that hangs takes only the senders of the slow lane.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Customer, WAIT_TIMEOUT, run};
use serde_json::json;
use stack::progress::Progress;
use stack::receiver::Received;

use crate::load::Load;
use crate::{stack, turn};

/// Number of events for the receiver that responds, and of concurrent callers that publish them.
const EVENTS: usize = 1200;
const CALLERS: usize = 4;

/// An event for the receiver that hangs is published after so many events for the other one: about 1 % of all events. The stack has
/// five senders for each lane, so in one lane, a webhook that hangs every second would keep all of them busy.
const HANGS_AFTER: usize = 50;

/// Response time of the receiver that hangs: longer than the timeout of an attempt.
const HANGING: Duration = Duration::from_secs(17);

/// Maximum time from the acceptance of an event until its webhook arrives. Without the slow lane, a webhook waits until an attempt
/// that hangs ends after 15 s.
const PROMPT: Duration = Duration::from_secs(5);

#[test]
fn a_receiver_that_hangs_does_not_slow_down_the_others() {
    run(async {
        let _turn = turn().await;
        let stack = stack().await;
        let hanging = Customer::new(stack, "/faults/lanes/hanging").await;
        stack.receiver.delay(hanging.path(), HANGING);
        let mut load = Load::start(Customer::new(stack, "/faults/lanes/healthy").await, EVENTS, CALLERS);
        for published in (HANGS_AFTER..EVENTS).step_by(HANGS_AFTER) {
            load.reach(published).await;
            hanging.publish(&json!({"type": "updated", "data": {"published": published}})).await;
        }
        load.finish().await;
        let ended_at = Instant::now();

        let customer = load.customer();
        let all = |received: &[Received]| received.len() >= EVENTS;
        let received = customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, all).await.unwrap();
        let hung = hanging.received();
        // The running attempts end soon, and no others follow.
        hanging.delete_endpoint().await;
        stack.receiver.delay(hanging.path(), Duration::ZERO);

        let accepted_at = load.accepted_at();
        let mut waits: Vec<Duration> =
            received.iter().map(|one| one.at.saturating_duration_since(accepted_at[&one.id])).collect();
        waits.sort_unstable();
        let (median, prompt) = (waits[EVENTS / 2], waits.iter().filter(|wait| **wait <= PROMPT).count());
        let in_time = received.iter().filter(|one| one.at <= ended_at).count();
        let published_for = ended_at - accepted_at.values().min().copied().unwrap();
        Progress::shown().tell(format_args!(
            "lanes: {EVENTS} events in {} s, {in_time} webhooks in the same time; median wait {} ms, {prompt} within {} s, longest {:.1} s; \
             {} webhooks to the receiver that hangs",
            published_for.as_secs(),
            median.as_millis(),
            PROMPT.as_secs(),
            waits[EVENTS - 1].as_secs_f64(),
            hung.len(),
        ));
        assert!(in_time >= EVENTS * 8 / 10, "the senders keep at least 80 % of their rate: {in_time} of {EVENTS}");
        assert!(prompt >= EVENTS * 95 / 100, "{prompt} of {EVENTS} webhooks arrived within {PROMPT:?}");
        assert!(hung.len() > 1, "the slow lane sends");
        let mut posts: BTreeMap<(&str, u32), usize> = BTreeMap::new();
        for one in received.iter().chain(&hung) {
            *posts.entry((&one.id, one.attempt)).or_default() += 1;
        }
        posts.retain(|_, count| *count > 1);
        assert!(posts.is_empty(), "no attempt is posted twice: {posts:?}");
    });
}

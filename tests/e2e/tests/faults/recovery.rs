//! Senders that are killed under load.

use std::time::{Duration, Instant};

use e2e::{Customer, WAIT_TIMEOUT, run};
use serde_json::Value;
use stack::progress::Progress;

use crate::load::Load;
use crate::{stack, turn};

const EVENTS: usize = 800;
const CALLERS: usize = 4;

/// Number of events that are accepted before the kill.
const BEFORE: usize = 150;

/// Time after which new senders have the full rate again.
const RECOVERY: Duration = Duration::from_secs(5);

/// Maximum time from the acceptance of an event until its webhook arrives while senders work.
const PROMPT: Duration = Duration::from_secs(3);

/// Response time of the receiver, so that the killed senders have unfinished attempts.
const RESPONSE_TIME: Duration = Duration::from_millis(200);

#[test]
fn killed_senders_are_replaced_within_seconds_and_their_messages_return_after_the_visibility_timeout() {
    run(async {
        let _turn = turn().await;
        let stack = stack().await;
        let mut load = Load::start(Customer::new(stack, "/faults/recovery").await, EVENTS, CALLERS);
        let path = load.customer().path();
        stack.receiver.delay(path, RESPONSE_TIME);
        load.reach(BEFORE).await;
        let before = stack.receiver.count(path);
        stack.receiver.wait_for(path, WAIT_TIMEOUT, |received| received.len() > before).await.unwrap();
        let killed = stack.kill_function("webhook-sender");
        let killed_at = Instant::now();
        assert!(killed > 0);
        load.finish().await;

        let customer = load.customer();
        let accepted_at = load.accepted_at();
        // Also the attempts that were interrupted are recorded, after the visibility timeout.
        let are_delivered = |deliveries: &[Value]| {
            deliveries.len() >= EVENTS && deliveries.iter().all(|delivery| delivery["state"] == "delivered")
        };
        customer.wait_for_deliveries(are_delivered).await;
        let recorded_after = killed_at.elapsed();
        let received = customer.received();
        let wait = |id: &str| {
            let arrived_at = received.iter().filter(|one| one.id == id).map(|one| one.at).min().unwrap();
            arrived_at.saturating_duration_since(accepted_at[id])
        };
        let slowest = |from: Instant, until: Option<Instant>| {
            let accepted = accepted_at.iter().filter(|(_, at)| **at >= from && until.is_none_or(|until| **at < until));
            accepted.map(|(id, _)| wait(id)).max().unwrap_or_default()
        };
        let recovered_at = killed_at + RECOVERY;
        let after_recovery = accepted_at.values().filter(|at| **at >= recovered_at).count();
        let (until_recovery, afterwards) = (slowest(killed_at, Some(recovered_at)), slowest(recovered_at, None));
        let late = accepted_at.keys().filter(|id| wait(id) > PROMPT).count();
        Progress::shown().tell(format_args!(
            "recovery: {killed} senders killed; slowest webhook of the next {} s: {:.1} s, of {after_recovery} later ones: {:.1} s; \
             {late} later than {} s; all recorded {} s after the kill; {} duplicates",
            RECOVERY.as_secs(),
            until_recovery.as_secs_f64(),
            afterwards.as_secs_f64(),
            PROMPT.as_secs(),
            recorded_after.as_secs(),
            received.len() - EVENTS,
        ));
        assert!(after_recovery > EVENTS / 4, "events are published after the recovery");
        assert!(afterwards <= PROMPT, "the slowest webhook after the recovery took {afterwards:?}");
    });
}

//! An endpoint's health as one sender knows it: what was stored when the sender last read it, and the attempts that it has
//! made since.
//!
//! Every decision (opening and closing the breaker, disabling, notices, the lane) is written at once. Everything else,
//! such as a failure that is followed by a success, is written together at most every 10 s. Each sender therefore writes an
//! endpoint's health a few times a minute, however many attempts are made or fail. The attempts that a write carries are
//! applied to the health that is stored by then, so that senders do not overwrite each other's attempts.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::policy::{MAX_UNWRITTEN, RETRY_INTERVAL, WRITE_INTERVAL};
use super::{Health, HealthPolicy, Pause, Recent};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;

/// A later end of a pause is worth a write of its own from this difference on.
const MIN_PAUSE_CHANGE: Duration = Duration::from_secs(1);

/// The health of one endpoint in the memory of one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHealth {
    stored: Health,
    current: Health,
    unwritten: Unwritten,
    /// When this sender last wrote the health.
    written_at: Option<Timestamp>,
    /// When a write of this sender last failed.
    failed_at: Option<Timestamp>,
}

/// A write that a sender should make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueWrite {
    /// An attempt led to a decision that other senders should know at once.
    Decision,
    /// The sender has changes and has not written for a while.
    Change,
}

/// What a sender observed and has not stored yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unwritten {
    /// Count of successes that changed nothing, and the last of them.
    quiet: Option<(Recent, Attempt)>,
    /// Everything else, in the order in which it was noted.
    others: VecDeque<Observation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Observation {
    /// An attempt, and the delay that the receiver asked for.
    Attempt(Attempt, Option<Duration>),
    /// A request that had been running for long at this time.
    SlowRequest(Timestamp),
}

impl LocalHealth {
    /// The health as it was just read.
    pub fn new(stored: Health) -> Self {
        Self { current: stored.clone(), stored, unwritten: Unwritten::default(), written_at: None, failed_at: None }
    }

    /// The stored health with all attempts of this sender applied.
    pub fn health(&self) -> &Health {
        &self.current
    }

    /// Applies an attempt of this sender.
    pub fn note(&mut self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) {
        let next = self.current.clone().after(attempt, retry_after, policy);
        let is_quiet = attempt.succeeded() && is_same_but_counts(&self.current, &next);
        let attempt = Attempt { response: None, ..attempt.clone() };
        if is_quiet {
            self.unwritten.add_quiet(1, attempt);
        } else {
            self.unwritten.add(Observation::Attempt(attempt, retry_after));
        }
        self.current = next;
    }

    /// Applies a request of this sender that has been running for long.
    pub fn note_slow_request(&mut self, now: Timestamp) {
        self.current = self.current.clone().with_slow_request(now);
        self.unwritten.add(Observation::SlowRequest(now));
    }

    /// Replaces the stored health by what was just read. Attempts that are not written yet still apply.
    pub fn set_stored(&mut self, stored: Health, now: Timestamp, policy: &HealthPolicy) {
        self.unwritten.forget_old_successes(now);
        self.current = self.unwritten.applied_to(stored.clone(), policy);
        self.stored = stored;
    }

    /// Whether there is something to write. A healthy endpoint has nothing.
    pub fn is_changed(&self) -> bool {
        !self.unwritten.others.is_empty() || !is_same_but_counts(&self.stored, &self.current)
    }

    /// Whether an attempt of this sender led to a decision that other senders should know at once. After a failed write,
    /// the store gets a moment to recover.
    pub fn has_decision(&self, now: Timestamp) -> bool {
        let is_failing = self.failed_at.is_some_and(|failed_at| now.since(failed_at) < RETRY_INTERVAL);
        !is_failing && is_decision(&self.stored, &self.current)
    }

    /// What to write at `now`: everything if this sender has not written for a while, else only a decision.
    pub fn due_write(&self, now: Timestamp) -> Option<DueWrite> {
        let is_rested = self.written_at.is_none_or(|written_at| now.since(written_at) >= WRITE_INTERVAL);
        if is_rested && self.is_changed() {
            return Some(DueWrite::Change);
        }
        is_decision(&self.stored, &self.current).then_some(DueWrite::Decision)
    }

    /// Takes the attempts to write. They continue to count in [`Self::health`]. The caller then calls
    /// [`Self::finish_write`], [`Self::fail_write`] or, if there was nothing to write, [`Self::put_back`].
    pub fn start_write(&mut self) -> Unwritten {
        mem::take(&mut self.unwritten)
    }

    /// Notes that `stored` was written.
    pub fn finish_write(&mut self, stored: Health, now: Timestamp, policy: &HealthPolicy) {
        self.written_at = Some(now);
        self.set_stored(stored, now, policy);
    }

    /// Returns attempts of a write that failed.
    pub fn fail_write(&mut self, unwritten: Unwritten, now: Timestamp, policy: &HealthPolicy) {
        self.put_back(unwritten, policy);
        self.failed_at = Some(now);
    }

    /// Returns attempts that were not written.
    pub fn put_back(&mut self, mut unwritten: Unwritten, policy: &HealthPolicy) {
        self.unwritten.others.drain(..).for_each(|observation| unwritten.add(observation));
        if let Some((count, last)) = self.unwritten.quiet.take() {
            unwritten.add_quiet(count.attempts, last);
        }
        self.current = unwritten.applied_to(self.stored.clone(), policy);
        self.unwritten = unwritten;
    }
}

impl DueWrite {
    /// Whether `next` is worth writing over what is stored by then: another sender may have made the same decision.
    pub fn is_worth(self, stored: &Health, next: &Health) -> bool {
        match self {
            Self::Decision => is_decision(stored, next),
            Self::Change => stored != next,
        }
    }
}

impl Unwritten {
    /// The stored health with these attempts applied.
    pub fn applied_to(&self, stored: Health, policy: &HealthPolicy) -> Health {
        let start = match &self.quiet {
            Some((count, last)) => stored.with_successes(count.attempts, last, policy),
            None => stored,
        };
        self.others.iter().fold(start, |health, observation| match observation {
            Observation::Attempt(attempt, retry_after) => health.after(attempt, *retry_after, policy),
            Observation::SlowRequest(at) => health.with_slow_request(*at),
        })
    }

    fn add(&mut self, observation: Observation) {
        self.others.push_back(observation);
        if self.others.len() > MAX_UNWRITTEN {
            self.others.pop_front();
        }
    }

    fn add_quiet(&mut self, count: u32, last: Attempt) {
        let now = last.ended_at();
        let before = self.quiet.take().map_or(Recent::none(now), |(before, _)| before);
        self.quiet = Some((before.plus(count, 0, now), last));
    }

    /// Successes that changed nothing count half after a while, and are forgotten when nothing is left of them.
    fn forget_old_successes(&mut self, now: Timestamp) {
        self.quiet = self.quiet.take().map(|(count, last)| (count.decayed(now), last));
        self.quiet.take_if(|(count, _)| count.attempts == 0);
    }
}

impl Health {
    /// Applies `count` successes. `last` is the most recent of them.
    fn with_successes(self, count: u32, last: &Attempt, policy: &HealthPolicy) -> Self {
        let health = self.after(last, None, policy);
        let recent = health.recent.map(|recent| recent.plus(count.saturating_sub(1), 0, last.ended_at()));
        Self { recent, ..health }
    }
}

/// Whether two states of an endpoint's health differ only in what every success changes.
fn is_same_but_counts(before: &Health, after: &Health) -> bool {
    let before = Health { recent: after.recent, last_success_at: after.last_success_at, ..before.clone() };
    before == *after
}

/// Whether a change is a decision that other senders should know at once.
fn is_decision(before: &Health, after: &Health) -> bool {
    let is_slow = |health: &Health| health.slowness.is_some_and(|slowness| slowness.is_slow);
    before.disabled != after.disabled
        || before.notices != after.notices
        || is_slow(before) != is_slow(after)
        || is_other_pause(before.pause, after.pause)
}

fn is_other_pause(before: Option<Pause>, after: Option<Pause>) -> bool {
    match (before, after) {
        (None, None) => false,
        (Some(before), Some(after)) => {
            let is_longer = after.until.since(before.until) >= MIN_PAUSE_CHANGE;
            before.in_a_row != after.in_a_row || before.reason != after.reason || is_longer
        }
        (None, Some(_)) | (Some(_), None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ACTIVE, after_seconds, attempt, health, now, policy};
    use super::super::{Gate, HoldReason};
    use super::*;

    impl LocalHealth {
        fn answered(&mut self, seconds: u64, status: u16) {
            self.note(&attempt(after_seconds(seconds), Some(status)), None, &policy());
        }

        /// Writes over what is stored by then, as the sender does, and returns the written health.
        fn write_over(&mut self, stored: Health, seconds: u64) -> Health {
            let written = self.start_write().applied_to(stored, &policy());
            self.finish_write(written.clone(), after_seconds(seconds), &policy());
            written
        }
    }

    #[test]
    fn a_healthy_endpoint_has_nothing_to_write() {
        let mut local = LocalHealth::new(health());
        (0..1000).for_each(|second| local.answered(second, 200));
        assert_eq!((local.is_changed(), local.due_write(after_seconds(1000))), (false, None));
    }

    #[test]
    fn changes_are_written_together_at_most_every_ten_seconds_and_decisions_at_once() {
        let stored = health();
        let mut local = LocalHealth::new(stored.clone());
        local.answered(0, 500);
        assert_eq!(local.due_write(now()), Some(DueWrite::Change));
        let stored = local.write_over(stored, 0);
        local.answered(1, 500);
        assert_eq!((local.due_write(after_seconds(9)), local.is_changed()), (None, true));
        assert_eq!(local.due_write(after_seconds(10)), Some(DueWrite::Change));
        local.answered(2, 410);
        assert_eq!(local.due_write(after_seconds(2)), Some(DueWrite::Decision));
        let stored = local.write_over(stored, 2);
        assert!(stored.failures == 3 && stored.disabled.is_some());
        assert_eq!((local.due_write(after_seconds(60)), local.is_changed()), (None, false));
    }

    #[test]
    fn a_decision_that_another_sender_made_first_is_not_written_again() {
        let mut first = LocalHealth::new(health());
        let mut second = first.clone();
        let stored = first.write_over(health(), 0);
        for local in [&mut first, &mut second] {
            local.answered(1, 503);
            local.start_write();
        }
        let paused = first.health().clone();
        assert!(DueWrite::Decision.is_worth(&stored, &paused));
        assert!(
            !DueWrite::Decision.is_worth(&paused, &paused.clone().after(&attempt(now(), Some(503)), None, &policy()))
        );
    }

    #[test]
    fn attempts_of_several_senders_add_up() {
        let mut first = LocalHealth::new(health());
        let mut second = first.clone();
        first.answered(0, 500);
        first.answered(1, 500);
        second.answered(32, 500);
        let stored = first.write_over(health(), 1);
        let stored = second.write_over(stored, 32);
        assert_eq!((stored.failures, stored.failing_since), (3, Some(now())));
        assert_eq!(stored.gate(ACTIVE, after_seconds(32)), Gate::Hold(HoldReason::Failing));
    }

    #[test]
    fn attempts_that_could_not_be_written_are_written_later() {
        let mut local = LocalHealth::new(health());
        local.answered(0, 500);
        let unwritten = local.start_write();
        local.answered(1, 410);
        local.fail_write(unwritten, after_seconds(1), &policy());
        assert_eq!(local.health().failures, 2);
        assert!(!local.has_decision(after_seconds(1)) && local.has_decision(after_seconds(2)));
        assert_eq!(local.due_write(after_seconds(1)), Some(DueWrite::Change), "the end of the batch tries again");
        assert_eq!(local.write_over(health(), 2).failures, 2);
    }

    #[test]
    fn a_reread_keeps_attempts_that_are_not_written_yet() {
        let mut local = LocalHealth::new(health());
        local.write_over(health(), 0);
        local.answered(1, 500);
        local.set_stored(health(), after_seconds(5), &policy());
        assert_eq!((local.health().failures, local.is_changed()), (1, true));
    }

    #[test]
    fn one_rejection_among_successes_that_were_not_written_does_not_open_the_breaker() {
        let mut local = LocalHealth::new(health());
        (0..100).for_each(|second| local.answered(second, 200));
        local.set_stored(health(), after_seconds(100), &policy());
        local.answered(101, 503);
        assert_eq!(local.health().gate(ACTIVE, after_seconds(101)), Gate::Send);
        let stored = local.write_over(health(), 101);
        assert_eq!(stored.gate(ACTIVE, after_seconds(101)), Gate::Send);
        assert!(stored.recent.unwrap().attempts > 30, "the successes are written with the failure");
        local.set_stored(stored, after_seconds(1000), &policy());
        local.answered(1000, 503);
        assert_eq!(local.health().gate(ACTIVE, after_seconds(1000)), Gate::Hold(HoldReason::Busy), "they are long ago");
    }

    #[test]
    fn a_sender_whose_writes_fail_keeps_a_bounded_number_of_attempts() {
        let mut local = LocalHealth::new(health());
        for second in 0..1000 {
            local.answered(second / 100, if second % 2 == 0 { 500 } else { 200 });
            let unwritten = local.start_write();
            local.put_back(unwritten, &policy());
        }
        assert_eq!(local.unwritten.others.len(), MAX_UNWRITTEN);
    }
}

//! Long failure: when the notification users are warned, and when the endpoint is disabled.
//!
//! An endpoint is disabled if it fails for five days without a sign of life. The failures must be spread over these days:
//! after a third of the time (40 h) without a failed attempt, the next failure starts the count again. An endpoint is therefore
//! disabled only if it failed on at least three of the five days, and never because of one failure long after an outage.
//! Retries are at most 29 h apart, so a receiver that keeps failing has no such gap while deliveries wait for it.

use super::{DisableReason, Disabled, Health, HealthPolicy, LastFailure, Notice, NoticeKind};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;

impl Health {
    /// Counts a failed attempt. After a long time without any failed attempt, the count starts again.
    pub(super) fn counting_failure(self, attempt: &Attempt, policy: &HealthPolicy) -> Self {
        let last_failed_at = self.last_failed_at.or(self.failing_since);
        let is_stale = last_failed_at.is_some_and(|last| attempt.at.since(last) > policy.max_gap());
        let before = if is_stale { self.without_failures() } else { self };
        let failing_since = before.failing_since.unwrap_or(attempt.at);
        Self {
            failures: before.failures.saturating_add(1),
            failing_since: Some(failing_since),
            last_failed_at: last_failed_at.max(Some(attempt.ended_at())),
            last_failure: LastFailure::of(attempt),
            ..before
        }
        .with_disabling_time(policy)
    }

    pub(super) fn without_failures(mut self) -> Self {
        // A warning that was not sent yet is no longer true.
        self.notices.retain(|notice| notice.kind != NoticeKind::Failing);
        Self {
            failures: 0,
            failing_since: None,
            last_failed_at: None,
            alive_at: None,
            last_failure: None,
            disables_at: None,
            is_warned: false,
            ..self
        }
    }

    /// Applies a test or replay that succeeded. It shows that the receiver is alive, so the time until the endpoint is
    /// disabled starts again. It never opens or closes the breaker.
    #[must_use]
    pub fn with_sign_of_life(mut self, attempt: &Attempt, policy: &HealthPolicy) -> Self {
        let is_later = self.failing_since.is_some_and(|since| since < attempt.at);
        if !attempt.succeeded() || !is_later || self.disabled.is_some() {
            return self;
        }
        self.notices.retain(|notice| notice.kind != NoticeKind::Failing);
        Self { alive_at: self.alive_at.max(Some(attempt.at)), is_warned: false, ..self }.with_disabling_time(policy)
    }

    /// Since when the receiver fails without a sign of life.
    fn dead_since(&self) -> Option<Timestamp> {
        self.failing_since.max(self.alive_at)
    }

    /// Sets when the endpoint will be disabled. Attempts that were being made when the endpoint was disabled must not
    /// announce that it will be disabled.
    fn with_disabling_time(self, policy: &HealthPolicy) -> Self {
        let dead_since = self.dead_since().filter(|_| self.disabled.is_none());
        Self { disables_at: dead_since.map(|since| since.plus(policy.disable_after)), ..self }
    }

    /// Warns the notification users if the receiver has failed for long, and disables the endpoint if it failed for too
    /// long.
    pub(super) fn warned_or_disabled(mut self, now: Timestamp, policy: &HealthPolicy) -> Self {
        let (Some(dead_since), None) = (self.dead_since(), self.disabled) else { return self };
        let dead_for = now.since(dead_since);
        if dead_for >= policy.disable_after {
            return self.disabled(DisableReason::Failing, now);
        }
        if dead_for >= policy.warn_after && !self.is_warned {
            self.notices.push(self.notice(NoticeKind::Failing, now));
            self.is_warned = true;
        }
        self
    }

    pub(super) fn disabled_as_gone(self, now: Timestamp) -> Self {
        self.disabled(DisableReason::Gone, now)
    }

    fn disabled(mut self, reason: DisableReason, now: Timestamp) -> Self {
        if self.disabled.is_some() {
            return self;
        }
        let kind = match reason {
            DisableReason::Gone => NoticeKind::DisabledGone,
            DisableReason::Failing => NoticeKind::DisabledFailing,
        };
        self.disables_at = None;
        self.notices.push(self.notice(kind, now));
        self.disabled = Some(Disabled { at: now, reason });
        self
    }

    fn notice(&self, kind: NoticeKind, now: Timestamp) -> Notice {
        Notice {
            kind,
            at: now,
            failing_since: self.failing_since.unwrap_or(now),
            failures: self.failures,
            last_failure: self.last_failure,
            disables_at: self.disables_at,
        }
    }

    /// Removes notices that were queued for mailing.
    #[must_use]
    pub fn with_notices_sent(mut self, sent: &[Notice]) -> Self {
        self.notices.retain(|notice| !sent.contains(notice));
        self
    }

    /// Whether `notice` is still true. A warning no longer applies after the receiver recovered or showed a sign of life,
    /// or after the endpoint was disabled; a disabling no longer applies after the endpoint was enabled.
    pub fn still_applies(&self, notice: &Notice) -> bool {
        match notice.kind {
            NoticeKind::Failing => {
                let is_same_outage = self.failing_since == Some(notice.failing_since);
                self.disabled.is_none() && is_same_outage && self.alive_at.is_none_or(|alive_at| alive_at < notice.at)
            }
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => {
                self.disabled.is_some_and(|disabled| disabled.at == notice.at)
            }
        }
    }
}

#[cfg(test)]
mod tests;

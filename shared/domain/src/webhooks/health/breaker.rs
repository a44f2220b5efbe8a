//! The stored health of an endpoint and how each attempt changes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{BUSY_FAILURES, FIRST_PACE, MIN_PACE};
use super::{Disabled, Gate, HealthPolicy, HoldReason, LastFailure, Notice, Pause, Recent, Slowness};
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason};
use crate::webhooks::endpoint::SendingState;

/// After this time without a result, a probe is considered lost and another may start. Longer than any attempt.
const PROBE_TIMEOUT: Duration = Duration::from_mins(1);

/// Health of an endpoint, as the responses of its receiver show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The project that owns the endpoint.
    pub project_id: ProjectId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Number of failed attempts since the last success.
    pub failures: u32,
    /// When the first of these attempts started. A long time without any attempt ends the count as a success does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When the last of these attempts ended. Rows of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Timestamp>,
    /// When a test or replay last succeeded since `failing_since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive_at: Option<Timestamp>,
    /// Why the most recent attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::webhooks::stored_reason::option")]
    pub last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if the receiver keeps failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
    /// Present while the breaker is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When the probe started that closed the breaker last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Present while the endpoint is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// Maximum number of held deliveries released in the next minute.
    pub pace: u32,
    /// When a delivery was last put on hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_held_at: Option<Timestamp>,
    /// Notices not yet queued for mailing to the notification users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Whether the notification users were warned since the receiver fails.
    pub is_warned: bool,
    /// Present if recent attempts took long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowness: Option<Slowness>,
    /// How many of the recent attempts failed. Absent if none was counted since the breaker opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<Recent>,
    /// When an attempt last succeeded, as far as it was written together with something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
}

impl Health {
    /// Health of an endpoint without a stored row: healthy.
    pub fn unknown(project_id: ProjectId, endpoint_id: EndpointId) -> Self {
        Self {
            project_id,
            endpoint_id,
            failures: 0,
            failing_since: None,
            last_failed_at: None,
            alive_at: None,
            last_failure: None,
            disables_at: None,
            pause: None,
            closed_at: None,
            disabled: None,
            pace: FIRST_PACE,
            last_held_at: None,
            notices: Vec::new(),
            is_warned: false,
            slowness: None,
            recent: None,
            last_success_at: None,
        }
    }

    /// What the sender may do with a delivery at `now`. `sending_state` is what the settings permit.
    pub fn gate(&self, sending_state: SendingState, now: Timestamp) -> Gate {
        match (sending_state, self.disabled, self.pause) {
            (SendingState::Paused, _, _) => Gate::Hold(HoldReason::Paused),
            (SendingState::Unverified, _, _) => Gate::Hold(HoldReason::Unverified),
            (SendingState::Active, Some(_), _) => Gate::Hold(HoldReason::Disabled),
            (SendingState::Active, None, None) => Gate::Send,
            (SendingState::Active, None, Some(pause)) => pause.gate(now),
        }
    }

    /// Marks a probe as running from `now` on.
    #[must_use]
    pub fn probing(self, now: Timestamp) -> Self {
        let pause = self.pause.map(|pause| Pause { probe_until: Some(now.plus(PROBE_TIMEOUT)), ..pause });
        Self { pause, ..self }
    }

    /// Applies an attempt. `retry_after` is the delay that the receiver asked for in its response, if any.
    ///
    /// Senders apply their attempts when they write the health, so an attempt may come after others that started later.
    /// Attempts that started before the breaker closed no longer count then.
    #[must_use]
    pub fn after(self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        if self.closed_at.is_some_and(|closed_at| attempt.at < closed_at) {
            return Self { slowness: Slowness::after(self.slowness, attempt), ..self };
        }
        let now = attempt.ended_at();
        let recent = self.recent.unwrap_or(Recent::none(now)).plus(1, u32::from(!attempt.succeeded()), now);
        let slowness = Slowness::after(self.slowness, attempt);
        let counted = Self { recent: Some(recent), slowness, ..self };
        if attempt.succeeded() { counted.succeeded(attempt) } else { counted.failed(attempt, retry_after, policy) }
    }

    /// The success of a probe closes the breaker. An attempt that started before the end of the pause says nothing about
    /// the receiver since the pause began, and one that ended before the first failure says nothing about the failures.
    fn succeeded(self, attempt: &Attempt) -> Self {
        let is_recovered = self.failing_since.is_none_or(|since| since <= attempt.ended_at());
        let health = if is_recovered { self.without_failures() } else { self };
        let health = Self { last_success_at: health.last_success_at.max(Some(attempt.ended_at())), ..health };
        match health.pause {
            Some(pause) if pause.is_probe(attempt) => {
                let recent = Recent::none(attempt.ended_at()).plus(1, 0, attempt.ended_at());
                Self { pause: None, closed_at: Some(attempt.at), recent: Some(recent), ..health }
            }
            Some(_) | None => health,
        }
    }

    fn failed(self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        let now = attempt.ended_at();
        // A failure before the last success is not one of the failures in a row.
        let is_outdated = self.last_success_at.is_some_and(|last_success_at| now < last_success_at);
        let failed = if is_outdated { self } else { self.counting_failure(attempt, policy) };
        // With another reason, the status is that of the token server.
        match attempt.status.filter(|_| attempt.reason == Some(FailureReason::Status)) {
            Some(410) => failed.disabled_as_gone(now),
            Some(429 | 503) => failed.paused_as_busy(attempt, retry_after, policy).warned_or_disabled(now, policy),
            _ => failed.paused_if_tripped(attempt, policy).warned_or_disabled(now, policy),
        }
    }

    /// Opens the breaker after a 429 or 503 if the receiver has not accepted anything lately, or if the attempt was the
    /// probe. A few such responses among successes do not: pausing for each of them would hold more deliveries than can
    /// be released until the next. A pause that the receiver asked for with `Retry-After` is always kept.
    fn paused_as_busy(self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        let now = attempt.ended_at();
        let asked = retry_after.unwrap_or_default();
        let in_a_row = self.next_in_a_row(attempt);
        match self.pause {
            None if self.is_busy() => {
                let pause = asked.max(policy.pause_after_busy(1));
                self.slowed().paused(now.plus(pause), HoldReason::Busy, 1)
            }
            Some(pause) if pause.is_probe(attempt) => {
                let pause = asked.max(policy.pause_after_busy(in_a_row));
                self.paused(now.plus(pause), HoldReason::Busy, in_a_row)
            }
            None | Some(_) if asked.is_zero() => self,
            None | Some(_) => self.paused(now.plus(asked), HoldReason::Busy, in_a_row),
        }
    }

    /// Whether the receiver seems to reject everything: it has accepted nothing within the last minute, as far as is
    /// known, or too many attempts have failed since.
    fn is_busy(&self) -> bool {
        self.recent.is_none_or(|recent| recent.successes() == 0) || self.failures >= BUSY_FAILURES
    }

    /// Opens the breaker after a failed attempt if there were too many in a row, or if the attempt was the probe.
    fn paused_if_tripped(self, attempt: &Attempt, policy: &HealthPolicy) -> Self {
        let now = attempt.ended_at();
        let in_a_row = self.next_in_a_row(attempt);
        let until = now.plus(policy.pause_after_failure(in_a_row));
        match self.pause {
            None if policy.trips(self.failures, self.failing_since, now) => {
                self.slowed().paused(until, HoldReason::Failing, 1)
            }
            Some(pause) if pause.is_probe(attempt) => self.paused(until, HoldReason::Failing, in_a_row),
            None | Some(_) => self,
        }
    }

    /// Number in a row of a pause that starts after `attempt`. Attempts that were being made when the current pause began
    /// may extend it, but do not count as another pause.
    fn next_in_a_row(&self, attempt: &Attempt) -> u32 {
        match self.pause {
            None => 1,
            Some(pause) if pause.is_probe(attempt) => pause.in_a_row.saturating_add(1),
            Some(pause) => pause.in_a_row,
        }
    }

    fn paused(self, until: Timestamp, reason: HoldReason, in_a_row: u32) -> Self {
        let until = self.pause.map_or(until, |pause| pause.until.max(until));
        Self { pause: Some(Pause { until, reason, in_a_row, probe_until: None }), ..self }
    }

    /// Halves the pace of the next drain. The attempts that made the breaker open do not count after the pause.
    fn slowed(self) -> Self {
        Self { pace: (self.pace / 2).max(MIN_PACE), recent: None, ..self }
    }

    /// Why deliveries to the endpoint are held, and since when if that is known; `None` if they are sent at once.
    /// Includes the customer's own pause.
    pub fn trouble(&self, sending_state: SendingState) -> Option<(HoldReason, Option<Timestamp>)> {
        match (sending_state, self.disabled, self.pause) {
            (SendingState::Paused, _, _) => Some((HoldReason::Paused, None)),
            (SendingState::Unverified, _, _) => Some((HoldReason::Unverified, None)),
            (SendingState::Active, Some(disabled), _) => Some((HoldReason::Disabled, Some(disabled.at))),
            (SendingState::Active, None, Some(pause)) => Some((pause.reason, self.failing_since)),
            (SendingState::Active, None, None) => None,
        }
    }

    /// Enables the endpoint: clears the failures and starts to drain its held deliveries.
    #[must_use]
    pub fn enabled(self) -> Self {
        // The customer who enabled the endpoint already knows what the pending notices say.
        let fresh = Self { pause: None, disabled: None, pace: FIRST_PACE, notices: Vec::new(), recent: None, ..self };
        fresh.without_failures()
    }

    /// Notes that a delivery was put on hold at `now`.
    #[must_use]
    pub fn holding(self, now: Timestamp) -> Self {
        Self { last_held_at: Some(self.last_held_at.unwrap_or(now).max(now)), ..self }
    }
}

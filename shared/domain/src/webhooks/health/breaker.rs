//! The stored health of an endpoint and how each attempt changes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::FIRST_PACE;
use super::{DisableReason, Gate, HealthPolicy, HoldReason, LastFailure, Notice, NoticeKind, Pause};
use crate::foundation::id::{EndpointId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::endpoint::EndpointState;

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
    /// When the first of these attempts started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why the most recent attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if the receiver keeps failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
    /// Present while the breaker is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
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
    /// Whether the notification users were warned since the last success.
    pub is_warned: bool,
}

/// An endpoint disabled by its health. It stays disabled until the customer enables it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When the endpoint was disabled.
    pub at: Timestamp,
    /// Why the endpoint was disabled.
    #[serde(rename = "because")]
    pub reason: DisableReason,
}

impl Health {
    /// Health of an endpoint without a stored row: healthy.
    pub fn unknown(project_id: ProjectId, endpoint_id: EndpointId) -> Self {
        Self {
            project_id,
            endpoint_id,
            failures: 0,
            failing_since: None,
            last_failure: None,
            disables_at: None,
            pause: None,
            disabled: None,
            pace: FIRST_PACE,
            last_held_at: None,
            notices: Vec::new(),
            is_warned: false,
        }
    }

    /// What the sender may do with a delivery at `now`. `desired_state` is the state set by the customer.
    pub fn gate(&self, desired_state: EndpointState, now: Timestamp) -> Gate {
        match (desired_state, self.disabled, self.pause) {
            (EndpointState::Paused, _, _) => Gate::Hold(HoldReason::Paused),
            (EndpointState::Active, Some(_), _) => Gate::Hold(HoldReason::Disabled),
            (EndpointState::Active, None, None) => Gate::Send,
            (EndpointState::Active, None, Some(pause)) => pause.gate(now),
        }
    }

    /// Marks a probe as running from `now` on.
    #[must_use]
    pub fn probing(self, now: Timestamp) -> Self {
        let pause = self.pause.map(|pause| Pause { probe_until: Some(now.plus(PROBE_TIMEOUT)), ..pause });
        Self { pause, ..self }
    }

    /// Whether a successful attempt would change nothing, so that the caller can skip the write.
    pub fn is_clean(&self) -> bool {
        self.failures == 0 && self.pause.is_none()
    }

    /// Applies an attempt. `retry_after` is the delay that the receiver asked for in its response, if any.
    #[must_use]
    pub fn after(self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        if attempt.succeeded() {
            return self.succeeded();
        }
        let failing_since = self.failing_since.unwrap_or(attempt.at);
        let failed = Self {
            failures: self.failures.saturating_add(1),
            failing_since: Some(failing_since),
            last_failure: LastFailure::of(attempt),
            // Attempts that were being made when the endpoint was disabled must not announce that it will be disabled.
            disables_at: self.disabled.is_none().then(|| failing_since.plus(policy.disable_after)),
            ..self
        };
        match attempt.status {
            Some(410) => failed.disabled(DisableReason::Gone, attempt.ended_at()),
            Some(429 | 503) => failed
                .paused_as_busy(attempt.ended_at(), retry_after, policy)
                .warned_or_disabled(attempt.ended_at(), policy),
            _ => failed.paused_if_tripped(attempt, policy).warned_or_disabled(attempt.ended_at(), policy),
        }
    }

    /// One success closes the breaker. The drain of held deliveries starts at the lowest pace.
    fn succeeded(mut self) -> Self {
        let pace = if self.pause.is_some() { FIRST_PACE } else { self.pace };
        // A warning that was not sent yet is no longer true.
        self.notices.retain(|notice| notice.kind != NoticeKind::Failing);
        Self {
            failures: 0,
            failing_since: None,
            last_failure: None,
            disables_at: None,
            pause: None,
            is_warned: false,
            pace,
            ..self
        }
    }

    /// Pauses for as long as the receiver asked for, but not shorter than the policy's pause, which grows with each
    /// pause in a row.
    fn paused_as_busy(self, now: Timestamp, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        let in_a_row = self.next_in_a_row(now);
        let pause = retry_after.unwrap_or_default().max(policy.pause_after_busy(in_a_row));
        self.paused(now.plus(pause), HoldReason::Busy, in_a_row)
    }

    /// Opens the breaker after a failed attempt if there were too many in a row, or if the attempt was the probe.
    fn paused_if_tripped(self, attempt: &Attempt, policy: &HealthPolicy) -> Self {
        let now = attempt.ended_at();
        let is_probe = self.pause.is_some_and(|pause| pause.until <= attempt.at);
        let is_tripped = self.pause.is_none() && policy.trips(self.failures, self.failing_since, now);
        if !is_probe && !is_tripped {
            return self;
        }
        let in_a_row = self.next_in_a_row(now);
        self.paused(now.plus(policy.pause_after_failure(in_a_row)), HoldReason::Failing, in_a_row)
    }

    /// Number in a row of a pause that starts at `now`. Attempts that were being made when the current pause began may
    /// extend it, but do not count as another pause.
    fn next_in_a_row(&self, now: Timestamp) -> u32 {
        match self.pause {
            None => 1,
            Some(pause) if pause.until > now => pause.in_a_row,
            Some(pause) => pause.in_a_row.saturating_add(1),
        }
    }

    fn paused(self, until: Timestamp, reason: HoldReason, in_a_row: u32) -> Self {
        let until = self.pause.map_or(until, |pause| pause.until.max(until));
        Self { pause: Some(Pause { until, reason, in_a_row, probe_until: None }), ..self }
    }

    /// Warns the notification users if the receiver has failed for long, and disables the endpoint if it failed for too
    /// long.
    fn warned_or_disabled(mut self, now: Timestamp, policy: &HealthPolicy) -> Self {
        let (Some(failing_since), None) = (self.failing_since, self.disabled) else { return self };
        let failing_for = now.since(failing_since);
        if failing_for >= policy.disable_after {
            return self.disabled(DisableReason::Failing, now);
        }
        if failing_for >= policy.warn_after && !self.is_warned {
            self.notices.push(self.notice(NoticeKind::Failing, now));
            self.is_warned = true;
        }
        self
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

    /// Why deliveries to the endpoint are held, and since when if that is known; `None` if they are sent at once.
    /// Includes the customer's own pause.
    pub fn trouble(&self, desired_state: EndpointState) -> Option<(HoldReason, Option<Timestamp>)> {
        match (desired_state, self.disabled, self.pause) {
            (EndpointState::Paused, _, _) => Some((HoldReason::Paused, None)),
            (EndpointState::Active, Some(disabled), _) => Some((HoldReason::Disabled, Some(disabled.at))),
            (EndpointState::Active, None, Some(pause)) => Some((pause.reason, self.failing_since)),
            (EndpointState::Active, None, None) => None,
        }
    }

    /// Enables the endpoint: clears the failures and starts to drain its held deliveries.
    #[must_use]
    pub fn enabled(self) -> Self {
        // The customer who enabled the endpoint already knows what the pending notices say.
        Self { disabled: None, pace: FIRST_PACE, notices: Vec::new(), ..self.succeeded() }
    }

    /// Notes that a delivery was put on hold at `now`.
    #[must_use]
    pub fn holding(self, now: Timestamp) -> Self {
        Self { last_held_at: Some(self.last_held_at.unwrap_or(now).max(now)), ..self }
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

    /// Whether `notice` is still true. A warning no longer applies after the receiver recovered or the endpoint was
    /// disabled; a disabling no longer applies after the endpoint was enabled.
    pub fn still_applies(&self, notice: &Notice) -> bool {
        match notice.kind {
            NoticeKind::Failing => self.disabled.is_none() && self.failing_since == Some(notice.failing_since),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => {
                self.disabled.is_some_and(|disabled| disabled.at == notice.at)
            }
        }
    }
}

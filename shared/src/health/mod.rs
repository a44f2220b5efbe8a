//! The health of an endpoint: what its receiver's answers say about whether to send it more.
//!
//! ```text
//!             10 attempts failed in a row, over 30 s;  or 429, 503
//!   closed ──────────────────────────────────────────────────────────► open: deliveries are held
//!     ▲ ▲                                                               │            ▲
//!     │ └────────────── any attempt succeeds ──────────────┐            │ its time is over
//!     │                                                    │            ▼            │
//!     │ held deliveries are drained, more and more a minute └──── one delivery probes ┘ fails: open for longer
//! ```
//!
//! The customer's own wish, to pause, is a setting and not here. An endpoint that answers 410, or that fails for days, is
//! disabled until somebody enables it; [`Notice`]s say so to the project's notification users. Replays and test sends never
//! change any of this, and neither do our own faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::{Attempt, FailureReason, HoldReason};
use crate::endpoint::EndpointState;
use crate::id::{EndpointId, ProjectId};
use crate::time::Timestamp;

mod drain;
mod notice;
mod policy;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod tests;

pub use drain::Drain;
use drain::FIRST_PACE;
pub use notice::{Notice, NoticeKind};
pub use policy::{BadHealthPolicy, HealthPolicy};

/// How long a probe may be under way before another may take its place: longer than any attempt.
const PROBE_TIME: Duration = Duration::from_mins(1);

/// What is known of an endpoint's receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whose endpoint it is.
    pub project_id: ProjectId,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// How many attempts failed since the last that succeeded.
    pub failures: u32,
    /// When the first of them was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why the last of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
    /// Set while the receiver is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Set when nothing more is sent until somebody enables the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// How many held deliveries are released in the next minute.
    pub pace: u32,
    /// When a delivery was last held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_held_at: Option<Timestamp>,
    /// What the notification users are still to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Whether they were warned since the receiver last succeeded.
    pub is_warned: bool,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastFailure {
    /// The reason.
    pub reason: FailureReason,
    /// The HTTP status that was answered, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl LastFailure {
    fn of(attempt: &Attempt) -> Option<Self> {
        attempt.reason.map(|reason| Self { reason, status: attempt.status })
    }
}

/// The open breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// When one delivery may probe.
    pub until: Timestamp,
    /// Why.
    pub because: HoldReason,
    /// How many pauses there were in a row, this one included.
    pub in_a_row: u32,
    /// Until when a probe is under way, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_until: Option<Timestamp>,
}

/// An endpoint that nothing is sent to until somebody enables it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub because: DisableReason,
}

/// Why an endpoint was disabled. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DisableReason {
    /// Its receiver answered 410.
    Gone,
    /// Its receiver failed for days, without one success.
    Failing,
}

/// What may be done with a delivery to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Send it.
    Send,
    /// Send it, if it can be made the one probe.
    Probe,
    /// Hold it.
    Hold(HoldReason),
}

impl Health {
    /// An endpoint that nothing is known of: a healthy one.
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

    /// What may be done now with a delivery to the endpoint, which the customer wishes to be in the state `wish`.
    pub fn gate(&self, wish: EndpointState, now: Timestamp) -> Gate {
        match (wish, self.disabled, self.pause) {
            (EndpointState::Paused, _, _) => Gate::Hold(HoldReason::Paused),
            (EndpointState::Active, Some(_), _) => Gate::Hold(HoldReason::Disabled),
            (EndpointState::Active, None, None) => Gate::Send,
            (EndpointState::Active, None, Some(pause)) => pause.gate(now),
        }
    }

    /// The endpoint with a probe under way from `now` on.
    #[must_use]
    pub fn probing(self, now: Timestamp) -> Self {
        let pause = self.pause.map(|pause| Pause { probe_until: Some(now.plus(PROBE_TIME)), ..pause });
        Self { pause, ..self }
    }

    /// Whether a success would change nothing: then there is nothing to write.
    pub fn is_clean(&self) -> bool {
        self.failures == 0 && self.pause.is_none()
    }

    /// The endpoint after `attempt`. `retry_after` is how long its receiver asked to be left alone.
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
            // Attempts that were under way when the endpoint was disabled do not disable it once more.
            disables_at: self.disabled.is_none().then(|| failing_since.plus(policy.disable_after)),
            ..self
        };
        match attempt.status {
            Some(410) => failed.disabled(DisableReason::Gone, attempt.ended_at()),
            Some(429 | 503) => failed.busy(attempt.ended_at(), retry_after, policy).tired(attempt.ended_at(), policy),
            _ => failed.broken(attempt, policy).tired(attempt.ended_at(), policy),
        }
    }

    /// One success closes the breaker, whatever went before; what was held is drained from the gentlest pace on.
    fn succeeded(mut self) -> Self {
        let pace = if self.pause.is_some() { FIRST_PACE } else { self.pace };
        // Whoever has not been warned yet need not be any more.
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

    /// The receiver asked for time: it gets what it asked for, or more each time it asks without saying how much.
    fn busy(self, now: Timestamp, retry_after: Option<Duration>, policy: &HealthPolicy) -> Self {
        let in_a_row = self.next_in_a_row(now);
        let asked = retry_after.unwrap_or_default().max(policy.pause_after_busy(in_a_row));
        self.paused(now.plus(asked), HoldReason::Busy, in_a_row)
    }

    /// An attempt failed: the breaker opens if that makes too many, or if this was the probe.
    fn broken(self, attempt: &Attempt, policy: &HealthPolicy) -> Self {
        let now = attempt.ended_at();
        let is_probe = self.pause.is_some_and(|pause| pause.until <= attempt.at);
        let is_tripped = self.pause.is_none() && policy.trips(self.failures, self.failing_since, now);
        if !is_probe && !is_tripped {
            return self;
        }
        let in_a_row = self.next_in_a_row(now);
        self.paused(now.plus(policy.pause_after_failure(in_a_row)), HoldReason::Failing, in_a_row)
    }

    /// A pause that is not over yet is lengthened by attempts that were under way when it began, but is not a new one.
    fn next_in_a_row(&self, now: Timestamp) -> u32 {
        match self.pause {
            None => 1,
            Some(pause) if pause.until > now => pause.in_a_row,
            Some(pause) => pause.in_a_row.saturating_add(1),
        }
    }

    fn paused(self, until: Timestamp, because: HoldReason, in_a_row: u32) -> Self {
        let until = self.pause.map_or(until, |pause| pause.until.max(until));
        Self { pause: Some(Pause { until, because, in_a_row, probe_until: None }), ..self }
    }

    /// Failing for long earns a warning, and for too long ends it.
    fn tired(mut self, now: Timestamp, policy: &HealthPolicy) -> Self {
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

    fn disabled(mut self, because: DisableReason, now: Timestamp) -> Self {
        if self.disabled.is_some() {
            return self;
        }
        let kind = match because {
            DisableReason::Gone => NoticeKind::DisabledGone,
            DisableReason::Failing => NoticeKind::DisabledFailing,
        };
        self.disables_at = None;
        self.notices.push(self.notice(kind, now));
        self.disabled = Some(Disabled { at: now, because });
        self
    }

    /// What is wrong with the endpoint, and since when if that is known; `None` if webhooks are sent as they come. An endpoint
    /// that the customer paused is listed too: its webhooks wait for them.
    pub fn trouble(&self, wish: EndpointState) -> Option<(HoldReason, Option<Timestamp>)> {
        match (wish, self.disabled, self.pause) {
            (EndpointState::Paused, _, _) => Some((HoldReason::Paused, None)),
            (EndpointState::Active, Some(disabled), _) => Some((HoldReason::Disabled, Some(disabled.at))),
            (EndpointState::Active, None, Some(pause)) => Some((pause.because, self.failing_since)),
            (EndpointState::Active, None, None) => None,
        }
    }

    /// The endpoint after somebody enabled it: its receiver gets a fresh start, and what was held is drained.
    #[must_use]
    pub fn enabled(self) -> Self {
        // Whoever enabled it knows what the notices would say.
        Self { disabled: None, pace: FIRST_PACE, notices: Vec::new(), ..self.succeeded() }
    }

    /// The endpoint after a delivery was held.
    #[must_use]
    pub fn holding(self, now: Timestamp) -> Self {
        Self { last_held_at: Some(self.last_held_at.unwrap_or(now).max(now)), ..self }
    }
}

impl Pause {
    fn gate(&self, now: Timestamp) -> Gate {
        if self.ends() <= now { Gate::Probe } else { Gate::Hold(self.because) }
    }

    /// When another delivery may probe.
    fn ends(&self) -> Timestamp {
        self.probe_until.map_or(self.until, |probe_until| probe_until.max(self.until))
    }
}

//! Replays by filter: all delivered or all failed deliveries of a time range are sent once more, at a limited rate.
//!
//! ```text
//! running ──► done         every matching delivery was sent, and its result is counted
//!   │ ▲
//!   ▼ │
//! cancelled                no further delivery is sent until the replay is resumed
//! ```
//!
//! `webhook-retry` lists the deliveries and queues one message for each; `webhook-sender` counts each result exactly
//! once. A project has at most one running replay, because the rates of several would add up at the same receivers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use crate::foundation::time::Timestamp;
use crate::public_names;
use crate::webhooks::delivery::{DeliveryFilter, DeliveryState, Position, ReplayOutcome, ReplayTask};
use crate::webhooks::event::EventType;

/// How long a replay waits for the results of its last messages. Longer than the queue tries to deliver a message.
const RESULT_TIMEOUT: Duration = Duration::from_mins(90);

/// Filter for the deliveries to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReplayFilter {
    /// Earliest time at which the event was accepted, inclusive.
    pub from: Timestamp,
    /// Latest time at which the event was accepted, inclusive.
    pub to: Timestamp,
    /// Endpoint of the deliveries. Absent: all endpoints. Each delivery is sent to its own endpoint again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
    /// Type of the events. Absent: all types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Final state of the deliveries.
    pub state: ReplayableState,
}

public_names! {
    /// Final state of the deliveries to replay.
    #[derive(Default)]
    pub enum ReplayableState {
        /// The receiver accepted the webhook.
        Delivered = "delivered",
        /// All attempts failed.
        #[default]
        Failed = "failed",
    }
}

impl From<ReplayableState> for DeliveryState {
    fn from(state: ReplayableState) -> Self {
        match state {
            ReplayableState::Delivered => Self::Delivered,
            ReplayableState::Failed => Self::Failed,
        }
    }
}

impl From<ReplayFilter> for DeliveryFilter {
    fn from(filter: ReplayFilter) -> Self {
        Self {
            state: Some(filter.state.into()),
            endpoint: filter.endpoint_id,
            event_type: filter.event_type,
            from: Some(filter.from),
            to: Some(filter.to),
        }
    }
}

/// Number of deliveries replayed per minute: 1 to 1,200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 1200, default = 300))]
#[serde(try_from = "u32", into = "u32")]
pub struct ReplayRate(u32);

/// A number that is not a [`ReplayRate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 1 to 1200")]
pub struct BadReplayRate;

impl ReplayRate {
    /// Number of deliveries per minute.
    pub fn per_minute(self) -> u32 {
        self.0
    }

    /// Times at which the deliveries of one minute are sent, evenly spread from `from` on.
    pub fn send_times(self, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        let step = Duration::from_mins(1) / self.0;
        (0..self.0).map(move |number| from.plus(step * number))
    }
}

impl Default for ReplayRate {
    /// Five per second, a low load for a receiver that has just recovered.
    fn default() -> Self {
        Self(300)
    }
}

impl TryFrom<u32> for ReplayRate {
    type Error = BadReplayRate;

    fn try_from(number: u32) -> Result<Self, BadReplayRate> {
        if (1..=1200).contains(&number) { Ok(Self(number)) } else { Err(BadReplayRate) }
    }
}

impl From<ReplayRate> for u32 {
    fn from(rate: ReplayRate) -> Self {
        rate.0
    }
}

/// A request for a replay by filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReplay {
    /// Deliveries to replay.
    pub filter: ReplayFilter,
    /// Number of deliveries per minute.
    pub rate: ReplayRate,
    /// Whether to count the deliveries without sending them.
    pub is_dry_run: bool,
}

impl NewReplay {
    /// Reads a request received at `now`. Events accepted before `oldest_kept` have expired. Fails with every bad field
    /// at once.
    pub fn check(mut draft: Draft, now: Timestamp, oldest_kept: Timestamp) -> Result<Self, BadFields> {
        let from: Option<Timestamp> = draft.required("from");
        let to: Option<Timestamp> = draft.required("to");
        let endpoint_id = draft.optional("endpointId");
        let event_type = draft.optional("type");
        let state = draft.optional("state").unwrap_or_default();
        let rate = draft.optional("ratePerMinute").unwrap_or_default();
        let is_dry_run = draft.optional("dryRun").unwrap_or_default();
        if from.is_some_and(|from| from < oldest_kept) {
            draft.refuse::<()>("/from", &format!("must not be before {oldest_kept}; older events have expired"));
        }
        if to.is_some_and(|to| to > now) {
            draft.refuse::<()>("/to", "must not be in the future");
        }
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            draft.refuse::<()>("/to", "must be after from");
        }
        draft.check(|| {
            let filter = ReplayFilter { from: from?, to: to?, endpoint_id, event_type, state };
            Some(Self { filter, rate, is_dry_run })
        })
    }

    /// Creates the replay, running from the newest matching day.
    pub fn start(self, replay_id: ReplayId, project_id: ProjectId) -> Replay {
        Replay {
            replay_id,
            project_id,
            filter: self.filter,
            rate_per_minute: self.rate,
            state: ReplayState::Running,
            progress: Progress::default(),
            next: Some(Position::first(&self.filter.into(), self.filter.to)),
            sent_until: replay_id.created_at(),
        }
    }
}

/// A replay by filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Id of the replay.
    pub replay_id: ReplayId,
    /// The project that owns the deliveries.
    pub project_id: ProjectId,
    /// Deliveries to replay.
    pub filter: ReplayFilter,
    /// Number of deliveries per minute.
    pub rate_per_minute: ReplayRate,
    /// Current state.
    pub state: ReplayState,
    /// Deliveries handled so far.
    #[serde(flatten)]
    pub progress: Progress,
    /// Position at which the listing of deliveries continues. Absent after the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
    /// End of the last minute for which deliveries were queued.
    pub sent_until: Timestamp,
}

public_names! {
    /// State of a replay.
    pub enum ReplayState {
        /// Deliveries are being sent.
        Running = "running",
        /// The replay was cancelled. It can be resumed.
        Cancelled = "cancelled",
        /// Every matching delivery was sent or skipped. Final.
        Done = "done",
    }
}

/// Numbers of a replay's deliveries by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Deliveries queued so far.
    pub queued: u64,
    /// Deliveries that the receiver accepted.
    pub delivered: u64,
    /// Deliveries that were sent and that the receiver did not accept.
    pub failed: u64,
    /// Deliveries that were not sent. Each delivery records the reason.
    pub skipped: u64,
}

impl Progress {
    /// Progress of one delivery with this outcome.
    pub fn of(outcome: &ReplayOutcome) -> Self {
        match outcome {
            ReplayOutcome::Sent(attempt) if attempt.succeeded() => Self { delivered: 1, ..Self::default() },
            ReplayOutcome::Sent(_) => Self { failed: 1, ..Self::default() },
            ReplayOutcome::Skipped { .. } => Self { skipped: 1, ..Self::default() },
        }
    }

    /// Progress as shown to callers: `queued` is at least the number of results. The stored `queued` may be lower if
    /// the sweep crashed between queueing deliveries and recording it.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { queued: self.queued.max(self.settled()), ..self }
    }

    /// Number of deliveries with a result.
    pub fn settled(self) -> u64 {
        self.delivered + self.failed + self.skipped
    }
}

impl Replay {
    /// Task to replay one delivery of this replay.
    pub fn task(&self, delivery_id: DeliveryId) -> ReplayTask {
        ReplayTask { project_id: self.project_id, delivery_id, replay_id: self.replay_id, is_counted: true }
    }

    /// Whether every delivery was queued, and all results are known or overdue at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let is_settled = self.progress.settled() >= self.progress.queued;
        self.next.is_none() && (is_settled || now >= self.sent_until.plus(RESULT_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::draft::BadField;
    use crate::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn checked(body: &str) -> Result<NewReplay, BadFields> {
        NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now(), now().minus(Duration::from_hours(720)))
    }

    fn pointers(body: &str) -> Vec<String> {
        let BadFields(bad) = checked(body).unwrap_err();
        bad.into_iter().map(|BadField { pointer, .. }| pointer).collect()
    }

    #[test]
    fn a_replay_sends_failed_deliveries_at_300_per_minute_by_default() {
        let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
        assert_eq!((new.filter.state, new.rate.per_minute(), new.is_dry_run), (ReplayableState::Failed, 300, false));
        let filter = DeliveryFilter::from(new.filter);
        assert_eq!((filter.from, filter.to), (Some(new.filter.from), Some(new.filter.to)));
        assert_eq!((filter.state, filter.endpoint, filter.event_type), (Some(DeliveryState::Failed), None, None));
    }

    #[test]
    fn every_bad_field_of_a_replay_is_named_at_once() {
        assert_eq!(pointers(r#"{"rate":1}"#), ["/from", "/to", "/rate"]);
        let bad = r#"{"from":"2026-11-23T00:00:00Z","to":"2026-11-22T09:00:00Z","endpointId":"x","type":"y",
            "state":"waiting","ratePerMinute":0,"dryRun":1}"#;
        let expected = ["/endpointId", "/type", "/state", "/ratePerMinute", "/dryRun", "/to", "/to"];
        assert_eq!(pointers(bad), expected);
        assert_eq!(pointers(r#"{"from":"2026-10-01T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#), ["/from"]);
    }

    #[test]
    fn a_replay_is_over_when_all_results_are_known_or_overdue() {
        let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
        let id = ReplayId::new(now(), &SystemRandom);
        let started = new.start(id, ProjectId::new(now(), &SystemRandom));
        assert!(!started.is_over(now()), "the listing is not complete");
        let waiting =
            Replay { next: None, progress: Progress { queued: 2, delivered: 1, ..started.progress }, ..started };
        assert!(!waiting.is_over(now()));
        assert!(waiting.is_over(now().plus(RESULT_TIMEOUT)));
        let settled = Replay { progress: Progress { skipped: 1, ..waiting.progress }, ..waiting };
        assert!(settled.is_over(now()));
    }

    proptest! {
        #[test]
        fn the_deliveries_of_a_minute_are_spread_evenly_over_it(rate in 1_u32..=1200) {
            let times: Vec<Timestamp> = ReplayRate::try_from(rate).unwrap().send_times(now()).collect();
            prop_assert_eq!((times.len(), times[0]), (rate as usize, now()));
            prop_assert!(times.is_sorted());
            let (minute, last) = (Duration::from_mins(1), times[times.len() - 1].since(now()));
            prop_assert!(last < minute && last + minute / rate + Duration::from_millis(2) >= minute);
        }
    }
}

//! Replays by filter: all deliveries of a time range that ended alike are sent once more, so many a minute.
//!
//! ```text
//! running ──► done         everything that fits was sent, and what came of it is counted
//!   │ ▲
//!   ▼ │
//! cancelled                nothing more is sent, until it is resumed
//! ```
//!
//! `webhook-retry` walks over the deliveries and queues one message each; `webhook-sender` counts what they come to, exactly
//! once each. A project has one running replay at a time: rates of several would add up at the same receivers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::delivery::{DeliveryFilter, DeliveryState, Position, ReplayNudge, ReplayOutcome};
use crate::draft::{BadFields, Draft};
use crate::event::EventType;
use crate::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use crate::time::Timestamp;

/// How long a replay waits for the outcome of what it queued last. Longer than the queue tries to bring a message about.
const PATIENCE: Duration = Duration::from_mins(90);

/// Which deliveries are replayed. Times are those of their events, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReplayFilter {
    /// The earliest.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
    /// To this endpoint; to all, if absent. Each delivery goes to its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
    /// Of events of this type; of all, if absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// How they ended.
    pub state: ReplayableState,
}

/// How a delivery that can be replayed ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReplayableState {
    /// A receiver took it.
    Delivered,
    /// All attempts failed.
    #[default]
    Failed,
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

/// How many deliveries are replayed in a minute: 1 to 1,200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 1200, default = 300))]
#[serde(try_from = "u32", into = "u32")]
pub struct ReplayRate(u32);

/// A number that is no [`ReplayRate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 1 to 1200")]
pub struct BadReplayRate;

impl ReplayRate {
    /// How many.
    pub fn a_minute(self) -> u32 {
        self.0
    }

    /// When each of a minute's deliveries is sent, the minute beginning at `from`.
    pub fn moments(self, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        let step = Duration::from_mins(1) / self.0;
        (0..self.0).map(move |number| from.plus(step * number))
    }
}

impl Default for ReplayRate {
    /// Five a second: gentle to a receiver that has just recovered.
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
    /// Which deliveries.
    pub filter: ReplayFilter,
    /// How many in a minute.
    pub rate: ReplayRate,
    /// Whether they are to be counted only.
    pub is_dry_run: bool,
}

impl NewReplay {
    /// Reads a request that comes at `now`, when nothing from before `oldest_kept` is kept any more.
    pub fn check(mut draft: Draft, now: Timestamp, oldest_kept: Timestamp) -> Result<Self, BadFields> {
        let from: Option<Timestamp> = draft.required("from");
        let to: Option<Timestamp> = draft.required("to");
        let endpoint_id = draft.optional("endpointId");
        let event_type = draft.optional("type");
        let state = draft.optional("state").unwrap_or_default();
        let rate = draft.optional("ratePerMinute").unwrap_or_default();
        let is_dry_run = draft.optional("dryRun").unwrap_or_default();
        if from.is_some_and(|from| from < oldest_kept) {
            draft.refuse::<()>("/from", &format!("must not be before {oldest_kept}: nothing older is kept"));
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

    /// The replay it asks for.
    pub fn start(self, replay_id: ReplayId, project_id: ProjectId) -> Replay {
        Replay {
            replay_id,
            project_id,
            filter: self.filter,
            rate_per_minute: self.rate,
            state: ReplayState::Running,
            progress: Progress::default(),
            next: Some(Position::first(&self.filter.into(), self.filter.to)),
            sent_until: replay_id.made_at(),
        }
    }
}

/// A replay by filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Its id.
    pub replay_id: ReplayId,
    /// Whose deliveries.
    pub project_id: ProjectId,
    /// Which of them.
    pub filter: ReplayFilter,
    /// How many in a minute.
    pub rate_per_minute: ReplayRate,
    /// How far it has come.
    pub state: ReplayState,
    /// The same in numbers.
    #[serde(flatten)]
    pub progress: Progress,
    /// Where the walk over the deliveries goes on; absent when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
    /// The end of the last minute that deliveries were queued for.
    pub sent_until: Timestamp,
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReplayState {
    /// Deliveries are being sent.
    Running,
    /// Somebody stopped it.
    Cancelled,
    /// Everything was sent. Final.
    Done,
}

impl ReplayState {
    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }
}

/// What became of a replay's deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Put onto the queue so far.
    pub queued: u64,
    /// Taken by their receivers.
    pub delivered: u64,
    /// Sent, and not taken.
    pub failed: u64,
    /// Not sent, each for the reason that is recorded with it.
    pub skipped: u64,
}

impl Progress {
    /// One delivery that came to `outcome`.
    pub fn of(outcome: &ReplayOutcome) -> Self {
        match outcome {
            ReplayOutcome::Sent(attempt) if attempt.succeeded() => Self { delivered: 1, ..Self::default() },
            ReplayOutcome::Sent(_) => Self { failed: 1, ..Self::default() },
            ReplayOutcome::Skipped { .. } => Self { skipped: 1, ..Self::default() },
        }
    }

    /// The same for people: if the sweep died before it noted what it had queued, more may have come back than is noted.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { queued: self.queued.max(self.settled()), ..self }
    }

    /// Of how many it is known what they came to.
    pub fn settled(self) -> u64 {
        self.delivered + self.failed + self.skipped
    }
}

impl Replay {
    /// The message for one of its deliveries.
    pub fn nudge(&self, delivery_id: DeliveryId) -> ReplayNudge {
        ReplayNudge { project_id: self.project_id, delivery_id, replay_id: self.replay_id, is_counted: true }
    }

    /// Whether nothing is left to be done or waited for at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let is_settled = self.progress.settled() >= self.progress.queued;
        self.next.is_none() && (is_settled || now >= self.sent_until.plus(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draft::BadField;
    use crate::random::SystemRandom;

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
    fn a_replay_is_of_what_failed_at_a_gentle_rate_unless_said_otherwise() {
        let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
        assert_eq!((new.filter.state, new.rate.a_minute(), new.is_dry_run), (ReplayableState::Failed, 300, false));
        let filter = DeliveryFilter::from(new.filter);
        assert_eq!((filter.from, filter.to), (Some(new.filter.from), Some(new.filter.to)));
        assert_eq!((filter.state, filter.endpoint, filter.event_type), (Some(DeliveryState::Failed), None, None));
    }

    #[test]
    fn all_that_is_wrong_with_a_replay_is_said_at_once() {
        assert_eq!(pointers(r#"{"rate":1}"#), ["/from", "/to", "/rate"]);
        let bad = r#"{"from":"2026-11-23T00:00:00Z","to":"2026-11-22T09:00:00Z","endpointId":"x","type":"y",
            "state":"waiting","ratePerMinute":0,"dryRun":1}"#;
        let expected = ["/endpointId", "/type", "/state", "/ratePerMinute", "/dryRun", "/to", "/to"];
        assert_eq!(pointers(bad), expected);
        assert_eq!(pointers(r#"{"from":"2026-10-01T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#), ["/from"]);
    }

    #[test]
    fn a_replay_is_over_when_what_it_sent_is_settled_or_never_will_be() {
        let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
        let id = ReplayId::new(now(), &SystemRandom);
        let begun = new.start(id, ProjectId::new(now(), &SystemRandom));
        assert!(!begun.is_over(now()), "the walk is not over");
        let waiting = Replay { next: None, progress: Progress { queued: 2, delivered: 1, ..begun.progress }, ..begun };
        assert!(!waiting.is_over(now()));
        assert!(waiting.is_over(now().plus(PATIENCE)));
        let settled = Replay { progress: Progress { skipped: 1, ..waiting.progress }, ..waiting };
        assert!(settled.is_over(now()));
    }

    proptest! {
        #[test]
        fn a_minutes_deliveries_are_spread_over_that_minute(rate in 1_u32..=1200) {
            let moments: Vec<Timestamp> = ReplayRate::try_from(rate).unwrap().moments(now()).collect();
            prop_assert_eq!((moments.len(), moments[0]), (rate as usize, now()));
            prop_assert!(moments.is_sorted());
            let (minute, last) = (Duration::from_mins(1), moments[moments.len() - 1].since(now()));
            prop_assert!(last < minute && last + minute / rate + Duration::from_millis(2) >= minute);
        }
    }
}

//! Deliveries of one day, for the tests of the report and of its mail.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;

use super::{EndpointFacts, Endpoints, ExpiringKey};
use crate::delivery::{Attempt, Delivery, FailureReason, HoldReason, Phases, ReplayOutcome, Replayed};
use crate::endpoint::EndpointState;
use crate::event::{Event, EventData, EventType, SubmissionId};
use crate::health::{DisableReason, Disabled, Health, LastFailure};
use crate::id::{ApiKeyId, EndpointId, EventId, ProjectId, ReplayId};
use crate::random::Random;
use crate::time::{Timestamp, UtcDay};

/// A project's day, always the same one.
pub(crate) struct Day {
    pub(crate) project_id: ProjectId,
    pub(crate) date: UtcDay,
    pub(crate) endpoints: [EndpointId; 3],
}

/// A delivery whose attempts are being made up.
#[derive(Debug, Clone)]
pub(crate) struct MadeUp(Delivery);

/// Random bytes that are all the same, so that ids are too.
struct Constant(u8);

impl Random for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

impl Default for Day {
    fn default() -> Self {
        let date: UtcDay = "2026-11-21".parse().unwrap();
        let made_at =
            |number: u8| date.start().minus(Duration::from_hours(24)).plus(Duration::from_secs(number.into()));
        let endpoints = [1, 2, 3].map(|number| EndpointId::new(made_at(number), &Constant(number)));
        Self { project_id: ProjectId::new(made_at(0), &Constant(0)), date, endpoints }
    }
}

impl Day {
    /// When the report is built, ten minutes after the day.
    pub(crate) fn next_morning(&self) -> Timestamp {
        self.date.next().start().plus(Duration::from_mins(10))
    }

    /// Two endpoints that are well; the third was deleted.
    pub(crate) fn endpoints(&self) -> Endpoints {
        let facts = |number: usize, host: &str| {
            let health = Health::unknown(self.project_id, self.endpoints[number]);
            EndpointFacts { host: host.to_owned(), wish: EndpointState::Active, health }
        };
        [facts(0, "hooks.acme.example"), facts(1, "backup.acme.example")]
            .map(|facts| (facts.health.endpoint_id, facts))
            .into()
    }

    /// The same after the receiver of the second one had said that it is gone, at eight in the evening.
    pub(crate) fn endpoints_in_trouble(&self) -> Endpoints {
        let mut endpoints = self.endpoints();
        let gone = endpoints.get_mut(&self.endpoints[1]).unwrap();
        let at = self.date.start().plus(Duration::from_hours(20));
        gone.health.disabled = Some(Disabled { at, because: DisableReason::Gone });
        gone.health.last_failure = Some(LastFailure { reason: FailureReason::Status, status: Some(410) });
        endpoints
    }

    /// A key that expires four days later.
    pub(crate) fn expiring_keys(&self) -> Vec<ExpiringKey> {
        let (id, name) = (ApiKeyId::new(self.date.start(), &Constant(9)), "Back end".to_owned().try_into().unwrap());
        let expires_at = self.date.start().plus(Duration::from_hours(4 * 24 + 9));
        vec![ExpiringKey { id, name, hint: "sp_live_4f7K".to_owned(), expires_at }]
    }

    /// Delivery `number`, queued for the first endpoint; its event came `number` seconds after nine o'clock.
    pub(crate) fn delivery(&self, number: u64) -> MadeUp {
        self.delivery_of(EventType::Approved, self.endpoints[0], number)
    }

    pub(crate) fn delivery_of(&self, event_type: EventType, endpoint: EndpointId, number: u64) -> MadeUp {
        let accepted_at = self.date.start().plus(Duration::from_secs(9 * 3600 + number));
        let event = Event {
            id: EventId::new(accepted_at, &Constant(0)),
            project_id: self.project_id,
            event_type,
            submission_id: Some(SubmissionId::try_from(format!("sub-{number}")).unwrap()),
            occurred_at: accepted_at,
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        MadeUp(Delivery::queued(&event, endpoint))
    }
}

impl MadeUp {
    pub(crate) fn get(self) -> Delivery {
        self.0
    }

    /// The receiver takes an attempt that begins `millis` after the event.
    pub(crate) fn taken_after(self, millis: u64, duration_ms: u32) -> Self {
        self.attempt(millis, duration_ms, Ok(204), None)
    }

    /// Nothing listens when an attempt begins `millis` after the event; another follows in 10 seconds.
    pub(crate) fn refused_after(self, millis: u64, duration_ms: u32) -> Self {
        self.attempt(millis, duration_ms, Err((FailureReason::Refused, None)), Some(Duration::from_secs(10)))
    }

    /// The only attempt was answered with 503.
    pub(crate) fn failed(self) -> Self {
        self.attempt(10, 120, Err((FailureReason::Status, Some(503))), None)
    }

    pub(crate) fn attempt(
        self,
        millis: u64,
        duration_ms: u32,
        outcome: Result<u16, (FailureReason, Option<u16>)>,
        wait: Option<Duration>,
    ) -> Self {
        let attempt = self.post(millis, duration_ms, outcome);
        Self(self.0.after(attempt, wait))
    }

    /// A replay that begins `millis` after the event is taken.
    pub(crate) fn replayed_after(self, millis: u64, duration_ms: u32) -> Self {
        let replay_id = ReplayId::new(self.0.id.event.made_at(), &Constant(0));
        let outcome = ReplayOutcome::Sent(self.post(millis, duration_ms, Ok(204)));
        Self(self.0.after_replay(Replayed { replay_id, outcome }))
    }

    fn post(&self, millis: u64, duration_ms: u32, outcome: Result<u16, (FailureReason, Option<u16>)>) -> Attempt {
        let (status, reason) = match outcome {
            Ok(status) => (Some(status), None),
            Err((reason, status)) => (status, Some(reason)),
        };
        Attempt {
            number: self.0.replay_number(),
            at: self.0.id.event.made_at().plus(Duration::from_millis(millis)),
            duration_ms,
            phases: Phases::default(),
            status,
            reason,
            response: None,
        }
    }
}

/// Distinct deliveries of the day, of every type and state, with up to four attempts each.
pub(crate) fn deliveries(how_many: Range<usize>) -> impl Strategy<Value = Vec<Delivery>> {
    let fate = (0..EventType::ALL.len(), 0..3_usize, 0..4_u8, 0..6_u8, 0..90_000_u64, 0..15_000_u32);
    proptest::collection::vec(fate, how_many).prop_map(|fates| {
        let day = Day::default();
        let delivery = |(number, (event_type, endpoint, failures, end, millis, duration_ms))| {
            let event_type: EventType = EventType::ALL[event_type];
            let queued = day.delivery_of(event_type, day.endpoints[endpoint], number);
            let tried = (0..failures).fold(queued, |delivery, _| delivery.refused_after(millis, duration_ms));
            match end {
                0 => tried.taken_after(millis, duration_ms).get(),
                1 => tried.failed().get(),
                2 => tried.get().cancelled(),
                4 => tried.failed().replayed_after(millis, duration_ms).get(),
                3 => tried.get().held(HoldReason::Busy),
                _ => tried.get(),
            }
        };
        (0_u64..).zip(fates).map(delivery).collect()
    })
}

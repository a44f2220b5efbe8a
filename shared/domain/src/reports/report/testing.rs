//! Deliveries of one day, for tests of the report and of its mail.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;

use super::{EndpointFacts, Endpoints, ExpiringKey, UnusedKey};
use crate::foundation::id::{ApiKeyId, EndpointId, EventId, ProjectId, ReplayId};
use crate::foundation::random::Random;
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::delivery::{Delivery, ReplayOutcome, Replayed};
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::event::{Event, EventData, EventType, SubmissionId};
use crate::webhooks::health::{DisableReason, Disabled, Health, HoldReason, LastFailure};

/// A fixed day of a fixed project.
pub struct Day {
    /// The project.
    pub project_id: ProjectId,
    /// The day.
    pub date: UtcDay,
    /// The project's endpoints.
    pub endpoints: [EndpointId; 3],
}

/// Builds a delivery attempt by attempt.
#[derive(Debug, Clone)]
pub struct DeliveryBuilder(Delivery);

/// Returns constant bytes, so that ids are the same in every run.
struct Constant(u8);

impl Random for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

impl Default for Day {
    fn default() -> Self {
        let date: UtcDay = "2026-11-21".parse().expect("this is a day");
        let created_at =
            |number: u8| date.start().minus(Duration::from_hours(24)).plus(Duration::from_secs(number.into()));
        let endpoints = [1, 2, 3].map(|number| EndpointId::new(created_at(number), &Constant(number)));
        Self { project_id: ProjectId::new(created_at(0), &Constant(0)), date, endpoints }
    }
}

impl Day {
    /// The time when the report is built: ten minutes after the end of the day.
    pub fn next_morning(&self) -> Timestamp {
        self.date.next().start().plus(Duration::from_mins(10))
    }

    /// Two healthy endpoints. The third was deleted.
    pub fn endpoints(&self) -> Endpoints {
        let facts = |number: usize, host: &str| {
            let health = Health::unknown(self.project_id, self.endpoints[number]);
            EndpointFacts { host: host.to_owned(), sending_state: SendingState::Active, health }
        };
        [facts(0, "hooks.acme.example"), facts(1, "backup.acme.example")]
            .map(|facts| (facts.health.endpoint_id, facts))
            .into()
    }

    /// The same endpoints after the second was disabled at 20:00 because its receiver answered 410.
    pub fn endpoints_in_trouble(&self) -> Endpoints {
        let mut endpoints = self.endpoints();
        let disabled = endpoints.get_mut(&self.endpoints[1]).expect("the second endpoint was not deleted");
        let at = self.date.start().plus(Duration::from_hours(20));
        disabled.health.disabled = Some(Disabled { at, reason: DisableReason::Gone });
        disabled.health.last_failure = Some(LastFailure { reason: FailureReason::Status, status: Some(410) });
        endpoints
    }

    /// An API key that expires four days later.
    pub fn expiring_keys(&self) -> Vec<ExpiringKey> {
        let id = ApiKeyId::new(self.date.start(), &Constant(9));
        let name = "Back end".to_owned().try_into().expect("this is a name");
        let expires_at = self.date.start().plus(Duration::from_hours(4 * 24 + 9));
        vec![ExpiringKey { id, name, hint: "sp_live_4f7K".to_owned(), expires_at }]
    }

    /// API keys that were not used for more than 90 days.
    pub fn unused_keys(&self) -> Vec<UnusedKey> {
        let key = |name: &str, byte| UnusedKey {
            id: ApiKeyId::new(self.date.start().minus(Duration::from_hours(200 * 24)), &Constant(byte)),
            name: name.to_owned().try_into().expect("this is a name"),
            hint: "sp_live_9kQ2".to_owned(),
            last_used_on: None,
        };
        vec![key("Batch", 1), key("Old back office", 2)]
    }

    /// A queued delivery to the first endpoint. Its event was accepted `number` seconds after 09:00.
    pub fn delivery(&self, number: u64) -> DeliveryBuilder {
        self.delivery_of(EventType::Approved, self.endpoints[0], number)
    }

    /// A queued delivery of an event of this type to this endpoint. `number` sets its submission and its time.
    pub fn delivery_of(&self, event_type: EventType, endpoint: EndpointId, number: u64) -> DeliveryBuilder {
        self.earlier_delivery_of(event_type, endpoint, number, 0)
    }

    /// Same as [`Self::delivery_of`], for an event of `days` days before.
    pub fn earlier_delivery_of(
        &self,
        event_type: EventType,
        endpoint: EndpointId,
        number: u64,
        days: u64,
    ) -> DeliveryBuilder {
        let accepted_at = self.date.start().plus(Duration::from_secs(9 * 3600 + number));
        let accepted_at = accepted_at.minus(Duration::from_hours(24 * days));
        let event = Event {
            id: EventId::new(accepted_at, &Constant(0)),
            project_id: self.project_id,
            event_type,
            submission_id: Some(SubmissionId::try_from(format!("sub-{number}")).expect("this is a submission id")),
            sequence: None,
            occurred_at: accepted_at,
            data: EventData::try_from("{}".to_owned()).expect("this is a JSON object"),
        };
        DeliveryBuilder(Delivery::queued(&event, endpoint))
    }
}

impl DeliveryBuilder {
    /// Returns the delivery.
    pub fn get(self) -> Delivery {
        self.0
    }

    /// Adds a successful attempt that begins `millis` after the event.
    #[must_use]
    pub fn delivered_after(self, millis: u64, duration_ms: u32) -> Self {
        self.attempt(millis, duration_ms, Ok(204), None)
    }

    /// Adds an attempt that begins `millis` after the event and whose connection is refused. The next is due in 10 seconds.
    #[must_use]
    pub fn refused_after(self, millis: u64, duration_ms: u32) -> Self {
        self.attempt(millis, duration_ms, Err((FailureReason::Refused, None)), Some(Duration::from_secs(10)))
    }

    /// Adds a last attempt that is answered with 503.
    #[must_use]
    pub fn failed(self) -> Self {
        self.failed_after(10)
    }

    /// Adds a last attempt that begins `millis` after the event and is answered with 503.
    #[must_use]
    pub fn failed_after(self, millis: u64) -> Self {
        self.attempt(millis, 120, Err((FailureReason::Status, Some(503))), None)
    }

    /// Cancels the delivery one second after its event and returns it.
    pub fn cancelled(self) -> Delivery {
        self.cancelled_after(1_000)
    }

    /// Cancels the delivery `millis` after its event and returns it.
    pub fn cancelled_after(self, millis: u64) -> Delivery {
        let at = self.0.id.event.created_at().plus(Duration::from_millis(millis));
        self.0.cancelled(at)
    }

    /// Lets the delivery expire `millis` after its event and returns it.
    pub fn expired_after(self, millis: u64) -> Delivery {
        let at = self.0.id.event.created_at().plus(Duration::from_millis(millis));
        self.0.expired(at)
    }

    /// Adds an attempt that begins `millis` after the event. The next is due after `wait`.
    #[must_use]
    pub fn attempt(
        self,
        millis: u64,
        duration_ms: u32,
        outcome: Result<u16, (FailureReason, Option<u16>)>,
        wait: Option<Duration>,
    ) -> Self {
        let attempt = self.post(millis, duration_ms, outcome);
        Self(self.0.after(attempt, wait))
    }

    /// Adds a successful replay that begins `millis` after the event.
    #[must_use]
    pub fn replayed_after(self, millis: u64, duration_ms: u32) -> Self {
        let replay_id = ReplayId::new(self.0.id.event.created_at(), &Constant(0));
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
            at: self.0.id.event.created_at().plus(Duration::from_millis(millis)),
            duration_ms,
            phases: Phases::default(),
            status,
            reason,
            response: None,
        }
    }
}

/// Distinct deliveries of the day and of the three days before, of every type and state. Each has up to four attempts, some in
/// quick succession and some up to 18 hours apart.
pub fn deliveries(count: Range<usize>) -> impl Strategy<Value = Vec<Delivery>> {
    let pause = prop_oneof![15_000..90_000_u64, 15_000..18 * 3_600_000_u64];
    let history = (0..EventType::ALL.len(), 0..3_usize, 0..4_u64, 0..7_u8, pause, 0..15_000_u32, 0..4_u64);
    proptest::collection::vec(history, count).prop_map(|histories| {
        let day = Day::default();
        let delivery = |(number, (event_type, endpoint, failures, end, pause, duration_ms, days))| {
            let event_type: EventType = EventType::ALL[event_type];
            let queued = day.earlier_delivery_of(event_type, day.endpoints[endpoint], number, days);
            let refuse = |delivery: DeliveryBuilder, attempt| delivery.refused_after(pause * attempt, duration_ms);
            let tried = (0..failures).fold(queued, refuse);
            let last = pause * failures;
            match end {
                0 => tried.delivered_after(last, duration_ms).get(),
                1 => tried.failed_after(last).get(),
                2 => tried.cancelled_after(last + 15_000),
                3 => tried.get().held(HoldReason::Busy),
                4 => tried.failed_after(last).replayed_after(last + pause, duration_ms).get(),
                5 => tried.expired_after(last + 15_000),
                _ => tried.get(),
            }
        };
        (0_u64..).zip(histories).map(delivery).collect()
    })
}

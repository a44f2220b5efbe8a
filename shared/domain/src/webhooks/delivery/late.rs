//! Late deliveries: those with an attempt or an end on a later day than their event's.
//!
//! A delivery is stored with the day of its event. The daily report of another day finds it through a row that the store
//! writes in the partition of that day. [`Delivery::late_days`] decides which days need one. Most deliveries need none.

use std::time::Duration;

use super::{Delivery, DeliveryState};
use crate::foundation::id::DeliveryId;
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::attempt::Attempt;

/// Within this time after its event, everything counts with the day of the event. A webhook that is sent around midnight
/// is therefore not late. The daily run starts as long after midnight.
pub const LATE_AFTER: Duration = Duration::from_mins(10);

/// The UTC day whose report counts something that happened to delivery `id` at `at`.
pub fn day_of(id: DeliveryId, at: Timestamp) -> UtcDay {
    let accepted_at = id.event.created_at();
    if at <= accepted_at.plus(LATE_AFTER) { accepted_at.day() } else { at.day() }
}

impl Delivery {
    /// When the delivery ended. `None` if it has not, or if it was cancelled by a version that did not store the time.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self.state {
            DeliveryState::Queued | DeliveryState::Waiting | DeliveryState::Held => None,
            DeliveryState::Delivered => self.successful_attempt().map(Attempt::ended_at),
            DeliveryState::Failed => self.attempts.last().map(Attempt::ended_at),
            DeliveryState::Cancelled | DeliveryState::Expired => self.closed_at,
        }
    }

    /// The later days whose reports include the delivery because of its last attempt or its end: the day on which that
    /// happened, and the days between a failed attempt and the next one. The day of the event is left out.
    pub fn late_days(&self) -> Vec<UtcDay> {
        let last = self.ended_at().or_else(|| self.attempts.last().map(Attempt::ended_at));
        let Some(first) = last.map(|last| day_of(self.id, last)) else { return Vec::new() };
        let next = self.next_attempt_at.map_or(first, Timestamp::day);
        let days = std::iter::successors(Some(first), |day| Some(day.next()));
        let days = days.take_while(|day| *day == first || *day < next);
        days.filter(|day| *day != self.id.event.day()).collect()
    }

    /// Whether a delivery of an earlier day had not ended when `day` began, so that the report of `day` includes it.
    pub fn was_open_on(&self, day: UtcDay) -> bool {
        let is_open = match self.ended_at() {
            None => !self.state.is_final(),
            Some(ended_at) => day <= day_of(self.id, ended_at),
        };
        self.id.event.day() < day && is_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::id::{EndpointId, EventId, ProjectId, ReplayId};
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::attempt::{FailureReason, Phases};
    use crate::webhooks::delivery::{ReplayOutcome, Replayed};
    use crate::webhooks::event::EventType;
    use crate::webhooks::health::HoldReason;

    fn timestamp(value: &str) -> Timestamp {
        value.parse().unwrap()
    }

    fn queued(accepted_at: &str) -> Delivery {
        let at = timestamp(accepted_at);
        let id = DeliveryId { event: EventId::new(at, &SystemRandom), endpoint: EndpointId::new(at, &SystemRandom) };
        Delivery::unattempted(ProjectId::new(at, &SystemRandom), id, EventType::Aml, None)
    }

    fn attempt(at: &str, reason: Option<FailureReason>) -> Attempt {
        let (phases, status) = (Phases::default(), None);
        Attempt { number: 1, at: timestamp(at), duration_ms: 2_000, phases, status, reason, response: None }
    }

    fn late_days(delivery: &Delivery) -> Vec<String> {
        delivery.late_days().iter().map(ToString::to_string).collect()
    }

    const NEXT: [&str; 1] = ["2026-11-22"];
    const NONE: [&str; 0] = [];
    const REFUSED: Option<FailureReason> = Some(FailureReason::Refused);

    #[test]
    fn a_delivery_is_late_if_an_attempt_ends_on_a_later_day() {
        let noon = queued("2026-11-21T12:00:00Z");
        let hour = Some(Duration::from_hours(1));
        assert_eq!(late_days(&noon), NONE);
        assert_eq!(late_days(&noon.clone().after(attempt("2026-11-21T12:00:01Z", None), None)), NONE);
        assert_eq!(late_days(&noon.clone().after(attempt("2026-11-21T23:59:57Z", REFUSED), hour)), NONE);
        for (reason, wait) in [(None, None), (REFUSED, hour), (REFUSED, None)] {
            let late = noon.clone().after(attempt("2026-11-21T23:59:58Z", reason), wait);
            assert_eq!(late_days(&late), NEXT);
        }
    }

    #[test]
    fn a_delivery_is_late_on_days_between_two_attempts() {
        let evening = queued("2026-11-20T20:00:00Z");
        let waits =
            |at, hours| late_days(&evening.clone().after(attempt(at, REFUSED), Some(Duration::from_hours(hours))));
        assert_eq!(waits("2026-11-20T23:00:00Z", 24), NONE);
        assert_eq!(waits("2026-11-20T23:00:00Z", 26), ["2026-11-21"]);
        assert_eq!(waits("2026-11-21T23:00:00Z", 26), ["2026-11-21", "2026-11-22"]);
    }

    #[test]
    fn an_attempt_right_after_midnight_is_not_late_if_its_event_is_ten_minutes_old_at_most() {
        let before_midnight = queued("2026-11-21T23:59:00Z");
        let ended = |at| late_days(&before_midnight.clone().after(attempt(at, None), None));
        assert_eq!(ended("2026-11-22T00:08:58Z"), NONE);
        assert_eq!(ended("2026-11-22T00:08:58.001Z"), NEXT);
    }

    #[test]
    fn a_delivery_is_late_if_it_is_cancelled_or_expires_on_a_later_day() {
        let held = queued("2026-11-21T12:00:00Z").held(HoldReason::Paused);
        assert_eq!(late_days(&held), NONE);
        assert_eq!(late_days(&held.clone().cancelled(timestamp("2026-11-21T23:59:59.999Z"))), NONE);
        let midnight = timestamp("2026-11-22T00:00:00Z");
        for ended in [held.clone().cancelled(midnight), held.expired(midnight)] {
            assert_eq!((late_days(&ended), ended.ended_at()), (NEXT.map(str::to_owned).to_vec(), Some(midnight)));
        }
    }

    #[test]
    fn a_failed_delivery_ends_again_when_a_replay_delivers_it() {
        let failed = queued("2026-11-21T12:00:00Z").after(attempt("2026-11-21T13:00:00Z", REFUSED), None);
        let replay_id = ReplayId::new(timestamp("2026-11-22T08:00:00Z"), &SystemRandom);
        let replayed = |reason| {
            let outcome = ReplayOutcome::Sent(attempt("2026-11-22T08:00:00Z", reason));
            failed.clone().after_replay(Replayed { replay_id, outcome })
        };
        assert_eq!(late_days(&replayed(REFUSED)), NONE);
        assert_eq!(late_days(&replayed(None)), NEXT);
    }

    #[test]
    fn a_late_delivery_is_open_from_the_day_after_its_event_to_the_day_of_its_end() {
        let event = queued("2026-11-21T12:00:00Z");
        let waiting = event.clone().after(attempt("2026-11-21T12:00:00Z", REFUSED), Some(Duration::from_hours(1)));
        let failed = event.after(attempt("2026-11-22T12:00:00Z", REFUSED), None);
        let open_on = |delivery: &Delivery| {
            ["2026-11-21", "2026-11-22", "2026-11-23"].map(|day| delivery.was_open_on(day.parse().unwrap()))
        };
        assert_eq!(open_on(&waiting), [false, true, true]);
        assert_eq!(open_on(&failed), [false, true, false]);
        let old_version = Delivery { closed_at: None, ..waiting.cancelled(timestamp("2026-11-22T12:00:00Z")) };
        assert_eq!(open_on(&old_version), [false; 3]);
    }
}

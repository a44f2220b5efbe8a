//! Filters for listing deliveries, and positions to resume a listing, newest event first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryState};
use crate::foundation::id::{DeliveryId, EndpointId, EventId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::event::EventType;

/// Filter for deliveries. An absent field matches every delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// State of the delivery.
    pub state: Option<DeliveryState>,
    /// Endpoint of the delivery.
    pub endpoint: Option<EndpointId>,
    /// Type of the event.
    pub event_type: Option<EventType>,
    /// Earliest time at which the event was accepted, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time at which the event was accepted, inclusive.
    pub to: Option<Timestamp>,
}

impl DeliveryFilter {
    /// Whether `delivery` matches every field of the filter.
    pub fn matches(&self, delivery: &Delivery) -> bool {
        let created_at = delivery.id.event.created_at();
        self.state.is_none_or(|state| state == delivery.state)
            && self.endpoint.is_none_or(|endpoint| endpoint == delivery.id.endpoint)
            && self.event_type.is_none_or(|event_type| event_type == delivery.event_type)
            && self.from.is_none_or(|from| from <= created_at)
            && self.to.is_none_or(|to| created_at <= to)
    }
}

/// Position in the listing of a project's deliveries, newest event first. It stays valid while events are published and
/// deliveries change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// After this delivery.
    #[serde(rename = "after")]
    After(DeliveryId),
    /// At the newest event before this one.
    #[serde(rename = "before")]
    Before(EventId),
    /// At the newest event of this day.
    #[serde(rename = "day")]
    Day(UtcDay),
}

impl Position {
    /// Start of the listing of events accepted until `to`, inclusive. The listing begins there and does not read the later
    /// events of that day.
    pub fn first(to: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(to) = to.filter(|to| *to < now) else { return Self::Day(now.day()) };
        let after = EventId::first_at(to.plus(Duration::from_millis(1)));
        if after.day() == to.day() { Self::Before(after) } else { Self::Day(to.day()) }
    }

    /// The day of the next events.
    pub fn day(self) -> UtcDay {
        match self {
            Self::After(delivery) => delivery.event.day(),
            Self::Before(event) => event.day(),
            Self::Day(day) => day,
        }
    }

    /// The event right before this position, if known. The listing continues with older events of the day.
    pub fn before(self) -> Option<EventId> {
        match self {
            Self::After(delivery) => Some(delivery.event),
            Self::Before(event) => Some(event),
            Self::Day(_) => None,
        }
    }

    /// Whether the listing that continues here includes the delivery `id`.
    pub fn reaches(self, id: DeliveryId) -> bool {
        // The deliveries of one event are listed in the order of their endpoints.
        let is_listed = matches!(self, Self::After(last) if id.event == last.event && id.endpoint <= last.endpoint);
        !is_listed && self.reaches_event(id.event)
    }

    /// Whether the listing that continues here may include deliveries of `event`.
    pub fn reaches_event(self, event: EventId) -> bool {
        match self {
            Self::After(last) => event <= last.event,
            Self::Before(before) => event < before,
            Self::Day(day) => event.day() <= day,
        }
    }

    /// Position after a page that was read here. `last` is the last event of the page if its day may have older ones.
    /// Returns `None` after the last page: the day is `oldest_day` or earlier and has no older events.
    pub fn next(self, last: Option<EventId>, oldest_day: UtcDay) -> Option<Self> {
        match last {
            Some(event) => Some(Self::Before(event)),
            None if self.day() <= oldest_day => None,
            None => Some(Self::Day(self.day().previous())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::id::ProjectId;
    use crate::foundation::random::SystemRandom;
    use crate::webhooks::event::{Event, EventData};

    fn noon() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn delivery(event_type: EventType, created_at: Timestamp) -> Delivery {
        let event = Event {
            id: EventId::new(created_at, &SystemRandom),
            project_id: ProjectId::new(noon(), &SystemRandom),
            event_type,
            submission_id: None,
            sequence: None,
            occurred_at: created_at,
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        Delivery::queued(&event, EndpointId::new(noon(), &SystemRandom))
    }

    #[test]
    fn each_field_of_a_filter_can_exclude_a_delivery() {
        let queued = delivery(EventType::Aml, noon());
        let second = Duration::from_secs(1);
        let all = DeliveryFilter {
            state: Some(DeliveryState::Queued),
            endpoint: Some(queued.id.endpoint),
            event_type: Some(EventType::Aml),
            from: Some(noon()),
            to: Some(noon()),
        };
        assert!(DeliveryFilter::default().matches(&queued) && all.matches(&queued));
        for narrower in [
            DeliveryFilter { state: Some(DeliveryState::Failed), ..all },
            DeliveryFilter { endpoint: Some(EndpointId::new(noon(), &SystemRandom)), ..all },
            DeliveryFilter { event_type: Some(EventType::Submit), ..all },
            DeliveryFilter { from: Some(noon().plus(second)), ..all },
            DeliveryFilter { to: Some(noon().minus(second)), ..all },
        ] {
            assert!(!narrower.matches(&queued), "{narrower:?}");
        }
    }

    #[test]
    fn a_listing_begins_right_after_the_last_millisecond_of_its_range() {
        let end_of_day: Timestamp = "2026-11-21T23:59:59.999Z".parse().unwrap();
        assert_eq!(Position::first(Some(end_of_day), noon()), Position::Day(end_of_day.day()));
        for to in [None, Some(noon()), Some(noon().plus(Duration::from_hours(48)))] {
            assert_eq!(Position::first(to, noon()), Position::Day(noon().day()));
        }
        let to = noon().minus(Duration::from_secs(7));
        let Position::Before(first) = Position::first(Some(to), noon()) else { panic!("it begins within the day") };
        assert!(EventId::new(to, &SystemRandom) < first);
        assert!(first <= EventId::new(to.plus(Duration::from_millis(1)), &SystemRandom));
    }

    proptest! {
        #[test]
        fn a_listing_visits_every_day_of_its_range_once_and_ends(days in 0_u64..40, into_day in 0_u64..86_400) {
            let to = noon().day().start().plus(Duration::from_secs(into_day));
            let from = to.minus(Duration::from_hours(24 * days));
            let first = Position::first(Some(to), to.plus(Duration::from_hours(1000)));
            let positions = std::iter::successors(Some(first), |position| position.next(None, from.day()));
            let visited: Vec<UtcDay> = positions.map(Position::day).collect();
            let expected: Vec<UtcDay> = (0..=days).map(|ago| to.minus(Duration::from_hours(24 * ago)).day()).collect();
            prop_assert_eq!(visited, expected);
        }
    }
}

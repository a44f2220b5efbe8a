//! Filters: which deliveries are asked for, and how a walk over them, newest event first, goes on.

use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryState};
use crate::event::EventType;
use crate::id::{DeliveryId, EndpointId, EventId};
use crate::time::{Timestamp, UtcDay};

/// Which deliveries are asked for; what is absent does not matter. Times are those of their events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of events of this type.
    pub event_type: Option<EventType>,
    /// Of events that were accepted then or later.
    pub from: Option<Timestamp>,
    /// Of events that were accepted then or earlier.
    pub to: Option<Timestamp>,
}

impl DeliveryFilter {
    /// Whether a delivery is among those asked for.
    pub fn fits(&self, delivery: &Delivery) -> bool {
        let made_at = delivery.id.event.made_at();
        self.state.is_none_or(|state| state == delivery.state)
            && self.endpoint.is_none_or(|endpoint| endpoint == delivery.id.endpoint)
            && self.event_type.is_none_or(|event_type| event_type == delivery.event_type)
            && self.from.is_none_or(|from| from <= made_at)
            && self.to.is_none_or(|to| made_at <= to)
    }
}

/// Where a walk over a project's deliveries goes on. It stays good while more events come and deliveries change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// After this delivery.
    #[serde(rename = "after")]
    After(DeliveryId),
    /// With the newest event before this one.
    #[serde(rename = "before")]
    Before(EventId),
    /// With the newest event of this day.
    #[serde(rename = "day")]
    Day(UtcDay),
}

impl Position {
    /// Where a walk over all that fits begins.
    pub fn first(filter: &DeliveryFilter, now: Timestamp) -> Self {
        Self::Day(filter.to.map_or(now, |to| to.min(now)).day())
    }

    /// The day whose events come next.
    pub fn day(self) -> UtcDay {
        match self {
            Self::After(delivery) => delivery.event.day(),
            Self::Before(event) => event.day(),
            Self::Day(day) => day,
        }
    }

    /// The event that comes right before, if it is known.
    pub fn before(self) -> Option<EventId> {
        match self {
            Self::After(delivery) => Some(delivery.event),
            Self::Before(event) => Some(event),
            Self::Day(_) => None,
        }
    }

    /// Where to go on after a page that was read here. `older` is its last event, if its day may have older ones. `None`
    /// when the page was the last: its day is over, and it was `oldest_day` or one before that.
    pub fn next(self, older: Option<EventId>, oldest_day: UtcDay) -> Option<Self> {
        match older {
            Some(event) => Some(Self::Before(event)),
            None if self.day() <= oldest_day => None,
            None => Some(Self::Day(self.day().previous())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::event::{Event, EventData};
    use crate::id::ProjectId;
    use crate::random::SystemRandom;

    fn noon() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn delivery(event_type: EventType, made_at: Timestamp) -> Delivery {
        let event = Event {
            id: EventId::new(made_at, &SystemRandom),
            project_id: ProjectId::new(noon(), &SystemRandom),
            event_type,
            submission_id: None,
            occurred_at: made_at,
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        Delivery::queued(&event, EndpointId::new(noon(), &SystemRandom))
    }

    #[test]
    fn each_part_of_a_filter_can_keep_a_delivery_out() {
        let wanted = delivery(EventType::Aml, noon());
        let second = Duration::from_secs(1);
        let all = DeliveryFilter {
            state: Some(DeliveryState::Queued),
            endpoint: Some(wanted.id.endpoint),
            event_type: Some(EventType::Aml),
            from: Some(noon()),
            to: Some(noon()),
        };
        assert!(DeliveryFilter::default().fits(&wanted) && all.fits(&wanted));
        for narrower in [
            DeliveryFilter { state: Some(DeliveryState::Failed), ..all },
            DeliveryFilter { endpoint: Some(EndpointId::new(noon(), &SystemRandom)), ..all },
            DeliveryFilter { event_type: Some(EventType::Submit), ..all },
            DeliveryFilter { from: Some(noon().plus(second)), ..all },
            DeliveryFilter { to: Some(noon().minus(second)), ..all },
        ] {
            assert!(!narrower.fits(&wanted), "{narrower:?}");
        }
    }

    proptest! {
        #[test]
        fn a_walk_sees_every_day_of_its_range_once_and_ends(days in 0_u64..40, into_day in 0_u64..86_400) {
            let to = noon().day().start().plus(Duration::from_secs(into_day));
            let from = to.minus(Duration::from_hours(24 * days));
            let filter = DeliveryFilter { from: Some(from), to: Some(to), ..DeliveryFilter::default() };
            let first = Position::first(&filter, to.plus(Duration::from_hours(1000)));
            let walk = std::iter::successors(Some(first), |position| position.next(None, from.day()));
            let seen: Vec<UtcDay> = walk.map(Position::day).collect();
            let expected: Vec<UtcDay> = (0..=days).map(|ago| to.minus(Duration::from_hours(24 * ago)).day()).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}

//! Walks over the deliveries of a project that fit a filter, newest event first.

use super::events::DayPage;
use super::{Activity, EventHeading, StoreError};
use crate::delivery::{Delivery, DeliveryFilter, Position};
use crate::event::{EventFilter, SubmissionId};
use crate::id::{EventId, ProjectId};
use crate::time::Timestamp;

/// How many events are looked at in one page.
const EVENTS_A_PAGE: u16 = 50;

/// How many pages are looked through for deliveries that fit. When they are used up, fewer may have been found than were
/// asked for, but there is a position to go on from.
const MOST_PAGES: usize = 60;

/// Some deliveries that fit a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The deliveries, newest event first.
    pub deliveries: Vec<Delivery>,
    /// Where to go on, if there may be more.
    pub next: Option<Position>,
}

/// Some events that fit a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvents {
    /// The events, newest first.
    pub events: Vec<EventHeading>,
    /// Where to go on, if there may be more.
    pub next: Option<Position>,
}

/// How many events of one submission are looked at; no verification has nearly as many.
const MOST_OF_A_SUBMISSION: usize = 1000;

/// How many deliveries fit a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Just so many.
    Exactly(u64),
    /// So many, and perhaps more: there was no time to look at all events.
    AtLeast(u64),
}

impl Activity {
    /// At most `limit` deliveries that fit, from `position` on.
    pub async fn find_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        mut position: Position,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let mut deliveries = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.page_of_deliveries(project, filter, position, now).await?;
            for delivery in page.deliveries {
                let id = delivery.id;
                deliveries.push(delivery);
                if deliveries.len() == limit {
                    return Ok(Found { deliveries, next: Some(Position::After(id)) });
                }
            }
            match page.next {
                Some(next) => position = next,
                None => return Ok(Found { deliveries, next: None }),
            }
        }
        Ok(Found { deliveries, next: Some(position) })
    }

    /// At most `limit` events that fit, from `position` on.
    pub async fn find_events(
        &self,
        project: ProjectId,
        filter: &EventFilter,
        mut position: Position,
        limit: usize,
        now: Timestamp,
    ) -> Result<FoundEvents, StoreError> {
        let oldest_kept = self.retention.oldest_kept(now);
        let oldest_day = filter.from.map_or(oldest_kept, |from| from.max(oldest_kept)).day();
        let mut events = Vec::new();
        for _ in 0..MOST_PAGES {
            let before = position.before();
            let page = self.events_on(project, position.day(), before, EVENTS_A_PAGE).await?;
            let is_full = page.len() == usize::from(EVENTS_A_PAGE);
            let older = page.last().map(|event| event.id).filter(|_| is_full);
            for event in page.into_iter().filter(|event| filter.fits(event.id, event.event_type)) {
                let id = event.id;
                events.push(event);
                if events.len() == limit {
                    return Ok(FoundEvents { events, next: Some(Position::Before(id)) });
                }
            }
            match position.next(older, oldest_day) {
                Some(next) => position = next,
                None => return Ok(FoundEvents { events, next: None }),
            }
        }
        Ok(FoundEvents { events, next: Some(position) })
    }

    /// At most `limit` events of a submission that fit, older than `before` if that is given. Events of the last moments may be
    /// missing, and erased ones are.
    pub async fn find_events_of(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundEvents, StoreError> {
        let mut ids = self.events_of(project, submission, MOST_OF_A_SUBMISSION).await?;
        ids.retain(|id| before.is_none_or(|before| *id < before));
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let mut events = Vec::new();
        for id in ids {
            let Some(kept) = self.kept_event(project, id).await? else { continue };
            if filter.fits(id, kept.heading.event_type) {
                events.push(kept.heading);
            }
            if events.len() == limit {
                return Ok(FoundEvents { events, next: Some(Position::Before(id)) });
            }
        }
        Ok(FoundEvents { events, next: None })
    }

    /// How many deliveries fit: exactly, if `has_time` stays true until all are counted.
    pub async fn count_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        now: Timestamp,
        has_time: impl Fn() -> bool,
    ) -> Result<Count, StoreError> {
        let mut position = Position::first(filter, now);
        let mut count = 0;
        while has_time() {
            let page = self.page_of_deliveries(project, filter, position, now).await?;
            count += page.deliveries.len() as u64;
            match page.next {
                Some(next) => position = next,
                None => return Ok(Count::Exactly(count)),
            }
        }
        Ok(Count::AtLeast(count))
    }

    /// What fits among the events that come next at `position`.
    async fn page_of_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        position: Position,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let oldest_kept = self.retention.oldest_kept(now);
        let oldest_day = filter.from.map_or(oldest_kept, |from| from.max(oldest_kept)).day();
        let DayPage { mut deliveries, next_before } = match position {
            Position::After(last) => {
                let deliveries = self.deliveries_of(project, last.event).await?.unwrap_or_default();
                let rest = deliveries.into_iter().skip_while(|delivery| delivery.id != last).skip(1).collect();
                DayPage { deliveries: rest, next_before: Some(last.event) }
            }
            Position::Before(event) => self.deliveries_on(project, event.day(), Some(event), EVENTS_A_PAGE).await?,
            Position::Day(day) => self.deliveries_on(project, day, None, EVENTS_A_PAGE).await?,
        };
        deliveries.retain(|delivery| filter.fits(delivery));
        Ok(Found { deliveries, next: position.next(next_before, oldest_day) })
    }
}

//! Searches over the events and deliveries of a project, newest event first.

use super::error::StoreError;
use super::events::DayPage;
use super::events::EventHeading;
use super::events::EventStore;
use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::{Delivery, DeliveryFilter, Position};
use domain::webhooks::event::{EventFilter, SubmissionId};

/// Events read per page.
const EVENTS_A_PAGE: u16 = 50;

/// Maximum number of pages that one search reads. After that it may return fewer items than asked for, with a position to
/// continue from.
const MAX_PAGES: usize = 60;

/// Deliveries that match a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The deliveries, newest event first.
    pub deliveries: Vec<Delivery>,
    /// Where to continue, if there may be more.
    pub next: Option<Position>,
}

/// Events that match a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvents {
    /// The events, newest first.
    pub events: Vec<EventHeading>,
    /// Where to continue, if there may be more.
    pub next: Option<Position>,
}

/// Maximum number of events of one submission that are read. A verification has far fewer.
const MAX_EVENTS_PER_SUBMISSION: usize = 1000;

/// How many deliveries match a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Exactly this many.
    Exactly(u64),
    /// At least this many: there was no time to read all events.
    AtLeast(u64),
}

impl EventStore {
    /// Returns at most `limit` matching deliveries, from `position` on.
    pub async fn find_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        mut position: Position,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let mut deliveries = Vec::new();
        for _ in 0..MAX_PAGES {
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

    /// Returns at most `limit` matching events, from `position` on.
    pub async fn find(
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
        for _ in 0..MAX_PAGES {
            let before = position.before();
            let page = self.events_on(project, position.day(), before, EVENTS_A_PAGE).await?;
            let is_full = page.len() == usize::from(EVENTS_A_PAGE);
            let older = page.last().map(|event| event.id).filter(|_| is_full);
            for event in page.into_iter().filter(|event| filter.matches(event.id, event.event_type)) {
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

    /// Returns at most `limit` matching events of a submission, older than `before` if it is given. The index lags, so events
    /// of the last second may be missing. Erased events are missing too.
    pub async fn find_by_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundEvents, StoreError> {
        let mut ids = self.events_of(project, submission, MAX_EVENTS_PER_SUBMISSION).await?;
        ids.retain(|id| before.is_none_or(|before| *id < before));
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let mut events = Vec::new();
        for id in ids {
            let Some(kept) = self.get_kept(project, id).await? else { continue };
            if filter.matches(id, kept.heading.event_type) {
                events.push(kept.heading);
            }
            if events.len() == limit {
                return Ok(FoundEvents { events, next: Some(Position::Before(id)) });
            }
        }
        Ok(FoundEvents { events, next: None })
    }

    /// Counts matching deliveries: exactly, if `has_time` stays true until all are counted.
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

    /// Returns the matching deliveries of the next page at `position`.
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
        deliveries.retain(|delivery| filter.matches(delivery));
        Ok(Found { deliveries, next: position.next(next_before, oldest_day) })
    }
}

//! Searches over the events and deliveries of a project, newest event first.
//!
//! A search begins at the end of its range of time and reads one page after the other. A delivery is stored with its first
//! attempt, so a search for a state that only stored deliveries have reads these alone ([`super::search_recorded`]). Other
//! searches read the events and the deliveries that follow from them.

use super::error::StoreError;
use super::events::{DayRange, EventHeading, EventStore, KeptEvent};
use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::{Delivery, DeliveryFilter, DeliveryState, Position};
use domain::webhooks::event::{EventFilter, Sequence, SubmissionId};

/// Maximum number of pages that one search reads, including those of days without events. After that it may return fewer items
/// than asked for, with a position to continue from. A page takes DynamoDB between 3 and 50 ms.
pub const MAX_PAGES: usize = 40;

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

/// The number of rows that a search reads with its next page. It grows while pages contain no match, because then most rows
/// do not match.
struct PageSize {
    rows: u16,
    max: u16,
}

impl PageSize {
    /// For pages of events, whose deliveries are also read.
    const EVENTS: Self = Self { rows: 50, max: 200 };

    /// For pages of events or deliveries alone.
    const ROWS: Self = Self { rows: 100, max: 1000 };

    fn grow_unless(&mut self, has_match: bool) {
        if !has_match {
            self.rows = self.rows.saturating_mul(4).min(self.max);
        }
    }
}

impl EventStore {
    /// Returns at most `limit` matching deliveries, from `position` on. Reads at most [`MAX_PAGES`] pages.
    pub async fn find_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        mut position: Position,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let is_stored = filter.state.is_some_and(|state| state != DeliveryState::Queued);
        let mut size = if is_stored { PageSize::ROWS } else { PageSize::EVENTS };
        let oldest_day = self.oldest_day(filter.from, now);
        let mut deliveries = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = if is_stored {
                self.deliveries.recorded_page(project, filter, position, oldest_day, size.rows).await?
            } else {
                self.page_of_deliveries(project, filter, position, oldest_day, size.rows).await?
            };
            size.grow_unless(!page.deliveries.is_empty());
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

    /// Returns at most `limit` matching events, from `position` on. Reads at most [`MAX_PAGES`] pages.
    pub async fn find(
        &self,
        project: ProjectId,
        filter: &EventFilter,
        mut position: Position,
        limit: usize,
        now: Timestamp,
    ) -> Result<FoundEvents, StoreError> {
        let (oldest_day, mut size) = (self.oldest_day(filter.from, now), PageSize::ROWS);
        let mut events = Vec::new();
        for _ in 0..MAX_PAGES {
            let range = DayRange { day: position.day(), from: filter.from, before: position.before() };
            let page = self.page_of_events(project, range, filter.event_type, size.rows).await?;
            size.grow_unless(!page.events.is_empty());
            for event in page.events.into_iter().filter(|event| filter.matches(event.id, event.event_type)) {
                let id = event.id;
                events.push(event);
                if events.len() == limit {
                    return self.numbered(project, events, Some(Position::Before(id))).await;
                }
            }
            match position.next(page.next_before, oldest_day) {
                Some(next) => position = next,
                None => return self.numbered(project, events, None).await,
            }
        }
        self.numbered(project, events, Some(position)).await
    }

    async fn numbered(
        &self,
        project: ProjectId,
        mut events: Vec<EventHeading>,
        next: Option<Position>,
    ) -> Result<FoundEvents, StoreError> {
        self.add_numbers(project, &mut events).await?;
        Ok(FoundEvents { events, next })
    }

    /// Returns at most `limit` matching events of a submission, newest first, older than `before` if it is given. Reads at most
    /// [`MAX_PAGES`] events. Erased events are missing.
    pub async fn find_by_submission(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundEvents, StoreError> {
        let mut listed: Vec<(EventId, Sequence)> = self.submission(project, submission).await?.left().collect();
        listed.retain(|(id, _)| before.is_none_or(|before| *id < before) && filter.is_within(*id));
        listed.sort_unstable_by(|one, other| other.cmp(one));
        let is_last_page = listed.len() <= MAX_PAGES;
        listed.truncate(MAX_PAGES);
        let last_read = listed.last().map(|(id, _)| *id);
        let mut events = Vec::new();
        for (id, sequence) in listed {
            let Some(KeptEvent { heading, .. }) = self.get_unnumbered_now(project, id).await? else { continue };
            if filter.matches(id, heading.event_type) {
                let mut event = heading;
                event.sequence = Some(sequence);
                events.push(event);
            }
            if events.len() == limit {
                return Ok(FoundEvents { events, next: Some(Position::Before(id)) });
            }
        }
        Ok(FoundEvents { events, next: last_read.filter(|_| !is_last_page).map(Position::Before) })
    }

    /// The last day that a search reads.
    pub(super) fn oldest_day(&self, from: Option<Timestamp>, now: Timestamp) -> UtcDay {
        let oldest_kept = self.retention.oldest_kept(now);
        from.map_or(oldest_kept, |from| from.max(oldest_kept)).day()
    }

    /// Reads at most `limit` events at `position`, and returns their matching deliveries.
    async fn page_of_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        position: Position,
        oldest_day: UtcDay,
        limit: u16,
    ) -> Result<Found, StoreError> {
        let (mut deliveries, next_before) = match position {
            Position::After(last) => {
                (self.deliveries_of(project, last.event).await?.unwrap_or_default(), Some(last.event))
            }
            Position::Before(_) | Position::Day(_) => {
                let range = DayRange { day: position.day(), from: filter.from, before: position.before() };
                let page = self.page_of_events(project, range, filter.event_type, limit).await?;
                let is_wanted = |event: &EventHeading| filter.endpoint.is_none_or(|id| event.endpoints.contains(&id));
                let events: Vec<EventHeading> = page.events.into_iter().filter(is_wanted).collect();
                (self.deliveries_of_page(project, position.day(), &events).await?, page.next_before)
            }
        };
        deliveries.retain(|delivery| position.reaches(delivery.id) && filter.matches(delivery));
        Ok(Found { deliveries, next: position.next(next_before, oldest_day) })
    }
}

#[cfg(all(test, feature = "queue"))]
mod tests;

//! The feed of a submission. Its row lists its events in the order of their numbers, so a number is a position.

use std::collections::HashMap;

use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::event::{Event, EventType, Sequence, SubmissionId};
use domain::webhooks::feed::{MAX_PAGE_BYTES, RowState};

use super::batch_get::Consistency;
use super::error::StoreError;
use super::events::{EventStore, KeptEvent};
use super::feed::accepted;
use super::keys;
use super::table;

/// Number of events that are read at once.
const ROWS: usize = 25;

/// A page of the feed of a submission.
#[derive(Debug)]
pub struct SubmissionFeedRead {
    /// The events in the order of their numbers.
    pub events: Vec<Event>,
    /// The number of the last event that was returned or passed over.
    pub after: u64,
    /// Whether more events follow.
    pub has_more: bool,
}

impl EventStore {
    /// Returns at most `limit` events of a submission with a number above `after`. With `event_type`, all other events are passed
    /// over.
    pub async fn submission_feed(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        event_type: Option<EventType>,
        after: u64,
        limit: usize,
    ) -> Result<SubmissionFeedRead, StoreError> {
        let listed = self.submission(project, submission).await?.events;
        let listed = listed.into_iter().map(|(id, place)| (id, place.sequence));
        let listed: Vec<(EventId, Sequence)> = listed.filter(|(_, sequence)| sequence.get() > after).collect();
        let mut page = SubmissionFeedRead { events: Vec::new(), after, has_more: false };
        let mut bytes = 0;
        for chunk in listed.chunks(ROWS) {
            let row_keys: Vec<_> = chunk.iter().map(|(id, _)| keys::event_row(project, *id)).collect();
            let rows = self.table.get_all(&row_keys, Consistency::Strong).await?;
            let rows: Vec<KeptEvent> = rows.into_iter().map(table::read).collect::<Result<_, _>>()?;
            let mut rows: HashMap<EventId, KeptEvent> = rows.into_iter().map(|row| (row.heading.id, row)).collect();
            for (id, sequence) in chunk {
                let row =
                    rows.remove(id).filter(|row| event_type.is_none_or(|wanted| wanted == row.heading.event_type));
                let state = row.map_or(Ok(RowState::LeftOut), |row| accepted(project, &row, Some(*sequence)))?;
                if let RowState::Accepted(event, size) = state {
                    if page.events.len() == limit || (!page.events.is_empty() && bytes + size > MAX_PAGE_BYTES) {
                        return Ok(SubmissionFeedRead { has_more: true, ..page });
                    }
                    bytes += size;
                    page.events.push(event);
                }
                page.after = sequence.get();
            }
        }
        Ok(page)
    }
}

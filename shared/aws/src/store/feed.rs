//! The feed of a project: reads both lanes from a position on (`docs/decisions/feed.md`).
//!
//! All reads are strongly consistent, because a row that a lagging read misses could be settled by then. Only the reads that look for
//! news while a call waits may lag.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::foundation::id::{EventId, LateEntryId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::event::{Event, EventType, Sequence, SubmissionId};
use domain::webhooks::feed::{
    FeedPage, FeedPosition, LaneId, LanePosition, MAX_CLOCK_DIFFERENCE, MAX_PAGE_BYTES, PageEnd, RowState,
    SETTLED_AFTER, Stretch,
};
use futures::future::{try_join, try_join_all};

use super::batch_get::{Consistency, MAX_KEYS};
use super::error::StoreError;
use super::events::{EventHeading, EventStore, KeptEvent, headings};
use super::keys;
use super::numbering::LateEntryRow;
use super::table::{self, Item, text, unavailable};

/// Maximum number of reads of each lane in one call.
const MAX_READS: usize = 40;

/// Number of rows that are read at once with a filter, of which most may not match.
const FILTERED_ROWS: usize = 200;

/// Number of entries of the lane `late` that are read at once. Most days have none.
const LATE_ROWS: usize = 25;

/// Number of rows that a look for news reads of each lane: the newest ones.
const NEWS_ROWS: i32 = 100;

/// Age of an id up to which a look for news finds it. Rows do not become visible in the order of their ids. What takes longer is found
/// by the next call.
const NEWS_AGE: Duration = Duration::from_secs(12);

/// A page of the feed.
#[derive(Debug)]
pub struct FeedRead {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The position behind them.
    pub position: FeedPosition,
    /// Why the page ends.
    pub end: FeedEnd,
    /// What was read, for a look for news.
    pub seen: FeedSeen,
}

/// Why a page of the feed ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedEnd {
    /// More events can follow at once.
    More,
    /// More events can follow when the oldest event that the position lists is settled.
    PositionFull,
    /// All accepted events were returned.
    CaughtUp,
}

/// The young rows that a call read.
#[derive(Debug, Clone, Default)]
pub struct FeedSeen {
    prompt: HashSet<EventId>,
    late: HashSet<LateEntryId>,
    /// Events without a number.
    pending: Vec<(SubmissionId, EventId)>,
}

/// Reads a lane, one page after the other.
#[derive(Debug)]
struct LaneReader<Id> {
    /// Where the next page begins.
    after: Id,
    day: UtcDay,
    last_day: UtcDay,
}

impl<Id: LaneId> LaneReader<Id> {
    fn new(lane: &LanePosition<Id>, last_day: UtcDay) -> Self {
        let after = lane.settled();
        Self { after, day: after.at().day().min(last_day), last_day }
    }

    /// Notes that the lane was read up to and including `last`, or to the end of its day. Returns how far it was read, and whether
    /// that is its end.
    fn advance(&mut self, last: Option<Id>) -> (Id, bool) {
        if let Some(last) = last {
            self.after = last;
            return (last, false);
        }
        let end_of_day = Id::first_at(self.day.next().start());
        let is_end = self.day >= self.last_day;
        self.day = self.day.next();
        (end_of_day, is_end)
    }
}

/// Rows of a lane that were read together.
type Rows<Id> = Vec<(Id, RowState<Event>)>;

/// A call that reads a page of the feed.
struct FeedReader<'a> {
    events: &'a EventStore,
    project: ProjectId,
    event_type: Option<EventType>,
    limit: usize,
}

impl EventStore {
    /// Returns at most `limit` accepted events of a project behind `position`, oldest first. With `event_type`, all other events are
    /// passed over. Reads at most [`MAX_READS`] pages of each lane. `now` is a time before the call.
    pub async fn feed(
        &self,
        project: ProjectId,
        event_type: Option<EventType>,
        position: FeedPosition,
        limit: usize,
        now: Timestamp,
    ) -> Result<FeedRead, StoreError> {
        let position = position.from_at_least(self.retention.oldest_kept(now).max(first_event(project)));
        let last_day = now.plus(MAX_CLOCK_DIFFERENCE).day();
        let mut prompt = (LaneReader::new(&position.prompt, last_day), Stretch::default());
        let mut late = (LaneReader::new(&position.late, last_day), Stretch::default());
        let mut page = FeedPage::new(position, limit, now);
        let reader = FeedReader { events: self, project, event_type, limit };
        let (mut seen, mut end) = (FeedSeen::default(), FeedEnd::More);
        for _ in 0..MAX_READS {
            let FeedPosition { prompt: prompt_lane, late: late_lane } = page.position();
            let (needs_prompt, needs_late) = (prompt.1.needs_rows(&late.1), late.1.needs_rows(&prompt.1));
            let fill_prompt = async {
                if needs_prompt { reader.fill_prompt(prompt_lane, &mut prompt).await } else { Ok(Vec::new()) }
            };
            let fill_late = async { if needs_late { reader.fill_late(late_lane, &mut late).await } else { Ok(()) } };
            let (unnumbered, ()) = try_join(fill_prompt, fill_late).await?;
            seen.pending.extend(unnumbered);
            seen.prompt.extend(young(&prompt.1, now));
            seen.late.extend(young(&late.1, now));
            end = match page.take(&mut prompt.1, &mut late.1) {
                PageEnd::NeedsRows => continue,
                PageEnd::Full => FeedEnd::More,
                PageEnd::PositionFull => FeedEnd::PositionFull,
                PageEnd::CaughtUp => FeedEnd::CaughtUp,
            };
            break;
        }
        let (events, position) = page.finish();
        Ok(FeedRead { events, position, end, seen })
    }

    /// The position behind everything that is accepted. If more young rows exist than a position can list, it is before the older ones.
    pub async fn end_of_feed(&self, project: ProjectId, now: Timestamp) -> Result<FeedPosition, StoreError> {
        let (mut prompt, mut late) = (Vec::new(), Vec::new());
        let limit = FeedPosition::NEWEST_ROWS;
        for day in days(now.minus(SETTLED_AFTER), now).into_iter().rev() {
            let pk = keys::day(project, day);
            let (first, last) = keys::events_behind(EventId::first_at(now.minus(SETTLED_AFTER)));
            let query =
                headings(self.table.between(&pk, &first, &last)).consistent_read(true).scan_index_forward(false);
            let rows = table::first_items(query, limit - prompt.len()).await?;
            let rows: Vec<EventHeading> = rows.into_iter().map(table::read).collect::<Result<_, _>>()?;
            let listed = rows.iter().filter_map(|row| Some((row.submission_id.clone()?, row.id)));
            let places = self.numbers_of(project, &listed.collect::<Vec<_>>()).await?;
            let is_accepted = |row: &EventHeading| row.submission_id.is_none() || places.contains_key(&row.id);
            prompt.extend(rows.iter().map(|row| (row.id, is_accepted(row))));
            let (first, last) = keys::late_entries_behind(LateEntryId::first_at(now.minus(SETTLED_AFTER)));
            let query = self.table.between(&pk, &first, &last).consistent_read(true).scan_index_forward(false);
            let entries = late_entries(table::first_items(query, limit - late.len()).await?)?;
            let states = self.late_states(project, None, &entries).await?;
            late.extend(states.iter().map(|(id, state)| (*id, *state != RowState::Unaccepted)));
        }
        Ok(FeedPosition::behind(now, &prompt, &late))
    }

    /// Whether there may be events that a call did not see. Finds only young ones, and events that have got their number.
    pub async fn has_news(
        &self,
        project: ProjectId,
        event_type: Option<EventType>,
        seen: &FeedSeen,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let pending = &seen.pending[..seen.pending.len().min(MAX_KEYS)];
        if !pending.is_empty() && !self.numbers_of(project, pending).await?.is_empty() {
            return Ok(true);
        }
        let oldest = now.minus(NEWS_AGE);
        let looks = days(oldest, now).into_iter().map(|day| {
            let pk = keys::day(project, day);
            let (first, last) = keys::events_behind(EventId::first_at(oldest));
            let events = of_type(self.table.between(&pk, &first, &last), event_type);
            let (first, last) = keys::late_entries_behind(LateEntryId::first_at(oldest));
            let entries = self.table.between(&pk, &first, &last);
            try_join(newest_keys(events), newest_keys(entries))
        });
        let is_new = |(events, entries): &(Vec<String>, Vec<String>)| {
            let mut events = events.iter().filter_map(|key| keys::event_in(key));
            let mut entries = entries.iter().filter_map(|key| keys::late_entry_in(key));
            events.any(|id| !seen.prompt.contains(&id)) || entries.any(|id| !seen.late.contains(&id))
        };
        Ok(try_join_all(looks).await?.iter().any(is_new))
    }

    /// Returns what entries of the lane `late` stand for.
    async fn late_states(
        &self,
        project: ProjectId,
        event_type: Option<EventType>,
        entries: &[(LateEntryId, EventId)],
    ) -> Result<Rows<LateEntryId>, StoreError> {
        let ids: HashSet<EventId> = entries.iter().map(|(_, event)| *event).collect();
        let row_keys: Vec<_> = ids.into_iter().map(|id| keys::event_row(project, id)).collect();
        let rows = self.table.get_all(&row_keys, Consistency::Strong).await?;
        let kept: Vec<KeptEvent> = rows.into_iter().map(table::read).collect::<Result<_, _>>()?;
        let listed = kept.iter().filter_map(|event| Some((event.heading.submission_id.clone()?, event.heading.id)));
        let places = self.numbers_of(project, &listed.collect::<Vec<_>>()).await?;
        let kept: HashMap<EventId, &KeptEvent> = kept.iter().map(|event| (event.heading.id, event)).collect();
        let state = |entry, event: &KeptEvent| {
            let heading = &event.heading;
            if event_type.is_some_and(|wanted| wanted != heading.event_type) {
                return Ok(RowState::LeftOut);
            }
            let (counts, sequence) = match (&heading.submission_id, places.get(&heading.id)) {
                (Some(_), None) => return Ok(RowState::Unaccepted),
                (Some(_), Some(place)) => (place.late_entry, Some(place.sequence)),
                (None, _) => (heading.late_entry, None),
            };
            if counts == Some(entry) { accepted(project, event, sequence) } else { Ok(RowState::LeftOut) }
        };
        let states = entries.iter().map(|(entry, id)| {
            let state = kept.get(id).map_or(Ok(RowState::Unaccepted), |event| state(*entry, event))?;
            Ok((*entry, state))
        });
        states.collect()
    }
}

impl FeedReader<'_> {
    /// Reads the next page of the lane `prompt`. Returns its events without a number.
    async fn fill_prompt(
        &self,
        lane: &LanePosition<EventId>,
        (reader, stretch): &mut (LaneReader<EventId>, Stretch<EventId, Event>),
    ) -> Result<Vec<(SubmissionId, EventId)>, StoreError> {
        let (first, last) = keys::events_behind(reader.after);
        let query = self.events.table.between(&keys::day(self.project, reader.day), &first, &last);
        let limit = self.event_type.map_or(self.limit, |_| FILTERED_ROWS) + lane.returned().len();
        let query = of_type(query, self.event_type).limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = query.consistent_read(true).send().await.map_err(unavailable)?;
        let mut read_through = answer.last_evaluated_key.and_then(|key| keys::event_in(&table::string(&key, "sk")));
        let (mut returned, mut kept, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut items = answer.items.unwrap_or_default().into_iter();
        for item in items.by_ref() {
            match keys::event_in(&table::string(&item, "sk")).filter(|id| lane.has_returned(*id)) {
                Some(id) => returned.push(id),
                None => {
                    let event: KeptEvent = table::read(item)?;
                    bytes += event.bytes();
                    kept.push(event);
                }
            }
            // The data is decompressed here, and the function has little memory.
            if bytes > MAX_PAGE_BYTES {
                break;
            }
        }
        let newest = kept.last().map(|event| event.heading.id).max(returned.last().copied());
        if items.len() > 0 {
            read_through = newest;
        }
        let (mut rows, pending) = self.prompt_states(&kept).await?;
        rows.extend(returned.into_iter().map(|id| (id, RowState::LeftOut)));
        rows.sort_unstable_by_key(|(id, _)| *id);
        let (through, is_end) = reader.advance(read_through);
        stretch.extend(rows, through, is_end);
        Ok(pending)
    }

    /// Returns what rows of the lane `prompt` stand for, and those without a number.
    async fn prompt_states(
        &self,
        events: &[KeptEvent],
    ) -> Result<(Rows<EventId>, Vec<(SubmissionId, EventId)>), StoreError> {
        let listed = events.iter().filter_map(|event| Some((event.heading.submission_id.clone()?, event.heading.id)));
        let listed: Vec<_> = listed.collect();
        let places = self.events.numbers_of(self.project, &listed).await?;
        let pending = listed.into_iter().filter(|(_, id)| !places.contains_key(id)).collect();
        let states = events.iter().map(|event| {
            let heading = &event.heading;
            let (late_entry, sequence) = match (&heading.submission_id, places.get(&heading.id)) {
                (Some(_), None) => return Ok((heading.id, RowState::Unaccepted)),
                (Some(_), Some(place)) => (place.late_entry, Some(place.sequence)),
                (None, _) => (heading.late_entry, None),
            };
            let is_late = late_entry.is_some();
            let state = if is_late { RowState::LeftOut } else { accepted(self.project, event, sequence)? };
            Ok((heading.id, state))
        });
        Ok((states.collect::<Result<_, StoreError>>()?, pending))
    }

    /// Reads the next page of the lane `late`.
    async fn fill_late(
        &self,
        lane: &LanePosition<LateEntryId>,
        (reader, stretch): &mut (LaneReader<LateEntryId>, Stretch<LateEntryId, Event>),
    ) -> Result<(), StoreError> {
        let (first, last) = keys::late_entries_behind(reader.after);
        let query = self.events.table.between(&keys::day(self.project, reader.day), &first, &last);
        let limit = LATE_ROWS + lane.returned().len();
        let query = query.consistent_read(true).limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = query.send().await.map_err(unavailable)?;
        let read_through = answer.last_evaluated_key.and_then(|key| keys::late_entry_in(&table::string(&key, "sk")));
        let entries = late_entries(answer.items.unwrap_or_default())?;
        let (returned, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(id, _)| lane.has_returned(*id));
        let mut rows = self.events.late_states(self.project, self.event_type, &entries).await?;
        rows.extend(returned.into_iter().map(|(id, _)| (id, RowState::LeftOut)));
        rows.sort_unstable_by_key(|(id, _)| *id);
        let (through, is_end) = reader.advance(read_through);
        stretch.extend(rows, through, is_end);
        Ok(())
    }
}

/// The time before which a project has no events, whatever the clocks of the processes that accepted them.
fn first_event(project: ProjectId) -> Timestamp {
    project.created_at().minus(MAX_CLOCK_DIFFERENCE)
}

/// The days of the rows that were written since `oldest`.
fn days(oldest: Timestamp, now: Timestamp) -> Vec<UtcDay> {
    let (first, last) = (oldest.day(), now.plus(MAX_CLOCK_DIFFERENCE).day());
    std::iter::successors(Some(first), |day| Some(day.next())).take_while(|day| *day <= last).collect()
}

/// The rows of a stretch that a look for news would find.
fn young<Id: LaneId, T>(stretch: &Stretch<Id, T>, now: Timestamp) -> impl Iterator<Item = Id> {
    let oldest = now.minus(NEWS_AGE);
    stretch.ids().filter(move |id| id.at() >= oldest)
}

fn of_type(query: QueryFluentBuilder, event_type: Option<EventType>) -> QueryFluentBuilder {
    let Some(event_type) = event_type else { return query };
    let query = query.filter_expression("#type = :wanted").expression_attribute_names("#type", "type");
    query.expression_attribute_values(":wanted", text(event_type.as_str()))
}

fn late_entries(items: Vec<Item>) -> Result<Vec<(LateEntryId, EventId)>, StoreError> {
    let entries = items.into_iter().filter_map(|item| {
        let id = keys::late_entry_in(&table::string(&item, "sk"))?;
        Some(table::read::<LateEntryRow>(item).map(|row| (id, row.event_id)))
    });
    entries.collect()
}

/// The state of an accepted event: it is left out after its erasure.
pub(super) fn accepted(
    project: ProjectId,
    event: &KeptEvent,
    sequence: Option<Sequence>,
) -> Result<RowState<Event>, StoreError> {
    let Some(data) = event.data()? else { return Ok(RowState::LeftOut) };
    let heading = &event.heading;
    let event = Event {
        id: heading.id,
        project_id: project,
        event_type: heading.event_type,
        submission_id: heading.submission_id.clone(),
        sequence,
        occurred_at: heading.occurred_at,
        data,
    };
    let bytes = event.data.get().len();
    Ok(RowState::Accepted(event, bytes))
}

/// Returns the sort keys of the newest rows of a query.
async fn newest_keys(query: QueryFluentBuilder) -> Result<Vec<String>, StoreError> {
    let query = query.projection_expression("sk").scan_index_forward(false).limit(NEWS_ROWS);
    let answer = query.send().await.map_err(unavailable)?;
    Ok(answer.items.unwrap_or_default().iter().map(|item| table::string(item, "sk")).collect())
}

#[cfg(all(test, feature = "queue"))]
mod tests;

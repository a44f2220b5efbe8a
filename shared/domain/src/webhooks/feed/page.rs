//! The rule that turns rows read from a position into a page and the next position.

use std::collections::VecDeque;

use super::lane::{LaneId, LanePosition};
use super::limits::{MAX_PAGE_BYTES, MAX_RETURNED, is_settled};
use super::position::FeedPosition;
use crate::foundation::id::{EventId, LateEntryId};
use crate::foundation::time::Timestamp;

/// What a row of a lane stands for. It was read after the page was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState<T> {
    /// An event that was accepted in this lane, and the number of bytes that it takes on the page.
    Accepted(T, usize),
    /// An event that is not accepted yet.
    Unaccepted,
    /// Nothing to return: the event is in the other lane, was erased, or does not match the filter.
    LeftOut,
}

/// Consecutive rows of a lane, as far as they were read.
#[derive(Debug, Clone)]
pub struct Stretch<Id, T> {
    /// The rows that were not added to a page yet, in the order of their ids.
    rows: VecDeque<(Id, RowState<T>)>,
    /// How far the lane was read: nothing up to here is missing in `rows`. `None`: nothing was read.
    through: Option<Id>,
    /// Whether the lane was read to its end.
    is_end: bool,
}

impl<Id, T> Default for Stretch<Id, T> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), through: None, is_end: false }
    }
}

impl<Id: LaneId, T> Stretch<Id, T> {
    /// Adds the rows that follow, up to `through`.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = (Id, RowState<T>)>, through: Id, is_end: bool) {
        self.rows.extend(rows);
        (self.through, self.is_end) = (Some(through), is_end);
    }

    /// Whether the page needs more rows of this lane before it can go on. The lane that was read less far is read first.
    pub fn needs_rows<Other: LaneId>(&self, other: &Stretch<Other, T>) -> bool {
        let is_ahead = !other.is_end && self.through.map(Id::to_bytes) > other.through.map(Other::to_bytes);
        self.rows.is_empty() && !self.is_end && !is_ahead
    }

    /// Whether the lane has no unread row before `id`.
    fn covers(&self, id: [u8; 16]) -> bool {
        self.is_end || !self.rows.is_empty() || self.through.is_some_and(|through| id <= through.to_bytes())
    }

    /// The ids of the rows that were not added to a page yet.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        self.rows.iter().map(|(id, _)| *id)
    }

    fn next(&self) -> Option<[u8; 16]> {
        self.rows.front().map(|(id, _)| id.to_bytes())
    }
}

/// Why a page ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// More rows are needed: see [`Stretch::needs_rows`].
    NeedsRows,
    /// The page is full. More events can follow.
    Full,
    /// The position lists as many events as it can. More can follow when the oldest of them is settled.
    PositionFull,
    /// All accepted events were returned.
    CaughtUp,
}

/// A page that is being built.
#[derive(Debug)]
pub struct FeedPage<T> {
    /// The events, oldest first.
    pub events: Vec<T>,
    position: FeedPosition,
    limit: usize,
    bytes: usize,
    /// A time before the first row was read.
    now: Timestamp,
}

impl<T> FeedPage<T> {
    /// Begins a page of at most `limit` events behind `position`, before any of its rows is read.
    pub fn new(position: FeedPosition, limit: usize, now: Timestamp) -> Self {
        Self { events: Vec::new(), position, limit, bytes: 0, now }
    }

    /// The position behind the page.
    pub fn position(&self) -> &FeedPosition {
        &self.position
    }

    /// Ends the page and returns its events and the position behind it.
    pub fn finish(self) -> (Vec<T>, FeedPosition) {
        (self.events, self.position)
    }

    /// Takes rows of both lanes, the oldest first, until the page ends or one of the lanes has to be read further.
    pub fn take(&mut self, prompt: &mut Stretch<EventId, T>, late: &mut Stretch<LateEntryId, T>) -> PageEnd {
        loop {
            let stopped = match (prompt.next(), late.next()) {
                (None, None) if prompt.is_end && late.is_end => {
                    self.pass_stretches(prompt, late);
                    return PageEnd::CaughtUp;
                }
                (Some(next), other) if other.is_none_or(|other| next < other) && late.covers(next) => {
                    self.take_prompt(prompt)
                }
                (other, Some(next)) if other.is_none_or(|other| next < other) && prompt.covers(next) => {
                    self.take_late(late)
                }
                _ => break,
            };
            if let Some(end) = stopped {
                return end;
            }
        }
        self.pass_stretches(prompt, late);
        // Reading on only to find out whether more events follow would cost as much as the next page.
        if self.events.len() < self.limit { PageEnd::NeedsRows } else { PageEnd::Full }
    }

    fn take_prompt(&mut self, stretch: &mut Stretch<EventId, T>) -> Option<PageEnd> {
        let (has_room, position_has_room) = (self.has_room(stretch), self.position.returned() < MAX_RETURNED);
        let lane = &mut self.position.prompt;
        match take_row(lane, stretch, has_room, position_has_room, self.now) {
            Ok(taken) => self.add(taken),
            Err(end) => Some(end),
        }
    }

    fn take_late(&mut self, stretch: &mut Stretch<LateEntryId, T>) -> Option<PageEnd> {
        let (has_room, position_has_room) = (self.has_room(stretch), self.position.returned() < MAX_RETURNED);
        let lane = &mut self.position.late;
        match take_row(lane, stretch, has_room, position_has_room, self.now) {
            Ok(taken) => self.add(taken),
            Err(end) => Some(end),
        }
    }

    fn add(&mut self, taken: Option<(T, usize)>) -> Option<PageEnd> {
        if let Some((event, bytes)) = taken {
            self.events.push(event);
            self.bytes += bytes;
        }
        None
    }

    /// Whether the next event of the stretch fits on the page. The first one always does.
    fn has_room<Id>(&self, stretch: &Stretch<Id, T>) -> bool {
        let bytes = match stretch.rows.front() {
            Some((_, RowState::Accepted(_, bytes))) => *bytes,
            _ => 0,
        };
        self.events.is_empty() || (self.events.len() < self.limit && self.bytes + bytes <= MAX_PAGE_BYTES)
    }

    /// Moves the position over what was read of a lane without a row.
    fn pass_stretches(&mut self, prompt: &Stretch<EventId, T>, late: &Stretch<LateEntryId, T>) {
        pass(&mut self.position.prompt, prompt, self.now);
        pass(&mut self.position.late, late, self.now);
    }
}

fn pass<Id: LaneId, T>(lane: &mut LanePosition<Id>, stretch: &Stretch<Id, T>, now: Timestamp) {
    if let Some(through) = stretch.through.filter(|_| stretch.rows.is_empty()) {
        lane.pass(through, now);
    }
}

/// Takes the next row of a stretch. Returns the event if the row has one to return, or why the page ends before it.
fn take_row<Id: LaneId, T>(
    lane: &mut LanePosition<Id>,
    stretch: &mut Stretch<Id, T>,
    has_room: bool,
    position_has_room: bool,
    now: Timestamp,
) -> Result<Option<(T, usize)>, PageEnd> {
    let Some((id, state)) = stretch.rows.pop_front() else { return Ok(None) };
    match state {
        RowState::Accepted(event, bytes) if !lane.has_returned(id) => {
            let needs_listing = !is_settled(id.at(), now);
            if !has_room || (needs_listing && !position_has_room) {
                stretch.rows.push_front((id, RowState::Accepted(event, bytes)));
                return Err(if has_room { PageEnd::PositionFull } else { PageEnd::Full });
            }
            lane.note_returned(id, now);
            Ok(Some((event, bytes)))
        }
        // An event without a number is passed over when it is settled: it then gets its number in the lane `late`.
        RowState::Accepted(..) | RowState::Unaccepted | RowState::LeftOut => {
            lane.pass(id, now);
            Ok(None)
        }
    }
}

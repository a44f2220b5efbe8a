//! A position in the feed, and its binary form, which cursors contain.

use std::time::Duration;

use thiserror::Error;

use super::lane::{LaneId, LanePosition};
use super::limits::{MAX_RETURNED, SETTLED_AFTER};
use crate::foundation::id::{BadId, EventId, LateEntryId};
use crate::foundation::time::Timestamp;

/// A position in the feed of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPosition {
    /// The position in the lane of events that were accepted at once.
    pub prompt: LanePosition<EventId>,
    /// The position in the lane of entries that point to events which were accepted late.
    pub late: LanePosition<LateEntryId>,
}

/// A position in the feed of a project, or of one of its submissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedCursor {
    /// A position in the feed of a project.
    Project(FeedPosition),
    /// The number of the last event of the submission that was returned or left out. 0: none was.
    Submission(u64),
}

/// Bytes that are not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not a position in a feed")]
pub struct BadCursor;

const PROJECT: u8 = 1;
const SUBMISSION: u8 = 2;

impl FeedPosition {
    /// The position before everything that is accepted at `at` or later, whatever the clock of the process that accepts it.
    pub fn before(at: Timestamp) -> Self {
        Self::behind(at, &[], &[])
    }

    /// The position before everything that is accepted at `at` or later, and behind the events that are accepted. `prompt` and `late`
    /// are the newest rows of the lanes, the newest first, and whether each is accepted. The position lists at most [`Self::NEWEST_ROWS`]
    /// of each lane. It is before older ones, because an event may still be accepted among them.
    pub fn behind(at: Timestamp, prompt: &[(EventId, bool)], late: &[(LateEntryId, bool)]) -> Self {
        let at = at.minus(SETTLED_AFTER);
        Self { prompt: lane_behind(at, prompt), late: lane_behind(at, late) }
    }

    /// Maximum number of rows of each lane that the position behind the newest ones lists.
    pub const NEWEST_ROWS: usize = MAX_RETURNED / 2;

    /// Number of events behind the settled positions that were returned.
    pub fn returned(&self) -> usize {
        self.prompt.returned().len() + self.late.returned().len()
    }

    /// When the position can list another event, if it lists as many as it can now.
    pub fn full_until(&self) -> Option<Timestamp> {
        let oldest = [
            self.prompt.returned().next().map(EventId::created_at),
            self.late.returned().next().map(LateEntryId::created_at),
        ];
        let oldest = oldest.into_iter().flatten().min().filter(|_| self.returned() >= MAX_RETURNED)?;
        Some(oldest.plus(SETTLED_AFTER + Duration::from_millis(1)))
    }

    /// The position, moved to `oldest` if that is later.
    #[must_use]
    pub fn from_at_least(mut self, oldest: Timestamp) -> Self {
        if self.prompt.settled().created_at() < oldest {
            self.prompt = LanePosition::new(EventId::first_at(oldest), self.prompt.returned());
        }
        if self.late.settled().created_at() < oldest {
            self.late = LanePosition::new(LateEntryId::first_at(oldest), self.late.returned());
        }
        self
    }
}

fn lane_behind<Id: LaneId>(at: Timestamp, newest: &[(Id, bool)]) -> LanePosition<Id> {
    let newest = newest.iter().take(FeedPosition::NEWEST_ROWS);
    LanePosition::new(Id::first_at(at), newest.filter(|(_, is_accepted)| *is_accepted).map(|(id, _)| *id))
}

impl FeedCursor {
    /// The binary form: about 12 bytes for each event that was returned behind the settled positions.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Project(FeedPosition { prompt, late }) => {
                let mut bytes = vec![PROJECT];
                write_lane(&mut bytes, prompt);
                write_lane(&mut bytes, late);
                bytes
            }
            Self::Submission(number) => {
                let mut bytes = vec![SUBMISSION];
                write_number(&mut bytes, *number);
                bytes
            }
        }
    }

    /// Reads the binary form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadCursor> {
        let (form, mut rest) = bytes.split_first().ok_or(BadCursor)?;
        let cursor = match *form {
            PROJECT => Self::Project(FeedPosition { prompt: read_lane(&mut rest)?, late: read_lane(&mut rest)? }),
            SUBMISSION => Self::Submission(read_number(&mut rest)?),
            _ => return Err(BadCursor),
        };
        if rest.is_empty() { Ok(cursor) } else { Err(BadCursor) }
    }
}

/// Bytes of an id that contain its time.
const TIME_BYTES: usize = 6;

/// Writes the settled id, the number of ids behind it, and each as the milliseconds since the one before and its random bytes.
fn write_lane<Id: LaneId>(bytes: &mut Vec<u8>, lane: &LanePosition<Id>) {
    bytes.extend(lane.settled().to_bytes());
    write_number(bytes, lane.returned().len() as u64);
    let mut before = millis(lane.settled().to_bytes());
    for id in lane.returned().map(Id::to_bytes) {
        write_number(bytes, millis(id) - before);
        bytes.extend(&id[TIME_BYTES..]);
        before = millis(id);
    }
}

fn read_lane<Id: LaneId>(bytes: &mut &[u8]) -> Result<LanePosition<Id>, BadCursor> {
    let settled: [u8; 16] = take(bytes)?;
    let count = read_number(bytes)?;
    if count > MAX_RETURNED as u64 {
        return Err(BadCursor);
    }
    let mut before = millis(settled);
    let mut returned = Vec::new();
    for _ in 0..count {
        before = before.checked_add(read_number(bytes)?).filter(|millis| millis >> 48 == 0).ok_or(BadCursor)?;
        let mut id = [0; 16];
        id[..TIME_BYTES].copy_from_slice(&before.to_be_bytes()[2..]);
        id[TIME_BYTES..].copy_from_slice(&take::<10>(bytes)?);
        returned.push(read_id(id)?);
    }
    Ok(LanePosition::new(read_id(settled)?, returned))
}

fn read_id<Id: LaneId>(bytes: [u8; 16]) -> Result<Id, BadCursor> {
    Id::from_bytes(bytes).map_err(|BadId| BadCursor)
}

/// The time in an id, in milliseconds since the Unix epoch.
fn millis(id: [u8; 16]) -> u64 {
    id[..TIME_BYTES].iter().fold(0, |millis, byte| (millis << 8) | u64::from(*byte))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], BadCursor> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(BadCursor)?;
    *bytes = rest;
    Ok(*taken)
}

/// Writes seven bits in each byte, the lowest first. The highest bit says that another byte follows.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &mut &[u8]) -> Result<u64, BadCursor> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take(bytes)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(BadCursor)?;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadCursor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn at(millis: u64) -> Timestamp {
        "2026-11-22T08:30:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_millis(millis))
    }

    fn position(settled: u64, prompt: &[u64], late: &[u64]) -> FeedPosition {
        let prompt = prompt.iter().map(|millis| EventId::new(at(*millis), &SystemRandom));
        let late = late.iter().map(|millis| LateEntryId::new(at(*millis), &SystemRandom));
        FeedPosition {
            prompt: LanePosition::new(EventId::new(at(settled), &SystemRandom), prompt.collect::<Vec<_>>()),
            late: LanePosition::new(LateEntryId::first_at(at(settled)), late.collect::<Vec<_>>()),
        }
    }

    #[test]
    fn a_full_cursor_has_less_than_4_kilobytes() {
        let times: Vec<u64> = (0..MAX_RETURNED as u64).map(|index| 150_000 * index / MAX_RETURNED as u64).collect();
        let bytes = FeedCursor::Project(position(0, &times, &[])).to_bytes();
        assert!(bytes.len() < 4000, "{}", bytes.len());
    }

    #[test]
    fn a_full_position_says_when_it_can_list_another_event() {
        let times: Vec<u64> = (0..MAX_RETURNED as u64 - 1).map(|index| 100 + index).collect();
        let (full, not_full) = (position(0, &times, &[50]), position(0, &times, &[]));
        assert_eq!((full.full_until(), not_full.full_until()), (Some(at(150_051)), None));
    }

    #[test]
    fn the_position_behind_many_rows_lists_the_newest_accepted_ones_and_passes_none() {
        let rows: Vec<_> =
            (0..200).rev().map(|millis| (EventId::new(at(millis), &SystemRandom), millis != 199)).collect();
        let position = FeedPosition::behind(at(200), &rows, &[]);
        let settled = EventId::first_at(at(200).minus(SETTLED_AFTER));
        assert_eq!(position.prompt, LanePosition::new(settled, rows[1..150].iter().map(|(id, _)| *id)));
        assert_eq!(position.late, LanePosition::new(LateEntryId::first_at(at(200).minus(SETTLED_AFTER)), []));
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(
            settled in 0..200_000_u64,
            prompt in proptest::collection::vec(0..400_000_u64, 0..150),
            late in proptest::collection::vec(0..400_000_u64, 0..150),
            number: u64,
        ) {
            for cursor in [FeedCursor::Project(position(settled, &prompt, &late)), FeedCursor::Submission(number)] {
                prop_assert_eq!(FeedCursor::from_bytes(&cursor.to_bytes()), Ok(cursor));
            }
        }

        #[test]
        fn reading_arbitrary_bytes_never_panics(form in 0..4_u8, mut bytes: Vec<u8>) {
            bytes.insert(0, form);
            let _ = FeedCursor::from_bytes(&bytes);
        }

        #[test]
        fn a_changed_cursor_never_panics(prompt in proptest::collection::vec(0..400_000_u64, 0..9), index: prop::sample::Index, byte: u8) {
            let mut bytes = FeedCursor::Project(position(7, &prompt, &[])).to_bytes();
            let index = index.index(bytes.len());
            bytes[index] = byte;
            if let Ok(cursor) = FeedCursor::from_bytes(&bytes) {
                let _ = cursor.to_bytes();
            }
        }
    }
}

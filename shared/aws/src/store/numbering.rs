//! Rows of submissions, which number their events (`docs/decisions/sequence-numbers.md`).
//!
//! The row lists the ids of the events in the order of their numbers. Its oldest ids are moved into archive rows, [`ARCHIVED`] in
//! each, so that the row stays small. `archivedCount` is the number of events in archive rows.
//!
//! Reading, writing and archiving are in the modules below.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::foundation::id::{EventId, LateEntryId};
use domain::foundation::time::Timestamp;
use domain::webhooks::event::Sequence;
use serde::{Deserialize, Serialize};

use super::table::{self, Item};

mod archive;
mod read;
mod write;

/// Number of ids in an archive row.
const ARCHIVED: usize = 16;

/// The place of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// Its number within its submission.
    pub sequence: Sequence,
    /// Its entry in the lane `late` of the feed. `None`: it is in the lane `prompt`.
    pub late_entry: Option<LateEntryId>,
}

/// The events of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submission {
    /// The events in the order of their numbers, also those that are no longer kept.
    pub events: Vec<(EventId, Numbered)>,
    /// When the submission was erased most recently.
    pub(super) erased_at: Option<Timestamp>,
    /// Number of the last event that is completely erased; 0 if there is none.
    pub(super) erased_through: u64,
    /// Number of events in archive rows.
    archived_count: u64,
}

impl Submission {
    /// The events that are not completely erased.
    pub(super) fn left(&self) -> impl Iterator<Item = (EventId, Sequence)> {
        let is_left = |numbered: &Numbered| numbered.sequence.get() > self.erased_through;
        self.events.iter().filter(move |(_, numbered)| is_left(numbered)).map(|(id, place)| (*id, place.sequence))
    }

    /// Whether an event that gets its number now was accepted before the submission was erased.
    pub(super) fn was_erased_after(&self, id: EventId) -> bool {
        self.erased_at.is_some_and(|erased_at| id.created_at() <= erased_at)
    }

    /// The number of an event; `None` if it has none.
    pub(super) fn sequence_of(&self, id: EventId) -> Option<Sequence> {
        self.place_of(id).map(|place| place.sequence)
    }

    fn place_of(&self, id: EventId) -> Option<Numbered> {
        self.events.iter().rev().find(|(listed, _)| *listed == id).map(|(_, numbered)| *numbered)
    }
}

/// The row of a submission.
#[derive(Debug, Clone, Default)]
struct NumberingRow {
    archived_count: u64,
    ids: Vec<EventId>,
    late: HashMap<EventId, LateEntryId>,
    erased_at: Option<Timestamp>,
    erased_through: u64,
}

impl NumberingRow {
    fn read(item: &Item) -> Self {
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
        let late = binaries(item, "late").filter_map(|pair: [u8; 32]| {
            let (event, entry) = pair.split_at(16);
            Some((
                EventId::from_bytes(event.try_into().ok()?).ok()?,
                LateEntryId::from_bytes(entry.try_into().ok()?).ok()?,
            ))
        });
        Self {
            archived_count: number("archivedCount").unwrap_or(0),
            ids: ids_in(item),
            late: late.collect(),
            erased_at: table::string(item, "erasedAt").parse().ok(),
            erased_through: number("erasedThrough").unwrap_or(0),
        }
    }

    /// The submission as this row shows it, with ids of archive rows by the number of events before them.
    fn into_submission(self, archived: BTreeMap<u64, EventId>) -> Submission {
        let Self { archived_count, ids, late, erased_at, erased_through } = self;
        let place = |(number, id)| {
            let late_entry = late.get(&id).copied();
            (id, Numbered { sequence: Sequence::after(number), late_entry })
        };
        let events = archived.into_iter().chain((archived_count..).zip(ids)).map(place).collect();
        Submission { events, erased_at, erased_through, archived_count }
    }

    /// The submission as this row alone shows it.
    fn into_latest(self) -> Submission {
        self.into_submission(BTreeMap::new())
    }
}

/// Reads the list of ids of a row. All were written by this store.
fn ids_in(item: &Item) -> Vec<EventId> {
    binaries(item, "ids").filter_map(|bytes| EventId::from_bytes(bytes).ok()).collect()
}

fn binaries<const N: usize>(item: &Item, name: &str) -> impl Iterator<Item = [u8; N]> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_b().ok()?.as_ref().try_into().ok())
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An entry of the lane `late` of the feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LateEntryRow {
    pub(super) event_id: EventId,
    pub(super) expires_at: i64,
}

#[cfg(all(test, feature = "queue"))]
mod tests;

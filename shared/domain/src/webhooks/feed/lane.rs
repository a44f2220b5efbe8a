//! A position in one lane of the feed.

use std::collections::BTreeSet;

use super::limits::{SETTLED_AFTER, is_settled};
use crate::foundation::id::{BadId, EventId, LateEntryId};
use crate::foundation::time::Timestamp;

/// Ids that order the rows of a lane.
pub trait LaneId: Copy + Ord {
    /// The time in the id.
    fn at(self) -> Timestamp;

    /// The lowest id with the time `at`. No row has it.
    fn first_at(at: Timestamp) -> Self;

    /// The 16 bytes of the id. They sort like the ids.
    fn to_bytes(self) -> [u8; 16];

    /// The id with these bytes.
    fn from_bytes(bytes: [u8; 16]) -> Result<Self, BadId>;
}

macro_rules! lane_id {
    ($name:ident) => {
        impl LaneId for $name {
            fn at(self) -> Timestamp {
                self.created_at()
            }

            fn first_at(at: Timestamp) -> Self {
                Self::first_at(at)
            }

            fn to_bytes(self) -> [u8; 16] {
                *self.as_bytes()
            }

            fn from_bytes(bytes: [u8; 16]) -> Result<Self, BadId> {
                Self::from_bytes(bytes)
            }
        }
    };
}

lane_id!(EventId);
lane_id!(LateEntryId);

/// A position in one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanePosition<Id> {
    /// Every row up to this id was returned, or never will be.
    settled: Id,
    /// The rows behind `settled` that were returned.
    returned: BTreeSet<Id>,
}

impl<Id: LaneId> LanePosition<Id> {
    /// The position behind `settled` and the rows in `returned`.
    pub(super) fn new(settled: Id, returned: impl IntoIterator<Item = Id>) -> Self {
        let returned = returned.into_iter().filter(|id| *id > settled).collect();
        Self { settled, returned }
    }

    /// The id behind which the lane is read.
    pub fn settled(&self) -> Id {
        self.settled
    }

    /// The rows behind [`Self::settled`] that were returned, in order.
    pub fn returned(&self) -> impl ExactSizeIterator<Item = Id> {
        self.returned.iter().copied()
    }

    /// Whether the row was returned.
    pub fn has_returned(&self, id: Id) -> bool {
        self.returned.contains(&id)
    }

    /// Notes that the row was returned. Rows are noted in order.
    pub(super) fn note_returned(&mut self, id: Id, now: Timestamp) {
        self.returned.insert(id);
        self.pass(id, now);
    }

    /// Notes that all rows up to `id` were read, and that those which may be returned now were returned. Nothing appears any more
    /// before a settled row, so the position moves there.
    pub(super) fn pass(&mut self, id: Id, now: Timestamp) {
        // All ids below this one are settled.
        let first_unsettled = Id::first_at(now.minus(SETTLED_AFTER));
        let passed = if is_settled(id.at(), now) { id } else { id.min(first_unsettled) };
        if passed > self.settled {
            self.settled = passed;
            self.returned.retain(|id| *id > passed);
        }
    }
}

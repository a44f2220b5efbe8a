//! How far a replay has come.

use serde::{Deserialize, Serialize};

use super::filter::{ReplayFilter, ReplayScope};
use crate::foundation::id::EventId;
use crate::foundation::time::{Timestamp, UtcDay};
use crate::webhooks::delivery::Position;

/// Position at which a replay continues. Both fields are absent after the last page.
///
/// The scope `missing` has a field of its own, so that a version that does not know this scope sends nothing for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayPosition {
    /// Position in the listing of ended deliveries, newest event first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
    /// Position in the listing of events with missing deliveries, oldest event first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_event: Option<EventPosition>,
}

impl ReplayPosition {
    /// Start of a replay that is started at `now`.
    pub fn first(filter: &ReplayFilter, now: Timestamp) -> Self {
        match filter.scope {
            ReplayScope::Ended => Self { next: Some(Position::first(Some(filter.to), now)), next_event: None },
            ReplayScope::Missing => Self { next: None, next_event: Some(EventPosition::From(filter.from)) },
        }
    }

    /// Whether all deliveries were listed.
    pub fn is_end(self) -> bool {
        self == Self::default()
    }
}

/// Position in a listing of a project's events, oldest event first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventPosition {
    /// At the first event accepted at or after this time.
    #[serde(rename = "from")]
    From(Timestamp),
    /// After this event.
    #[serde(rename = "after")]
    After(EventId),
}

impl EventPosition {
    /// The day of the next events.
    pub fn day(self) -> UtcDay {
        match self {
            Self::From(from) => from.day(),
            Self::After(event) => event.day(),
        }
    }

    /// Position after a page that was read here. `last` is the last event of the page if its day may have later ones. Returns
    /// `None` after the last page of the listing until `to`.
    pub fn next(self, last: Option<EventId>, to: Timestamp) -> Option<Self> {
        let tomorrow = self.day().next();
        match last {
            Some(event) => Some(Self::After(event)),
            None if self.day() >= to.day() || tomorrow == self.day() => None,
            None => Some(Self::From(tomorrow.start())),
        }
    }
}

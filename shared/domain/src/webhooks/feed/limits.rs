//! The times after which a position of the feed is final, and the limits of a page.

use std::time::Duration;

use crate::foundation::id::EventId;
use crate::foundation::time::Timestamp;

/// Age of an event's id at which the event is accepted in the lane `late`.
pub const LATE_AFTER: Duration = Duration::from_secs(10);

/// Age of a position at which nothing appears before it any more: the sum of [`LATE_AFTER`], [`MAX_CLOCK_DIFFERENCE`] and
/// [`MAX_ACCEPTING`].
pub const SETTLED_AFTER: Duration = Duration::from_secs(150);

/// Maximum number of events behind the settled positions that a position lists as returned. The cursor of such a position has about five
/// kilobytes.
pub const MAX_RETURNED: usize = 300;

/// Maximum size of the events of a page, in bytes. Lambda returns at most 6 MiB, in which a quote or backslash takes two bytes.
pub const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Maximum time by which two clocks may differ.
pub const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(2);

/// Maximum time from the decision for a lane to the end of the write that accepts the event.
pub const MAX_ACCEPTING: Duration = Duration::from_secs(20);

/// Whether an event that is about to be accepted at `now` belongs into the lane `late`.
pub fn is_late(id: EventId, now: Timestamp) -> bool {
    now.since(id.created_at()) > LATE_AFTER
}

/// Whether nothing appears any more before a position with the time `at`.
pub fn is_settled(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) > SETTLED_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    #[test]
    fn the_longest_write_of_the_slowest_clock_ends_before_its_position_is_settled() {
        let accepting: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let id = EventId::new(accepting, &SystemRandom);
        let decided = accepting.plus(LATE_AFTER);
        assert!(!is_late(id, decided) && is_late(id, decided.plus(Duration::from_millis(1))));
        let reader = decided.plus(MAX_ACCEPTING).plus(MAX_CLOCK_DIFFERENCE);
        assert!(!is_settled(accepting, reader) && is_settled(accepting, reader.plus(Duration::from_millis(1))));
    }
}

//! Slices of time, into which the report of a large project is divided.
//!
//! A slice is a range of the times at which events were accepted. One message counts at most [`MAX_SLICE_ROWS`] rows of its
//! slice, in the order of time. If more follow, it divides the rest into smaller slices, each with a message of its own. The
//! slices that were counted never overlap, and together they are the whole.

use serde::{Deserialize, Serialize};

use crate::foundation::time::{Timestamp, UtcDay};

/// Maximum number of rows (events and deliveries) that one message counts. More follow only from the same millisecond.
pub const MAX_SLICE_ROWS: u64 = 50_000;

/// Maximum number of slices into which the rest of a slice is divided.
const FAN_OUT: u64 = 16;

/// Deliveries of the events accepted from `from` on and before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Start of the slice.
    pub from: Timestamp,
    /// End of the slice, exclusive.
    pub to: Timestamp,
}

impl Slice {
    /// All deliveries that the report of `day` counts: those of the day's events, and late ones of earlier events.
    pub fn whole(day: UtcDay) -> Self {
        let start = Timestamp::from_millis(0).expect("the Unix epoch is a time");
        Self { from: start, to: day.next().start() }
    }

    /// The part from `from` on.
    #[must_use]
    pub fn rest(self, from: Timestamp) -> Self {
        Self { from: from.min(self.to), ..self }
    }

    /// Whether `parts`, in the order of time, are this slice without gaps.
    pub fn is_covered_by(self, parts: impl IntoIterator<Item = Self>) -> bool {
        let follow = |end: Timestamp, part: Self| (part.from == end).then_some(part.to);
        parts.into_iter().try_fold(self.from, follow) == Some(self.to)
    }

    /// Length in milliseconds.
    pub fn millis(self) -> u64 {
        u64::try_from(self.to.since(self.from).as_millis()).unwrap_or(u64::MAX)
    }

    /// Divides the slice into parts of about the same length, which together are the slice.
    pub fn parts(self) -> Vec<Self> {
        let millis = self.millis();
        let count = millis.min(FAN_OUT);
        let boundary = |number: u64| self.from.plus(std::time::Duration::from_millis(millis * number / count));
        (0..count).map(|number| Self { from: boundary(number), to: boundary(number + 1) }).collect()
    }
}

/// Counts the rows of a slice while it is read, and decides where to stop.
#[derive(Debug)]
pub struct SliceReader {
    slice: Slice,
    max_rows: u64,
    rows: u64,
    last: Option<Timestamp>,
    end: Timestamp,
}

impl SliceReader {
    /// Starts to read `slice`. Stops after `max_rows` rows, but not within a millisecond.
    pub fn new(slice: Slice, max_rows: u64) -> Self {
        Self { slice, max_rows, rows: 0, last: None, end: slice.to }
    }

    /// The slice that is read.
    pub fn slice(&self) -> Slice {
        self.slice
    }

    /// Decides whether an event accepted at `at`, with this many rows, is still counted. Call it in the order of time, and stop
    /// after the first `false`.
    pub fn takes(&mut self, at: Timestamp, rows: u64) -> bool {
        let is_full = self.rows >= self.max_rows && self.last != Some(at);
        if is_full {
            self.end = self.end.min(at);
            return false;
        }
        self.rows += rows;
        self.last = Some(at);
        true
    }

    /// Where the counting ended: the end of the slice, or the time of the first event that was not counted.
    pub fn end(&self) -> Timestamp {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    proptest! {
        #[test]
        fn the_parts_of_a_slice_are_the_whole_slice(from in 0_i64..100, millis in 0_i64..100_000) {
            let slice = Slice { from: at(from), to: at(from + millis) };
            let parts = slice.parts();
            prop_assert!(parts.len() as u64 <= FAN_OUT && parts.iter().all(|part| part.from < part.to));
            let mut next = slice.from;
            for part in parts {
                prop_assert_eq!(part.from, next);
                next = part.to;
            }
            prop_assert_eq!(next, slice.to);
        }

        #[test]
        fn every_event_of_a_slice_is_counted_once(mut times in proptest::collection::vec(0_i64..300, 0..400), max_rows in 1_u64..40) {
            times.sort_unstable();
            let mut slices = vec![Slice { from: at(0), to: at(300) }];
            let (whole, mut counted, mut ranges, mut messages) = (slices[0], Vec::new(), Vec::new(), 0);
            while let Some(slice) = slices.pop() {
                let mut reader = SliceReader::new(slice, max_rows);
                let within = times.iter().filter(|time| slice.from <= at(**time) && at(**time) < slice.to);
                counted.extend(within.copied().take_while(|time| reader.takes(at(*time), 1)));
                ranges.push(Slice { to: reader.end(), ..slice });
                slices.extend(slice.rest(reader.end()).parts());
                messages += 1;
            }
            counted.sort_unstable();
            prop_assert_eq!(counted, times);
            prop_assert!(messages <= 301, "{messages}");
            ranges.sort_unstable_by_key(|range| range.from);
            prop_assert!(whole.is_covered_by(ranges.iter().copied()));
            for missing in 0..ranges.len() {
                let others = ranges.iter().enumerate().filter(|(index, _)| *index != missing);
                prop_assert!(!whole.is_covered_by(others.map(|(_, range)| *range)));
            }
        }
    }

    #[test]
    fn a_slice_with_few_rows_is_read_to_its_end() {
        let slice = Slice { from: at(0), to: at(1000) };
        let mut reader = SliceReader::new(slice, 3);
        assert!([1, 2, 2].map(|time| reader.takes(at(time), 1)).iter().all(|takes| *takes));
        assert_eq!(reader.end(), at(1000));
        assert_eq!([2, 2, 3, 4].map(|time| reader.takes(at(time), 5)), [true, true, false, false]);
        assert_eq!(reader.end(), at(3));
        assert_eq!(slice.rest(at(1000)).parts(), []);
    }
}

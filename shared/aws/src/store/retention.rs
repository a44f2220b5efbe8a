//! How long rows are kept.

use std::time::Duration;

use domain::foundation::time::Timestamp;
use thiserror::Error;

/// Number of days that events and deliveries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    days: u32,
}

/// The value is not a valid [`Retention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of days from {MIN_DAYS} to {MAX_DAYS}")]
pub struct BadRetention;

/// Five days, because a delivery is retried for more than three, and expires a day before its event is deleted.
const MIN_DAYS: u32 = 5;

const MAX_DAYS: u32 = 3650;

const DAY: Duration = Duration::from_hours(24);

/// Number of days for which a delivery is kept at least after its end, so that the report of the day of its end finds it.
const DAYS_AFTER_END: u32 = 5;

impl Retention {
    /// Returns DynamoDB's TTL for a row about something that happened at `moment`, in seconds since 1970.
    pub(super) fn expiry_of(self, moment: Timestamp) -> i64 {
        moment.plus(self.duration()).as_seconds()
    }

    /// Returns the TTL of a delivery that has not ended. It is so far ahead that DynamoDB never deletes the row before the
    /// delivery has ended, even if the retention is changed. The row gets its real TTL with its final state.
    pub(super) fn expiry_while_open(moment: Timestamp) -> i64 {
        moment.plus(DAY * MAX_DAYS).as_seconds()
    }

    /// Returns the TTL of a row that numbers the events of a submission, after an update at `moment`. It is far ahead, because
    /// numbers must not start again while receivers remember the last one.
    pub(super) fn expiry_of_numbers(moment: Timestamp) -> i64 {
        moment.plus(DAY * MAX_DAYS).as_seconds()
    }

    /// Returns the TTL of a delivery whose event was accepted at `moment` and that ended at `ended_at`.
    pub(super) fn expiry_after_end(self, moment: Timestamp, ended_at: Timestamp) -> i64 {
        self.expiry_of(moment).max(ended_at.plus(DAY * DAYS_AFTER_END).as_seconds())
    }

    /// Returns how long rows are kept.
    pub fn duration(self) -> Duration {
        DAY * self.days
    }

    /// Returns the moment before which rows may be gone.
    pub fn oldest_kept(self, now: Timestamp) -> Timestamp {
        now.minus(self.duration())
    }
}

impl std::str::FromStr for Retention {
    type Err = BadRetention;

    fn from_str(text: &str) -> Result<Self, BadRetention> {
        let days = text.parse().ok().filter(|days| (MIN_DAYS..=MAX_DAYS).contains(days)).ok_or(BadRetention)?;
        Ok(Self { days })
    }
}

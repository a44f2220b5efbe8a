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
#[error("must be a number of days from 5 to 3650")]
pub struct BadRetention;

impl Retention {
    /// Returns DynamoDB's TTL for a row about something that happened at `moment`, in seconds since 1970.
    pub(super) fn expiry_of(self, moment: Timestamp) -> i64 {
        moment.as_seconds() + i64::from(self.days) * 24 * 60 * 60
    }

    /// Returns the moment before which rows may be gone.
    pub fn oldest_kept(self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.days) * 24 * 60 * 60))
    }
}

impl std::str::FromStr for Retention {
    type Err = BadRetention;

    /// At least five days, because a delivery is retried for more than three.
    fn from_str(text: &str) -> Result<Self, BadRetention> {
        let days = text.parse().ok().filter(|days| (5..=3650).contains(days)).ok_or(BadRetention)?;
        Ok(Self { days })
    }
}

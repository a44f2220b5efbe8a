//! Rows that this version cannot read.
//!
//! A delivery with such a row is set aside: its message is deleted, and the sweep checks it again in an hour. It is logged and
//! counted once. An unreadable endpoint or health fails the messages of the endpoint, and is logged and counted once an hour,
//! not for every message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use aws::store::StoreError;
use domain::foundation::cache::Cache;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use tracing::error;

/// Time in which one row is reported once.
const REPORT_INTERVAL: Duration = Duration::from_hours(1);

/// Maximum number of rows that are remembered as reported.
const MAX_REPORTED: usize = 10_000;

/// A kind of row that belongs to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EndpointRow {
    /// The settings, or keys of the project that the endpoint uses.
    Settings,
    /// The health.
    Health,
}

impl EndpointRow {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Health => "health",
        }
    }
}

/// Reports rows that cannot be read.
pub(crate) struct UnreadableRows {
    reported: Cache<(EndpointId, EndpointRow), ()>,
    /// Rows reported since the last call of [`Self::take_measured`].
    count: AtomicU64,
}

impl UnreadableRows {
    pub(crate) fn new() -> Self {
        Self { reported: Cache::new(REPORT_INTERVAL, MAX_REPORTED), count: AtomicU64::new(0) }
    }

    /// Reports a row if `error` says that it cannot be read, unless it was reported within the last hour.
    pub(crate) fn report(&self, id: EndpointId, row: EndpointRow, error: &StoreError, now: Timestamp) {
        let StoreError::Row(_) = error else { return };
        if self.reported.get(&(id, row), now).is_some() {
            return;
        }
        self.reported.insert((id, row), (), now);
        self.count.fetch_add(1, Ordering::Relaxed);
        let row = row.as_str();
        error!(endpoint.id = %id, row, cause = telemetry::chain(error), "{row} of endpoint {id} cannot be read");
    }

    /// Returns how many rows were reported since the last call.
    pub(crate) fn take_measured(&self) -> Measured {
        Measured::one(Metric::UnreadableRows, self.count.swap(0, Ordering::Relaxed))
    }
}

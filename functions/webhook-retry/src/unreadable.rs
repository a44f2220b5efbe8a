//! Rows that this version cannot read, such as those of a newer version after a rollback.
//!
//! They are set aside for an hour, so that they do not block the rows behind them, and counted each time. A version that can
//! read them handles them then.

use std::sync::atomic::Ordering;

use aws::ServiceError;
use aws::lambda::metric::{Measured, Metric};
use aws::store::RowKey;
use tracing::error;

use crate::sweeper::Sweeper;

impl Sweeper {
    /// Sets aside a row of the index `due`.
    pub(crate) async fn set_aside(&self, row: &RowKey) -> Result<(), ServiceError> {
        self.note_unreadable(row);
        self.store.sweep.set_aside(row, self.clock.now()).await?;
        Ok(())
    }

    /// Sets aside deliveries of the index `held`.
    pub(crate) async fn set_held_aside(&self, rows: &[RowKey]) -> Result<(), ServiceError> {
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            self.note_unreadable(row);
        }
        Ok(self.store.deliveries.set_held_aside(rows, self.clock.now()).await?)
    }

    /// Returns the number of rows since the last call, as a metric.
    pub(crate) fn take_unreadable(&self) -> Measured {
        Measured::one(Metric::UnreadableRows, self.unreadable.swap(0, Ordering::Relaxed))
    }

    fn note_unreadable(&self, row: &RowKey) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
        error!(
            pk = row.pk,
            sk = row.sk,
            "row {} of partition {} cannot be read and is set aside for an hour",
            row.sk,
            row.pk
        );
    }
}

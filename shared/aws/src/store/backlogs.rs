//! Passes of the sweep through the backlogs of projects, one row for each shard and project with a backlog.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys::{self, BACKLOG_PREFIX};
use super::outcome::WriteOutcome;
use super::sweep::{DuePosition, SweepStore};
use super::table::{self, ABSENT, Row, number};
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::webhooks::sweep::Pass;
use std::time::Duration;

/// How long the row of an abandoned pass is kept.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// A stored pass.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPass {
    /// The pass.
    pub pass: Pass<DuePosition>,
    /// Number of writes; 0 if there is no row.
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PassRow {
    #[serde(flatten)]
    pass: Pass<DuePosition>,
    version: u64,
    expires_at: i64,
}

impl StoredPass {
    /// A pass that has not begun.
    pub fn new(project: ProjectId) -> Self {
        Self { pass: Pass::new(project), version: 0 }
    }
}

impl SweepStore {
    /// Returns the passes of a shard (strongly consistent).
    pub async fn passes(&self, shard: u8) -> Result<Vec<StoredPass>, StoreError> {
        let query = self.table.beginning_with(&keys::sweep(shard), BACKLOG_PREFIX).consistent_read(true);
        let rows: Vec<PassRow> = table::all(query).await?;
        Ok(rows.into_iter().map(|row| StoredPass { pass: row.pass, version: row.version }).collect())
    }

    /// Stores `next` after `known`. Returns the stored pass; `None` if another run wrote it meanwhile.
    pub async fn put_pass(
        &self,
        shard: u8,
        known: &StoredPass,
        next: Pass<DuePosition>,
        now: Timestamp,
    ) -> Result<Option<StoredPass>, StoreError> {
        let version = known.version + 1;
        let content = PassRow { pass: next, version, expires_at: now.plus(KEPT_FOR).as_seconds() };
        let row = Row { pk: keys::sweep(shard), sk: keys::backlog(content.pass.project_id), content };
        let call = self.table.putting(&row)?;
        let call = match i64::try_from(known.version) {
            Ok(0) => call.condition_expression(ABSENT),
            before => call
                .condition_expression("version = :before")
                .expression_attribute_values(":before", number(before.unwrap_or(i64::MAX))),
        };
        let written = self.table.put_if(call).await?;
        Ok((written == WriteOutcome::Applied).then_some(StoredPass { pass: row.content.pass, version }))
    }

    /// Forgets a pass, unless another run wrote it meanwhile.
    pub async fn forget_pass(&self, shard: u8, known: &StoredPass) -> Result<WriteOutcome, StoreError> {
        let call = self.table.deleting(&keys::sweep(shard), &keys::backlog(known.pass.project_id));
        let version = i64::try_from(known.version).unwrap_or(i64::MAX);
        let call = call.condition_expression("version = :seen").expression_attribute_values(":seen", number(version));
        self.table.delete_if(call).await
    }
}

//! The health of endpoints, one row each. A row that the sweep has to check is in the index `due`, like deliveries.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::keys::SweepKeys;
use super::outcome::WriteOutcome;
use super::table::{ABSENT, Row, Table, number};
use crate::client::Aws;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::health::Health;

/// Maximum number of tries for a write that conflicts with others.
const TRIES: usize = 5;

/// Delay of the check that is scheduled before a change to an endpoint's state is written. If the function dies between the two
/// writes, the sweep checks the endpoint after this delay.
pub const FALLBACK_CHECK_DELAY: Duration = Duration::from_mins(2);

/// The stored health of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHealth {
    /// The health.
    pub health: Health,
    /// When the sweep checks the endpoint, if a check is scheduled.
    pub sweep_at: Option<Timestamp>,
    /// Number of writes; 0 if there is no row.
    version: u64,
}

impl StoredHealth {
    fn unknown(project: ProjectId, endpoint: EndpointId) -> Self {
        Self { health: Health::unknown(project, endpoint), sweep_at: None, version: 0 }
    }

    /// Whether there is a row.
    pub fn is_stored(&self) -> bool {
        self.version > 0
    }

    /// Whether this is an earlier version of the row than `other`.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.version < other.version
    }

    /// Returns the next version, with this health and this scheduled check.
    #[must_use]
    pub fn next(&self, health: Health, sweep_at: Option<Timestamp>) -> Self {
        Self { health, sweep_at, version: self.version + 1 }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct HealthRow {
    #[serde(flatten)]
    health: Health,
    version: u64,
    #[serde(flatten)]
    sweep: Option<SweepKeys>,
}

impl From<HealthRow> for StoredHealth {
    fn from(row: HealthRow) -> Self {
        let sweep_at = row.sweep.and_then(|sweep| Timestamp::from_millis(sweep.sweep_at));
        Self { health: row.health, sweep_at, version: row.version }
    }
}

/// The health of endpoints.
#[derive(Debug, Clone)]
pub struct HealthStore {
    pub(super) table: Table,
}

impl HealthStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns an endpoint's health (eventually consistent).
    pub async fn get(&self, project: ProjectId, endpoint: EndpointId) -> Result<StoredHealth, StoreError> {
        let (pk, sk) = keys::health_row(project, endpoint);
        let row: Option<HealthRow> = self.table.get(&pk, &sk).await?;
        Ok(row.map_or_else(|| StoredHealth::unknown(project, endpoint), StoredHealth::from))
    }

    /// Returns an endpoint's health (strongly consistent).
    pub async fn get_now(&self, project: ProjectId, endpoint: EndpointId) -> Result<StoredHealth, StoreError> {
        let (pk, sk) = keys::health_row(project, endpoint);
        let row: Option<HealthRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map_or_else(|| StoredHealth::unknown(project, endpoint), StoredHealth::from))
    }

    /// Changes an endpoint's health, starting from `known`. `change` returns the next version, or `None` to leave the row.
    /// After a conflicting write it is called again with the stored version. Returns the resulting health, and whether this
    /// call changed it.
    pub async fn change(
        &self,
        mut known: StoredHealth,
        change: impl Fn(&StoredHealth) -> Option<StoredHealth>,
    ) -> Result<(StoredHealth, WriteOutcome), StoreError> {
        for _ in 0..TRIES {
            let Some(next) = change(&known) else { return Ok((known, WriteOutcome::Conflict)) };
            if self.put(&next).await? == WriteOutcome::Applied {
                return Ok((next, WriteOutcome::Applied));
            }
            known = self.get_now(known.health.project_id, known.health.endpoint_id).await?;
            // If the response to the write was lost, the SDK wrote again and met its own row.
            if known == next {
                return Ok((next, WriteOutcome::Applied));
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Stores the next version. [`WriteOutcome::Conflict`] if another write came first: read again and decide again.
    pub async fn put(&self, next: &StoredHealth) -> Result<WriteOutcome, StoreError> {
        let (project, endpoint) = (next.health.project_id, next.health.endpoint_id);
        let (pk, sk) = keys::health_row(project, endpoint);
        let sweep = next.sweep_at.map(|sweep_at| SweepKeys::new(endpoint.as_bytes(), sweep_at));
        let row = Row { pk, sk, content: HealthRow { health: next.health.clone(), version: next.version, sweep } };
        let before = i64::try_from(next.version - 1).unwrap_or(i64::MAX);
        let is_same = "version = :before";
        let condition = if before == 0 { format!("{ABSENT} OR {is_same}") } else { is_same.to_owned() };
        let call = self.table.putting(&row)?.condition_expression(condition);
        self.table.put_if(call.expression_attribute_values(":before", number(before))).await
    }

    /// Has the sweep check an endpoint at `at`, or earlier if an earlier check is planned. Does nothing for an endpoint without
    /// a health row: nothing was ever held for it.
    pub async fn schedule_check(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.get_now(project, endpoint).await?;
        let plan = |stored: &StoredHealth| {
            let at = stored.sweep_at.map_or(at, |planned| planned.min(at));
            stored.is_stored().then(|| stored.next(stored.health.clone(), Some(at)))
        };
        self.change(known, plan).await?;
        Ok(())
    }

    /// Has the sweep check an endpoint with held deliveries at `now`, unless a check is planned already.
    pub async fn schedule_missing_check(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.get_now(project, endpoint).await?;
        let plan = |stored: &StoredHealth| {
            stored.sweep_at.is_none().then(|| stored.next(stored.health.clone().holding(now), Some(now)))
        };
        self.change(known, plan).await?;
        Ok(())
    }

    /// Deletes the health of a deleted endpoint. [`WriteOutcome::Conflict`] if another write came first; the row stays.
    pub async fn delete(&self, stored: &StoredHealth) -> Result<WriteOutcome, StoreError> {
        let (pk, sk) = keys::health_row(stored.health.project_id, stored.health.endpoint_id);
        let call = self.table.deleting(&pk, &sk).condition_expression("version = :seen");
        let seen = i64::try_from(stored.version).unwrap_or(i64::MAX);
        self.table.delete_if(call.expression_attribute_values(":seen", number(seen))).await
    }
}

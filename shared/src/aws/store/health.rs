//! The health of endpoints, one row each. A row that the sweep is to look at is in the index `due`, beside deliveries.

use serde::{Deserialize, Serialize};

use super::sweep::SweepKeys;
use super::table::{Row, number};
use super::{Activity, StoreError, Written};
use crate::health::Health;
use crate::id::{EndpointId, ProjectId};
use crate::time::Timestamp;

/// How often a write is tried that others came before.
const TRIES: usize = 5;

/// What is stored of an endpoint's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHealth {
    /// The health.
    pub health: Health,
    /// When the sweep is to look after the endpoint, if it is.
    pub sweep_at: Option<Timestamp>,
    /// Counts the writes; 0 if nothing was ever written.
    version: u64,
}

impl StoredHealth {
    fn unknown(project: ProjectId, endpoint: EndpointId) -> Self {
        Self { health: Health::unknown(project, endpoint), sweep_at: None, version: 0 }
    }

    /// Whether anything was ever written of it.
    pub fn is_stored(&self) -> bool {
        self.version > 0
    }

    /// What follows on this.
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

fn row_keys(project: ProjectId, endpoint: EndpointId) -> (String, String) {
    (format!("{project}#health"), format!("endpoint#{endpoint}"))
}

impl Activity {
    /// An endpoint's health as it was a moment ago.
    pub async fn health(&self, project: ProjectId, endpoint: EndpointId) -> Result<StoredHealth, StoreError> {
        let (pk, sk) = row_keys(project, endpoint);
        let row: Option<HealthRow> = self.table.get(&pk, &sk).await?;
        Ok(row.map_or_else(|| StoredHealth::unknown(project, endpoint), StoredHealth::from))
    }

    /// An endpoint's health as it is now.
    pub async fn health_now(&self, project: ProjectId, endpoint: EndpointId) -> Result<StoredHealth, StoreError> {
        let (pk, sk) = row_keys(project, endpoint);
        let row: Option<HealthRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map_or_else(|| StoredHealth::unknown(project, endpoint), StoredHealth::from))
    }

    /// Changes an endpoint's health, beginning with what is `known` of it. `change` says what follows; `None` to leave it. If
    /// somebody else wrote meanwhile, it is asked again. Answers the health as it is then, and whether it was changed.
    pub async fn change_health(
        &self,
        mut known: StoredHealth,
        change: impl Fn(&StoredHealth) -> Option<StoredHealth>,
    ) -> Result<(StoredHealth, Written), StoreError> {
        for _ in 0..TRIES {
            let Some(next) = change(&known) else { return Ok((known, Written::Before)) };
            if self.put_health(&next).await? == Written::Now {
                return Ok((next, Written::Now));
            }
            known = self.health_now(known.health.project_id, known.health.endpoint_id).await?;
            // The answer to a write may get lost, and the client below then writes again.
            if known == next {
                return Ok((next, Written::Now));
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Stores what follows on a stored health. [`Written::Before`] if somebody else wrote meanwhile: read again, decide again.
    pub async fn put_health(&self, next: &StoredHealth) -> Result<Written, StoreError> {
        let (project, endpoint) = (next.health.project_id, next.health.endpoint_id);
        let (pk, sk) = row_keys(project, endpoint);
        let sweep = next.sweep_at.map(|sweep_at| SweepKeys::new(endpoint.as_bytes(), sweep_at));
        let row = Row { pk, sk, content: HealthRow { health: next.health.clone(), version: next.version, sweep } };
        let before = i64::try_from(next.version - 1).unwrap_or(i64::MAX);
        let condition = if before == 0 { "attribute_not_exists(pk) OR version = :before" } else { "version = :before" };
        let call = self.table.putting(&row)?.condition_expression(condition);
        self.table.put_if(call.expression_attribute_values(":before", number(before))).await
    }

    /// Forgets the health of an endpoint that is gone. [`Written::Before`] if somebody else wrote meanwhile: it stays then.
    pub async fn delete_health(&self, stored: &StoredHealth) -> Result<Written, StoreError> {
        let (pk, sk) = row_keys(stored.health.project_id, stored.health.endpoint_id);
        let call = self.table.deleting(&pk, &sk).condition_expression("version = :seen");
        let seen = i64::try_from(stored.version).unwrap_or(i64::MAX);
        self.table.delete_if(call.expression_attribute_values(":seen", number(seen))).await
    }
}

//! The slow reads of projects: each project has at most one at a time across all instances of the API.

use std::time::Duration;

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::quotas::QuotaStore;
use super::table::{ABSENT, number, text};
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;

/// How long a slow read blocks others if its function dies before ending it. Lambda ends the API's function after 10 s.
const LEASE: Duration = Duration::from_secs(12);

/// Permission to run a project's only slow read.
#[derive(Debug)]
pub struct SlowReadLease {
    project: ProjectId,
    holder: String,
}

impl QuotaStore {
    /// Begins a slow read, or returns `None` if another one of the project is running. `holder` must be unique to this call.
    pub async fn begin_slow_read(
        &self,
        project: ProjectId,
        holder: String,
        now: Timestamp,
    ) -> Result<Option<SlowReadLease>, StoreError> {
        let (pk, sk) = keys::slow_read_row(project);
        let until = now.plus(LEASE);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET holder = :holder, #until = :until, expiresAt = :expiresAt")
            // The last condition lets the SDK repeat the call after a lost response.
            .condition_expression(format!("{ABSENT} OR #until <= :now OR holder = :holder"))
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":holder", text(&holder))
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":expiresAt", number(until.as_seconds() + 1))
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(match self.table.update_if(call).await? {
            WriteOutcome::Applied => Some(SlowReadLease { project, holder }),
            WriteOutcome::Conflict => None,
        })
    }

    /// Ends a slow read, so that the next one can begin. If the lease has expired, the successor's lease stays.
    pub async fn end_slow_read(&self, lease: SlowReadLease) -> Result<(), StoreError> {
        let (pk, sk) = keys::slow_read_row(lease.project);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET #until = :ended")
            .condition_expression("holder = :holder")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":holder", text(lease.holder))
            .expression_attribute_values(":ended", number(0));
        let (WriteOutcome::Applied | WriteOutcome::Conflict) = self.table.update_if(call).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::random::SystemRandom;

    #[tokio::test]
    async fn a_project_has_one_slow_read_at_a_time() {
        let store = Database::start().await;
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let [ours, theirs] = [(); 2].map(|()| ProjectId::new(now, &SystemRandom));
        let begin = async |project, holder: &str, at| {
            store.quotas.begin_slow_read(project, holder.to_owned(), at).await.unwrap()
        };
        let first = begin(ours, "a", now).await.unwrap();
        assert!(begin(ours, "b", now).await.is_none());
        assert!(begin(ours, "a", now).await.is_some(), "the call that is repeated after a lost response");
        assert!(begin(theirs, "b", now).await.is_some());
        store.quotas.end_slow_read(first).await.unwrap();
        let lost = begin(ours, "b", now).await.unwrap();
        assert!(begin(ours, "c", now.plus(LEASE).minus(Duration::from_millis(1))).await.is_none());
        assert!(begin(ours, "c", now.plus(LEASE)).await.is_some());
        store.quotas.end_slow_read(lost).await.unwrap();
        assert!(begin(ours, "d", now.plus(LEASE)).await.is_none(), "the lease of another call was not ended");
    }
}

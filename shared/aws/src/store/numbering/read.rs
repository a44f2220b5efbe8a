//! Reads the numbers of events.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::foundation::id::{EventId, ProjectId};
use domain::webhooks::event::SubmissionId;

use super::{ARCHIVED, Numbered, NumberingRow, Submission, ids_in};
use crate::store::batch_get::{Consistency, MAX_KEYS};
use crate::store::error::StoreError;
use crate::store::events::EventStore;
use crate::store::keys;
use crate::store::table;

impl EventStore {
    /// Returns the events of a submission (strongly consistent).
    pub async fn submission(&self, project: ProjectId, submission: &SubmissionId) -> Result<Submission, StoreError> {
        let pk = keys::submission(project, submission);
        let row = self.table.get_item_now(&pk, keys::NUMBERING).await?;
        self.with_archived(&pk, row.as_ref().map(NumberingRow::read).unwrap_or_default(), None).await
    }

    /// Returns the places of events (strongly consistent). An event is absent if it has no number.
    pub async fn numbers_of(
        &self,
        project: ProjectId,
        wanted: &[(SubmissionId, EventId)],
    ) -> Result<HashMap<EventId, Numbered>, StoreError> {
        let by_row = wanted.iter().map(|(submission, id)| (keys::submission(project, submission), *id));
        let mut wanted: HashMap<String, Vec<EventId>> = HashMap::new();
        by_row.for_each(|(pk, id)| wanted.entry(pk).or_default().push(id));
        let row_keys: Vec<_> = wanted.keys().map(|pk| (pk.clone(), keys::NUMBERING.to_owned())).collect();
        let mut places = HashMap::new();
        for item in self.table.get_all(&row_keys, Consistency::Strong).await? {
            let (pk, row) = (table::string(&item, "pk"), NumberingRow::read(&item));
            let ids = wanted.remove(&pk).unwrap_or_default();
            let submission = self.with_archived(&pk, row, Some(&ids)).await?;
            places.extend(ids.into_iter().filter_map(|id| Some((id, submission.place_of(id)?))));
        }
        Ok(places)
    }

    /// Returns the number of the submission's last event; 0 if it has none (strongly consistent).
    pub async fn last_number(&self, project: ProjectId, submission: &SubmissionId) -> Result<u64, StoreError> {
        let row = self.table.get_item_now(&keys::submission(project, submission), keys::NUMBERING).await?;
        let row = row.as_ref().map(NumberingRow::read).unwrap_or_default();
        Ok(row.archived_count + row.ids.len() as u64)
    }

    /// Adds the ids in archive rows to those of a submission's row: all of them, or the newest ones that include all of `wanted`.
    async fn with_archived(
        &self,
        pk: &str,
        row: NumberingRow,
        wanted: Option<&[EventId]>,
    ) -> Result<Submission, StoreError> {
        let mut archived = BTreeMap::new();
        let mut missing: HashSet<EventId> = wanted.into_iter().flatten().copied().collect();
        missing.retain(|id| !row.ids.contains(id));
        let starts: Vec<u64> = (0..row.archived_count).step_by(ARCHIVED).collect();
        for chunk in starts.rchunks(MAX_KEYS) {
            if wanted.is_some() && missing.is_empty() {
                break;
            }
            let row_keys: Vec<_> = chunk.iter().map(|start| (pk.to_owned(), keys::archived_numbers(*start))).collect();
            for item in self.table.get_all(&row_keys, Consistency::Strong).await? {
                let Some(start) = keys::archived_count_in(&table::string(&item, "sk")) else { continue };
                for (number, id) in (start..).zip(ids_in(&item)) {
                    missing.remove(&id);
                    archived.insert(number, id);
                }
            }
        }
        Ok(row.into_submission(archived))
    }
}

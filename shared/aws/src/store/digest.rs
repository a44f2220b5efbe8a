//! How far the daily run has come, and the reports that it built.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::page::PageToken;
use super::retention::Retention;
use super::table::Table;
use super::table::{Row, number, text};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::time::{Timestamp, UtcDay};

/// What a daily run enqueues, in this order. The store has the number of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum DigestStage {
    /// The reports of all projects.
    Reports,
    /// The reconciliation of each project: a search for deliveries whose first message was lost.
    Reconciliation,
    /// Nothing; the run is complete.
    Done,
}

impl From<DigestStage> for u8 {
    fn from(stage: DigestStage) -> Self {
        match stage {
            DigestStage::Reports => 0,
            DigestStage::Reconciliation => 1,
            DigestStage::Done => 2,
        }
    }
}

impl TryFrom<u8> for DigestStage {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        let all = [Self::Reports, Self::Reconciliation, Self::Done];
        all.into_iter().find(|stage| u8::from(*stage) == number).ok_or("no stage of a daily run has this number")
    }
}

/// The progress of the daily run. There is one row, for the latest day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestProgress {
    /// The day whose reports are enqueued.
    pub day: UtcDay,
    /// The stage that is being enqueued.
    pub stage: DigestStage,
    /// The next page of this stage, unless it is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<PageToken>,
}

/// A report as it was mailed. It is a string because DynamoDB's numbers differ from JSON's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportRow {
    report: String,
    expires_at: i64,
}

/// The progress of the daily run, and the reports that it built.
#[derive(Debug, Clone)]
pub struct DigestStore {
    pub(super) table: Table,
    pub(super) retention: Retention,
}

impl DigestStore {
    /// Opens the store in the table `activity` with this name. Rows expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        Self { table: Table::new(aws, table.into()), retention }
    }

    /// Returns the progress of the latest daily run; `None` before the first.
    pub async fn progress(&self) -> Result<Option<DigestProgress>, StoreError> {
        self.table.get_now(keys::DIGEST_PROGRESS.0, keys::DIGEST_PROGRESS.1).await
    }

    /// Stores the progress of a daily run. [`WriteOutcome::Conflict`] if another run has completed that day or is further.
    pub async fn note_progress(&self, progress: &DigestProgress) -> Result<WriteOutcome, StoreError> {
        let row =
            Row { pk: keys::DIGEST_PROGRESS.0.to_owned(), sk: keys::DIGEST_PROGRESS.1.to_owned(), content: progress };
        let is_ahead =
            "attribute_not_exists(pk) OR #day < :day OR (#day = :day AND #stage <= :stage AND #stage <> :done)";
        let call = self.table.putting(&row)?.condition_expression(is_ahead);
        let call = call
            .expression_attribute_names("#day", "day")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_values(":stage", number(u8::from(progress.stage).into()))
            .expression_attribute_values(":done", number(u8::from(DigestStage::Done).into()));
        self.table.put_if(call.expression_attribute_values(":day", text(progress.day.to_string()))).await
    }

    /// Stores a report, for callers who ask for a day with too many deliveries to count while they wait.
    pub async fn keep_report(
        &self,
        project: ProjectId,
        day: UtcDay,
        report: &impl Serialize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report = serde_json::to_string(report).expect("reports are JSON");
        let content = ReportRow { report, expires_at: self.retention.expiry_of(now) };
        self.table.put(&Row { pk: keys::day(project, day), sk: keys::REPORT.to_owned(), content }).await
    }

    /// Returns the stored report of a day as JSON.
    pub async fn kept_report(&self, project: ProjectId, day: UtcDay) -> Result<Option<String>, StoreError> {
        let row: Option<ReportRow> = self.table.get(&keys::day(project, day), keys::REPORT).await?;
        Ok(row.map(|row| row.report))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;

    fn progress(day: &str, stage: DigestStage) -> DigestProgress {
        DigestProgress { day: day.parse().unwrap(), stage, after: Some(PageToken("{}".to_owned())) }
    }

    #[tokio::test]
    async fn progress_never_goes_back() {
        let store = Database::start().await;
        let [begun, looking, done] = [DigestStage::Reports, DigestStage::Reconciliation, DigestStage::Done]
            .map(|stage| progress("2026-11-21", stage));
        for (next, expected) in [
            (&begun, WriteOutcome::Applied),
            (&begun, WriteOutcome::Applied),
            (&looking, WriteOutcome::Applied),
            (&begun, WriteOutcome::Conflict),
            (&looking, WriteOutcome::Applied),
            (&done, WriteOutcome::Applied),
            (&begun, WriteOutcome::Conflict),
            (&done, WriteOutcome::Conflict),
            (&progress("2026-11-20", DigestStage::Reports), WriteOutcome::Conflict),
        ] {
            assert_eq!(store.digest.note_progress(next).await.unwrap(), expected, "{next:?}");
        }
        assert_eq!(store.digest.progress().await.unwrap(), Some(done));
        let next = progress("2026-11-22", DigestStage::Reports);
        assert_eq!(store.digest.note_progress(&next).await.unwrap(), WriteOutcome::Applied);
    }
}

//! How far the daily run has come, and the reports that it built.

use serde::{Deserialize, Serialize};

use super::events::partition;
use super::table::{Row, number, text};
use super::{Activity, PageToken, StoreError, Written};
use crate::id::ProjectId;
use crate::time::{Timestamp, UtcDay};

const DIGEST: &str = "digest";
const PROGRESS: &str = "progress";
const REPORT: &str = "report";

/// What a daily run queues, in this order; in the store, the number of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum DigestStage {
    /// The reports of all projects.
    Reports,
    /// A look at each project for deliveries that were lost.
    Reconciliation,
    /// Nothing more.
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

/// How far the daily run of a day has come. There is one row of this, for the latest day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestProgress {
    /// The day whose reports are, or were, being queued.
    pub day: UtcDay,
    /// What is being queued.
    pub stage: DigestStage,
    /// The page of that which comes next, if it is not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<PageToken>,
}

/// A report as it was when its mail was made. As text, because the database's own numbers are others than JSON's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportRow {
    report: String,
    expires_at: i64,
}

impl Activity {
    /// How far the latest daily run has come; `None` before the first one.
    pub async fn digest_progress(&self) -> Result<Option<DigestProgress>, StoreError> {
        self.table.get_now(DIGEST, PROGRESS).await
    }

    /// Notes how far a daily run has come. [`Written::Before`] if another run has done that day already, or is further.
    pub async fn note_digest_progress(&self, progress: &DigestProgress) -> Result<Written, StoreError> {
        let row = Row { pk: DIGEST.to_owned(), sk: PROGRESS.to_owned(), content: progress };
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

    /// Keeps a report, for who asks for that of a day that has too many deliveries to be counted while they wait.
    pub async fn keep_report(
        &self,
        project: ProjectId,
        day: UtcDay,
        report: &impl Serialize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report = serde_json::to_string(report).expect("reports are JSON");
        let content = ReportRow { report, expires_at: self.retention.expiry_of(now) };
        self.table.put(&Row { pk: partition(project, day), sk: REPORT.to_owned(), content }).await
    }

    /// The report of a day as it was kept last, in JSON.
    pub async fn kept_report(&self, project: ProjectId, day: UtcDay) -> Result<Option<String>, StoreError> {
        let row: Option<ReportRow> = self.table.get(&partition(project, day), REPORT).await?;
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
            (&begun, Written::Now),
            (&begun, Written::Now),
            (&looking, Written::Now),
            (&begun, Written::Before),
            (&looking, Written::Now),
            (&done, Written::Now),
            (&begun, Written::Before),
            (&done, Written::Before),
            (&progress("2026-11-20", DigestStage::Reports), Written::Before),
        ] {
            assert_eq!(store.activity.note_digest_progress(next).await.unwrap(), expected, "{next:?}");
        }
        assert_eq!(store.activity.digest_progress().await.unwrap(), Some(done));
        let next = progress("2026-11-22", DigestStage::Reports);
        assert_eq!(store.activity.note_digest_progress(&next).await.unwrap(), Written::Now);
    }
}

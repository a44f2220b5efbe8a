//! How far the daily run has come, and the reports that it built.

use serde::{Deserialize, Serialize};

use super::events::partition;
use super::table::{Row, text};
use super::{Activity, PageToken, StoreError, Written};
use crate::id::ProjectId;
use crate::time::{Timestamp, UtcDay};

const DIGEST: &str = "digest";
const PROGRESS: &str = "progress";
const REPORT: &str = "report";

/// How far the queueing of a day's reports has come. There is one row of this, for the latest day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestProgress {
    /// The day whose reports are, or were, being queued.
    pub day: UtcDay,
    /// Whether those of all projects are queued.
    pub is_done: bool,
    /// The page that comes next, if it is not the first.
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

    /// Notes how far a daily run has come. [`Written::Before`] if another run has done that day already, or is at a later one.
    pub async fn note_digest_progress(&self, progress: &DigestProgress) -> Result<Written, StoreError> {
        let row = Row { pk: DIGEST.to_owned(), sk: PROGRESS.to_owned(), content: progress };
        let is_ahead = "attribute_not_exists(pk) OR #day < :day OR (#day = :day AND isDone = :false)";
        let call = self.table.putting(&row)?.condition_expression(is_ahead);
        let call = call
            .expression_attribute_names("#day", "day")
            .expression_attribute_values(":false", aws_sdk_dynamodb::types::AttributeValue::Bool(false));
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

    fn progress(day: &str, is_done: bool) -> DigestProgress {
        DigestProgress { day: day.parse().unwrap(), is_done, after: Some(PageToken("{}".to_owned())) }
    }

    #[tokio::test]
    async fn progress_never_goes_back() {
        let store = Database::start().await;
        let (begun, done) = (progress("2026-11-21", false), progress("2026-11-21", true));
        for (next, expected) in [
            (&begun, Written::Now),
            (&begun, Written::Now),
            (&done, Written::Now),
            (&begun, Written::Before),
            (&done, Written::Before),
            (&progress("2026-11-20", false), Written::Before),
        ] {
            assert_eq!(store.activity.note_digest_progress(next).await.unwrap(), expected, "{next:?}");
        }
        assert_eq!(store.activity.digest_progress().await.unwrap(), Some(done));
        assert_eq!(store.activity.note_digest_progress(&progress("2026-11-22", false)).await.unwrap(), Written::Now);
    }
}

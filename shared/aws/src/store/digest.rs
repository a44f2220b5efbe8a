//! How far the daily run has come.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::page::PageToken;
use super::table::{ABSENT, Row, Table, number, text};
use crate::client::Aws;
use domain::foundation::time::UtcDay;
use domain::projects::report_hour::ReportHour;
use domain::reports::schedule::RunHour;

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

/// The progress of the latest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestProgress {
    /// The run.
    pub run: RunHour,
    /// The last complete run before it. What became due since then is enqueued.
    pub since: RunHour,
    /// The stage that is being enqueued.
    pub stage: DigestStage,
    /// The next page of this stage, unless it is the first.
    pub after: Option<PageToken>,
}

/// The row of the progress. The previous version runs once a day for all projects. It reads `day` and `stage` of this row, and
/// writes no hour.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgressRow {
    /// The day before the run, whose reports it enqueues.
    day: UtcDay,
    #[serde(default)]
    hour: ReportHour,
    since: Option<RunHour>,
    stage: DigestStage,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_project: Option<PageToken>,
}

impl From<ProgressRow> for DigestProgress {
    fn from(row: ProgressRow) -> Self {
        let ProgressRow { day, hour, since, stage, after_project } = row;
        let run = RunHour { day: day.next(), hour };
        Self { run, since: since.unwrap_or(RunHour::end_of(day)), stage, after: after_project }
    }
}

impl From<&DigestProgress> for ProgressRow {
    fn from(progress: &DigestProgress) -> Self {
        let DigestProgress { run, since, stage, after } = progress.clone();
        Self { day: run.day.previous(), hour: run.hour, since: Some(since), stage, after_project: after }
    }
}

/// The progress of the daily run.
#[derive(Debug, Clone)]
pub struct DigestStore {
    pub(super) table: Table,
}

impl DigestStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns the progress of the latest run; `None` before the first.
    pub async fn progress(&self) -> Result<Option<DigestProgress>, StoreError> {
        let row: Option<ProgressRow> = self.table.get_now(keys::DIGEST_PROGRESS.0, keys::DIGEST_PROGRESS.1).await?;
        Ok(row.map(DigestProgress::from))
    }

    /// Stores the progress of a run. [`WriteOutcome::Conflict`] if that run is complete or further, or a later one has begun.
    pub async fn note_progress(&self, progress: &DigestProgress) -> Result<WriteOutcome, StoreError> {
        let content = ProgressRow::from(progress);
        let (day, hour, stage) = (content.day, content.hour.get(), u8::from(progress.stage));
        let row = Row { pk: keys::DIGEST_PROGRESS.0.to_owned(), sk: keys::DIGEST_PROGRESS.1.to_owned(), content };
        let is_ahead = format!(
            "{ABSENT} OR #day < :day \
             OR (#day = :day AND (attribute_not_exists(#hour) OR #hour < :hour)) \
             OR (#day = :day AND #hour = :hour AND #stage <= :stage AND #stage <> :done)"
        );
        let call = self.table.putting(&row)?.condition_expression(is_ahead);
        let call = call
            .expression_attribute_names("#day", "day")
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_values(":day", text(day.to_string()))
            .expression_attribute_values(":hour", number(hour.into()))
            .expression_attribute_values(":stage", number(stage.into()))
            .expression_attribute_values(":done", number(u8::from(DigestStage::Done).into()));
        self.table.put_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;

    fn run(at: &str) -> RunHour {
        RunHour::of(at.parse().unwrap())
    }

    fn progress(at: &str, stage: DigestStage) -> DigestProgress {
        let since = run("2026-11-21T23:10:00Z");
        DigestProgress { run: run(at), since, stage, after: Some(PageToken("{}".to_owned())) }
    }

    #[tokio::test]
    async fn progress_never_goes_back() {
        let store = Database::start().await;
        let midnight = "2026-11-22T00:10:00Z";
        let [begun, looking, done] = [DigestStage::Reports, DigestStage::Reconciliation, DigestStage::Done]
            .map(|stage| progress(midnight, stage));
        let next_hour = progress("2026-11-22T01:10:00Z", DigestStage::Reports);
        let next_day = progress("2026-11-23T00:10:00Z", DigestStage::Reports);
        for (next, expected) in [
            (&begun, WriteOutcome::Applied),
            (&begun, WriteOutcome::Applied),
            (&looking, WriteOutcome::Applied),
            (&begun, WriteOutcome::Conflict),
            (&looking, WriteOutcome::Applied),
            (&done, WriteOutcome::Applied),
            (&begun, WriteOutcome::Conflict),
            (&done, WriteOutcome::Conflict),
            (&progress("2026-11-21T23:10:00Z", DigestStage::Reports), WriteOutcome::Conflict),
            (&next_hour, WriteOutcome::Applied),
            (&done, WriteOutcome::Conflict),
            (&next_day, WriteOutcome::Applied),
            (&next_hour, WriteOutcome::Conflict),
        ] {
            assert_eq!(store.digest.note_progress(next).await.unwrap(), expected, "{next:?}");
        }
        assert_eq!(store.digest.progress().await.unwrap(), Some(next_day));
    }

    #[tokio::test]
    async fn a_run_continues_after_one_of_the_previous_version() {
        #[derive(Serialize)]
        struct OldRow {
            day: &'static str,
            stage: u8,
        }
        let store = Database::start().await;
        let (pk, sk) = (keys::DIGEST_PROGRESS.0.to_owned(), keys::DIGEST_PROGRESS.1.to_owned());
        let old = Row { pk, sk, content: OldRow { day: "2026-11-21", stage: 2 } };
        store.digest.table.put(&old).await.unwrap();
        let expected = DigestProgress { after: None, ..progress("2026-11-22T00:10:00Z", DigestStage::Done) };
        assert_eq!(store.digest.progress().await.unwrap(), Some(expected));
        let next = progress("2026-11-22T06:10:00Z", DigestStage::Reports);
        assert_eq!(store.digest.note_progress(&next).await.unwrap(), WriteOutcome::Applied);
    }
}

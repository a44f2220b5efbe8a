//! The slices of a report that is being built: two rows for each, its counts and its range.
//!
//! A slice is written once: the first message that counted it wins. Slices therefore never overlap, however often messages
//! repeat and functions die. The small rows of the ranges say whether any slice is still missing.

use serde::{Deserialize, Serialize};

use super::compression::PackedText;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::reports::ReportStore;
use super::table::{self, Row};
use domain::foundation::time::Timestamp;
use domain::reports::report::{Report, ReportJob, Slice};

/// How long the rows stay, in seconds: longer than the queue keeps a message.
const KEEP_SECONDS: i64 = 7 * 24 * 60 * 60;

/// A slice that was counted. Its start is in the key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SliceRow {
    to: Timestamp,
    report: PackedText,
    expires_at: i64,
}

/// The range of a slice that was counted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RangeRow {
    #[serde(flatten)]
    slice: Slice,
    expires_at: i64,
}

impl ReportStore {
    /// Returns the end of the counted slice that starts at `from`; `None` if no slice that starts there was counted.
    pub async fn counted_until(&self, job: &ReportJob, from: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let (pk, sk) = keys::report_slice(job, from);
        let row: Option<SliceRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(|row| row.to))
    }

    /// Records `slice`, whose deliveries are in `report`, unless a slice with the same start was recorded before. Returns the end
    /// of the recorded one.
    pub async fn record_slice(
        &self,
        job: &ReportJob,
        slice: Slice,
        report: &Report,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let report = PackedText(serde_json::to_string(report).expect("reports are JSON"));
        let expires_at = now.as_seconds() + KEEP_SECONDS;
        let (pk, sk) = keys::report_slice(job, slice.from);
        let row = Row { pk, sk, content: SliceRow { to: slice.to, report, expires_at } };
        let to = match self.table.insert(&row).await? {
            WriteOutcome::Applied => slice.to,
            WriteOutcome::Conflict => {
                self.counted_until(job, slice.from).await?.expect("the row that prevented the write stays for days")
            }
        };
        self.note_range(job, Slice { to, ..slice }, now).await?;
        Ok(to)
    }

    /// Records that a slice was counted. The function may have died between the two rows of a slice, so a repeated message calls
    /// this again.
    pub async fn note_range(&self, job: &ReportJob, slice: Slice, now: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = keys::report_range(job, slice.from);
        let content = RangeRow { slice, expires_at: now.as_seconds() + KEEP_SECONDS };
        self.table.put(&Row { pk, sk, content }).await
    }

    /// Returns the report of all slices, or `None` if some are missing.
    pub async fn merged_slices(&self, job: &ReportJob) -> Result<Option<Report>, StoreError> {
        let (pk, prefix) = keys::report_ranges(job);
        let ranges: Vec<RangeRow> = table::all(self.table.beginning_with(&pk, &prefix).consistent_read(true)).await?;
        if !Slice::whole(job.day).is_covered_by(ranges.iter().map(|row| row.slice)) {
            return Ok(None);
        }
        let (pk, prefix) = keys::report_slices(job);
        let rows: Vec<SliceRow> = table::all(self.table.beginning_with(&pk, &prefix).consistent_read(true)).await?;
        let mut merged = Report::new(job.project_id, job.day);
        for SliceRow { report: PackedText(report), .. } in rows {
            let part =
                serde_json::from_str(&report).map_err(|error| StoreError::Row(serde::de::Error::custom(error)))?;
            merged.merge(part);
        }
        Ok(Some(merged))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;
    use domain::reports::report::testing::Day;
    use domain::reports::report::{Endpoints, ReportView};

    fn view(report: Report, day: &Day) -> ReportView {
        report.view(day.next_morning(), &Endpoints::new(), Vec::new())
    }

    fn job(day: &Day, preview_asked_at: Option<Timestamp>) -> ReportJob {
        ReportJob { project_id: day.project_id, day: day.date, preview_asked_at, slice: None }
    }

    fn of(day: &Day, number: u64) -> Report {
        let mut report = Report::new(day.project_id, day.date);
        report.add(&day.delivery(number).delivered_after(100, 30).get());
        report
    }

    #[tokio::test]
    async fn a_slice_that_is_recorded_twice_counts_once() {
        let (store, day) = (Database::start().await, Day::default());
        let (job, now) = (job(&day, None), day.next_morning());
        let whole = Slice::whole(day.date);
        let noon = day.date.start().plus(std::time::Duration::from_hours(12));
        let (before, after) = (Slice { to: noon, ..whole }, whole.rest(noon));
        let record =
            async |slice, number| store.reports.record_slice(&job, slice, &of(&day, number), now).await.unwrap();

        assert_eq!(store.reports.merged_slices(&job).await.unwrap().map(|report| view(report, &day)), None);
        assert_eq!(record(before, 1).await, noon);
        // A duplicate of the message stopped elsewhere. The first record stays.
        assert_eq!(record(whole, 2).await, noon);
        assert!(store.reports.merged_slices(&job).await.unwrap().is_none());
        assert_eq!(record(after, 3).await, whole.to);
        let merged = view(store.reports.merged_slices(&job).await.unwrap().unwrap(), &day);
        let mut expected = of(&day, 1);
        expected.merge(of(&day, 3));
        assert_eq!(merged, view(expected, &day));
        assert_eq!(store.reports.counted_until(&job, noon).await.unwrap(), Some(whole.to));
    }

    #[tokio::test]
    async fn the_slices_of_a_preview_are_not_those_of_the_day() {
        let (store, day) = (Database::start().await, Day::default());
        let (now, whole) = (day.next_morning(), Slice::whole(day.date));
        let jobs = [job(&day, None), job(&day, Some(day.date.start())), job(&day, Some(now))];
        store.reports.record_slice(&jobs[1], whole, &of(&day, 1), now).await.unwrap();
        let mut complete = Vec::new();
        for job in &jobs {
            complete.push(store.reports.merged_slices(job).await.unwrap().is_some());
        }
        assert_eq!(complete, [false, true, false]);
    }
}

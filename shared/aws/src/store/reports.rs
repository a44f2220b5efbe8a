//! Kept reports: the report of each past day on which a project had webhooks, as the daily run built it.
//!
//! The report is a row in the partition of its day. Its numbers are also a small row in a partition of the project's own, so
//! that a list of reports reads one page.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::deliveries::DeliveryStore;
use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::retention::Retention;
use super::table::{Row, Table, text};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::reports::report::{ReportSummary, ReportView};

/// A kept report. It is a string because DynamoDB's numbers differ from JSON's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportRow {
    report: String,
    expires_at: i64,
}

impl ReportRow {
    fn read(self) -> Result<ReportView, StoreError> {
        serde_json::from_str(&self.report).map_err(|error| StoreError::Row(serde::de::Error::custom(error)))
    }
}

/// The numbers of a kept report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRow {
    #[serde(flatten)]
    summary: ReportSummary,
    expires_at: i64,
}

/// Kept reports, and the slices of reports that are being built.
#[derive(Debug, Clone)]
pub struct ReportStore {
    pub(super) table: Table,
    retention: Retention,
    deliveries: DeliveryStore,
}

impl ReportStore {
    /// Opens the store in the table `activity` with this name. Reports expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        let deliveries = DeliveryStore::new(aws, table, retention);
        Self { table: deliveries.table.clone(), retention, deliveries }
    }

    /// Keeps `report` unless a report of its day was kept before. Returns the one that is kept.
    pub async fn keep(&self, report: ReportView, now: Timestamp) -> Result<ReportView, StoreError> {
        let (project, day) = (report.project_id, report.day);
        // The numbers come first. After a crash between the two rows the report is built and kept again, with its numbers.
        self.put_summary(project, report.summary(), now).await?;
        let json = serde_json::to_string(&report).expect("reports are JSON");
        let content = ReportRow { report: json, expires_at: self.retention.expiry_of(now) };
        let row = Row { pk: keys::day(project, day), sk: keys::REPORT.to_owned(), content };
        let Some(standing) = self.table.put_new(&row).await? else { return Ok(report) };
        let kept = standing.read()?;
        self.put_summary(project, kept.summary(), now).await?;
        self.without_erased(kept).await
    }

    async fn put_summary(&self, project: ProjectId, summary: ReportSummary, now: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = keys::report_summary(project, summary.day);
        self.table
            .put(&Row { pk, sk, content: SummaryRow { summary, expires_at: self.retention.expiry_of(now) } })
            .await
    }

    /// Returns the kept report of a day, if there is one. It names no submission that was erased since.
    pub async fn kept(&self, project: ProjectId, day: UtcDay) -> Result<Option<ReportView>, StoreError> {
        let row: Option<ReportRow> = self.table.get_now(&keys::day(project, day), keys::REPORT).await?;
        match row {
            Some(row) => self.without_erased(row.read()?).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes the ids of submissions that were erased after the report was built. A submission stays named only if its delivery
    /// is still stored and was not erased (eventually consistent).
    async fn without_erased(&self, mut report: ReportView) -> Result<ReportView, StoreError> {
        let project = report.project_id;
        let named: BTreeSet<DeliveryId> = report.submissions_mut().map(|(delivery, _)| delivery).collect();
        let named: Vec<(ProjectId, DeliveryId)> = named.into_iter().map(|delivery| (project, delivery)).collect();
        let stored = self.deliveries.recorded_all(&named).await?;
        let is_erased = |id| stored.get(&id).is_none_or(|delivery| delivery.erased_at.is_some());
        let erased = report.submissions_mut().filter(|(delivery, _)| is_erased(*delivery));
        erased.for_each(|(_, submission)| *submission = None);
        Ok(report)
    }

    /// Returns the numbers of a project's kept reports, latest day first: at most `limit`, starting at `after`.
    pub async fn list(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
    ) -> Result<Page<ReportSummary>, StoreError> {
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(keys::reports(project)))
            .scan_index_forward(false)
            .limit(i32::from(limit));
        let Page { items, next } = page::page::<SummaryRow>(query, ListOf::Reports(project), after).await?;
        Ok(Page { items: items.into_iter().map(|row| row.summary).collect(), next })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;
    use domain::reports::report::testing::Day;
    use domain::reports::report::{Endpoints, Report};
    use domain::webhooks::event::{Event, EventData, SubmissionId};

    fn report(day: &Day, deliveries: u64, as_of: Timestamp) -> ReportView {
        let mut report = Report::new(day.project_id, day.date);
        (0..deliveries).for_each(|number| report.add(&day.delivery(number).get()));
        report.view(as_of, &Endpoints::new(), Vec::new())
    }

    #[tokio::test]
    async fn the_first_report_of_a_day_is_kept() {
        let (store, day) = (Database::start().await, Day::default());
        let (first, second) = (day.next_morning(), day.next_morning().plus(std::time::Duration::from_mins(1)));
        assert_eq!(store.reports.kept(day.project_id, day.date).await.unwrap(), None);
        for as_of in [first, second] {
            let kept = store.reports.keep(report(&day, 2, as_of), as_of).await.unwrap();
            assert_eq!((kept.as_of, kept.totals.deliveries), (first, 2));
        }
        let kept = store.reports.kept(day.project_id, day.date).await.unwrap();
        assert_eq!(kept, Some(report(&day, 2, first)));
        let listed = store.reports.list(day.project_id, 10, None).await.unwrap().items;
        assert_eq!(listed, [kept.unwrap().summary()], "the numbers are those of the kept report");
    }

    #[tokio::test]
    async fn a_kept_report_names_no_submission_that_was_erased_since() {
        let (store, day) = (Database::start().await, Day::default());
        let project = day.project_id;
        let mut counted = Report::new(project, day.date);
        let mut stored = Vec::new();
        for number in 0..3 {
            let failed = day.delivery(number).failed().get();
            let event = Event {
                id: failed.id.event,
                project_id: project,
                event_type: failed.event_type,
                submission_id: failed.submission_id.clone(),
                sequence: None,
                occurred_at: day.date.start(),
                data: EventData::try_from("{}".to_owned()).unwrap(),
            };
            store.accept(&event, &[failed.id.endpoint]).await;
            counted.add(&failed);
            stored.push(failed);
        }
        // The row of the third delivery has been deleted since.
        for failed in &stored[..2] {
            store.deliveries.record(failed, None).await.unwrap();
        }
        let report = counted.view(day.next_morning(), &Endpoints::new(), Vec::new());
        let named = |mut report: ReportView| {
            let mut names: Vec<String> = report
                .submissions_mut()
                .filter_map(|(_, submission)| submission.as_ref().map(|id| id.as_str().to_owned()))
                .collect();
            names.sort_unstable();
            names
        };
        store.reports.keep(report.clone(), day.next_morning()).await.unwrap();
        let kept = async || named(store.reports.kept(project, day.date).await.unwrap().unwrap());
        assert_eq!(kept().await, ["sub-0", "sub-0", "sub-1", "sub-1"], "an example and a failure each");

        let erased = SubmissionId::try_from("sub-0".to_owned()).unwrap();
        store.events.erase_submission(project, &erased, 10, day.next_morning()).await.unwrap();
        assert_eq!(kept().await, ["sub-1", "sub-1"]);
        let again = store.reports.keep(report, day.next_morning()).await.unwrap();
        assert_eq!(named(again), ["sub-1", "sub-1"], "also for a message that is repeated");
    }

    #[tokio::test]
    async fn numbers_that_the_previous_version_kept_are_listed_without_first_attempts() {
        let (store, day) = (Database::start().await, Day::default());
        let summary = report(&day, 2, day.next_morning()).summary();
        let old = ReportSummary { first_attempts: None, ..summary };
        store.reports.put_summary(day.project_id, old.clone(), day.next_morning()).await.unwrap();
        assert_eq!(store.reports.list(day.project_id, 10, None).await.unwrap().items, [old]);
    }

    #[tokio::test]
    async fn kept_reports_are_listed_latest_first_page_by_page() {
        let (store, mut day) = (Database::start().await, Day::default());
        let mut days = Vec::new();
        for number in 0..5 {
            store.reports.keep(report(&day, number, day.next_morning()), day.next_morning()).await.unwrap();
            days.insert(0, (day.date, number));
            day.date = day.date.next();
        }
        let (mut listed, mut next) = (Vec::new(), None);
        loop {
            let page = store.reports.list(day.project_id, 2, next.as_ref()).await.unwrap();
            listed.extend(page.items.iter().map(|summary| (summary.day, summary.totals.deliveries)));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(listed, days);
    }
}

//! Reads the deliveries that a report counts: those of the day's events, and late ones of earlier events.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::all::Store;
use super::deliveries::{StoredDeliveries, read_deliveries};
use super::error::StoreError;
use super::events::{EventHeading, EventStore, headings};
use super::keys;
use super::late::LateRow;
use super::table::{self, Item};
use domain::foundation::clock::Clock;
use domain::foundation::id::{DeliveryId, EventId, ProjectId};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::reports::report::{self, EndpointFacts, Endpoints, Report, ReportView, Slice, SliceReader};
use domain::webhooks::delivery::Delivery;

/// Rows read per page: few enough to fit into memory at any size.
const ROWS_A_PAGE: u8 = 100;

/// Pauses before a throttled read is tried again, in milliseconds. The slices of a large report read one partition, and together
/// they may exceed its throughput. The SDK has tried three times before each pause.
const THROTTLE_PAUSES_MS: [u64; 8] = [250, 500, 1000, 2000, 2000, 4000, 4000, 4000];

/// How a slice was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedSlice {
    /// Where the counting ended: before the end of the slice if it has more rows than were allowed.
    pub end: Timestamp,
    /// Number of rows that this version cannot read. They are left out, so that they do not withhold the whole report.
    pub unreadable: usize,
}

impl EventStore {
    /// Adds the deliveries of the slice of `reader` to `report`, in the order of their events.
    pub async fn count_slice(
        &self,
        report: &mut Report,
        project: ProjectId,
        day: UtcDay,
        reader: SliceReader,
    ) -> Result<CountedSlice, StoreError> {
        let Slice { from, to } = reader.slice();
        let midnight = day.start();
        let mut count = SliceCount { events: self, report, project, day, reader, unreadable: 0 };
        if from < midnight {
            count.add_late(Slice { from, to: to.min(midnight) }).await?;
        }
        if midnight < to && count.reader.end() == to {
            count.add_of_day(Slice { from: from.max(midnight), to }).await?;
        }
        Ok(CountedSlice { end: count.reader.end(), unreadable: count.unreadable })
    }
}

/// A slice that is being counted.
struct SliceCount<'a> {
    events: &'a EventStore,
    report: &'a mut Report,
    project: ProjectId,
    day: UtcDay,
    reader: SliceReader,
    /// Number of rows that this version cannot read.
    unreadable: usize,
}

impl SliceCount<'_> {
    /// Adds late deliveries of events of earlier days.
    async fn add_late(&mut self, slice: Slice) -> Result<(), StoreError> {
        let (first, end) = (keys::late_from(slice.from), keys::late_from(slice.to));
        let partitions = (0..keys::LATE_SHARDS).map(|shard| keys::late_partition(self.project, self.day, shard));
        let table = &self.events.table;
        let mut pages = LatePages::of(partitions.map(|pk| table.between(&pk, &first, &end).limit(ROWS_A_PAGE.into())));
        while let Some(rows) = pages.next(&mut self.unreadable).await? {
            let recorded = self.late_deliveries(&rows).await?;
            for LateRow { id, .. } in rows {
                if !self.reader.takes(id.event.created_at(), 1) {
                    return Ok(());
                }
                // A delivery without a row is one that this version cannot read, or its attempt was never recorded.
                if let Some(delivery) = recorded.get(&id) {
                    self.report.add(delivery);
                }
            }
        }
        Ok(())
    }

    async fn late_deliveries(&self, rows: &[LateRow]) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let wanted: Vec<(ProjectId, DeliveryId)> = rows.iter().map(|row| (self.project, row.id)).collect();
        patiently(&THROTTLE_PAUSES_MS, || self.events.deliveries.recorded_all(&wanted)).await
    }

    /// Adds deliveries of events of the day.
    async fn add_of_day(&mut self, slice: Slice) -> Result<(), StoreError> {
        let (first, end) = (keys::events_from(slice.from), keys::events_from(slice.to));
        let query = headings(self.events.table.between(&keys::day(self.project, self.day), &first, &end));
        let mut pages = Pages::of(query.limit(ROWS_A_PAGE.into()));
        while let Some(items) = pages.next().await? {
            let events: Vec<EventHeading> = readable(items, &mut self.unreadable);
            let (Some(oldest), Some(newest)) = (events.first(), events.last()) else { continue };
            let recorded = self.deliveries_of_events(oldest.id, newest.id).await?;
            for event in &events {
                let deliveries = event.deliveries(&recorded);
                if !self.reader.takes(event.id.created_at(), 1 + deliveries.len() as u64) {
                    return Ok(());
                }
                self.report.count_event();
                for delivery in &deliveries {
                    self.report.add(delivery);
                }
            }
        }
        Ok(())
    }

    /// Returns the stored deliveries of the events from `oldest` to `newest` of the day.
    async fn deliveries_of_events(&mut self, oldest: EventId, newest: EventId) -> Result<StoredDeliveries, StoreError> {
        let (first, last) = keys::deliveries_of(oldest, newest);
        let mut deliveries = HashMap::new();
        let mut pages = Pages::of(self.events.table.between(&keys::day(self.project, self.day), &first, &last));
        while let Some(items) = pages.next().await? {
            deliveries.extend(read_deliveries(items));
        }
        self.unreadable += deliveries.values().filter(|delivery| delivery.is_none()).count();
        Ok(deliveries)
    }
}

/// The pages of a query, read while DynamoDB throttles too.
struct Pages {
    /// The query of the next page; `None` after the last.
    next: Option<QueryFluentBuilder>,
}

impl Pages {
    fn of(query: QueryFluentBuilder) -> Self {
        Self { next: Some(query) }
    }

    async fn next(&mut self) -> Result<Option<Vec<Item>>, StoreError> {
        let Some(query) = self.next.take() else { return Ok(None) };
        let read = || async { query.clone().send().await.map_err(table::throttled_or_unavailable) };
        let answer = patiently(&THROTTLE_PAUSES_MS, read).await?;
        self.next = answer.last_evaluated_key.map(|key| query.set_exclusive_start_key(Some(key)));
        Ok(Some(answer.items.unwrap_or_default()))
    }
}

/// The late rows of several partitions, in the order of their events.
struct LatePages(Vec<LateShard>);

/// The rest of one partition: its pages, and the rows that were read and not returned yet.
struct LateShard {
    pages: Pages,
    rows: VecDeque<LateRow>,
}

impl LatePages {
    fn of(queries: impl Iterator<Item = QueryFluentBuilder>) -> Self {
        Self(queries.map(|query| LateShard { pages: Pages::of(query), rows: VecDeque::new() }).collect())
    }

    /// Returns a page of rows; `None` after the last. Adds the number of rows that this version cannot read to `unreadable`.
    async fn next(&mut self, unreadable: &mut usize) -> Result<Option<Vec<LateRow>>, StoreError> {
        let mut page = Vec::new();
        while page.len() < usize::from(ROWS_A_PAGE) {
            for shard in &mut self.0 {
                shard.fill(unreadable).await?;
            }
            let filled = self.0.iter_mut().filter(|shard| !shard.rows.is_empty());
            let Some(first) = filled.min_by_key(|shard| shard.rows[0].id) else { break };
            page.extend(first.rows.pop_front());
        }
        Ok((!page.is_empty()).then_some(page))
    }
}

impl LateShard {
    /// Reads until there is a row, or the partition has no more.
    async fn fill(&mut self, unreadable: &mut usize) -> Result<(), StoreError> {
        while self.rows.is_empty()
            && let Some(items) = self.pages.next().await?
        {
            self.rows.extend(readable::<LateRow>(items, unreadable));
        }
        Ok(())
    }
}

/// Repeats a read after each of `pauses_ms` while DynamoDB throttles it. Other errors are returned at once.
async fn patiently<T, F>(pauses_ms: &[u64], read: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause_ms in pauses_ms {
        match read().await {
            Err(StoreError::Overloaded) => sleep(Duration::from_millis(*pause_ms)).await,
            answer => return answer,
        }
    }
    read().await
}

/// Parses rows, and counts those that this version cannot read.
fn readable<T: DeserializeOwned>(items: Vec<Item>, unreadable: &mut usize) -> Vec<T> {
    let count = items.len();
    let rows: Vec<T> = items.into_iter().filter_map(|item| table::read(item).ok()).collect();
    *unreadable += count - rows.len();
    rows
}

/// Builds the report of a project's day for readers and programs, with the current state of its endpoints and API keys.
pub async fn build_report(
    store: &Store,
    project: ProjectId,
    day: UtcDay,
    clock: &dyn Clock,
) -> Result<ReportView, StoreError> {
    let mut report = Report::new(project, day);
    let reader = SliceReader::new(Slice::whole(day), u64::MAX);
    store.events.count_slice(&mut report, project, day, reader).await?;
    finish_report(store, project, report, clock).await
}

/// Adds the current state of the project's endpoints and API keys to a report whose deliveries were counted.
pub async fn finish_report(
    store: &Store,
    project: ProjectId,
    report: Report,
    clock: &dyn Clock,
) -> Result<ReportView, StoreError> {
    let endpoints = report_endpoints(store, project).await?;
    let keys = store.api_keys.list(project).await?;
    // The clock is read after the deliveries, because reading a large day takes a while.
    let as_of = clock.now();
    let unused = report::unused(&keys, as_of);
    Ok(report.view(as_of, &endpoints, report::expiring(keys, as_of)).with_unused_keys(unused))
}

/// Returns the state of a project's endpoints for the report.
async fn report_endpoints(store: &Store, project: ProjectId) -> Result<Endpoints, StoreError> {
    let endpoints = store.endpoints.list(project).await?;
    let facts = endpoints.iter().map(|endpoint| async move {
        let health = store.health.get(project, endpoint.id).await?.health;
        let facts = EndpointFacts { host: endpoint.host().to_owned(), sending_state: endpoint.sending_state(), health };
        Ok::<_, StoreError>((endpoint.id, facts))
    });
    Ok(try_join_all(facts).await?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Reads with two pauses. The first reads are throttled. Returns the number of reads and the result.
    async fn read(throttled: u8, then: Result<u8, StoreError>) -> (u8, Result<u8, StoreError>) {
        let (reads, then) = (Cell::new(0), Cell::new(Some(then)));
        let read = || async {
            reads.set(reads.get() + 1);
            if reads.get() <= throttled { Err(StoreError::Overloaded) } else { then.take().unwrap() }
        };
        let result = patiently(&[0, 0], read).await;
        (reads.get(), result)
    }

    #[tokio::test]
    async fn a_throttled_read_is_repeated_and_other_errors_are_not() {
        assert!(matches!(read(0, Ok(7)).await, (1, Ok(7))));
        assert!(matches!(read(2, Ok(7)).await, (3, Ok(7))));
        assert!(matches!(read(1, Err(StoreError::Token)).await, (2, Err(StoreError::Token))));
        assert!(matches!(read(3, Ok(7)).await, (3, Err(StoreError::Overloaded))), "the last pause is over");
    }
}

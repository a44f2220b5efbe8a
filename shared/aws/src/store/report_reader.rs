//! Reads the deliveries that a report counts: those of the day's events, and late ones of earlier events.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::all::Store;
use super::deliveries::{StoredDeliveries, read_deliveries};
use super::error::StoreError;
use super::events::{EventHeading, EventStore, headings};
use super::keys;
use super::late::LateRow;
use super::table::{self, Item, unavailable};
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
        mut reader: SliceReader,
    ) -> Result<CountedSlice, StoreError> {
        let Slice { from, to } = reader.slice();
        let midnight = day.start();
        let mut unreadable = 0;
        if from < midnight {
            let earlier = Slice { from, to: to.min(midnight) };
            unreadable += self.count_late(report, project, day, earlier, &mut reader).await?;
        }
        if midnight < to && reader.end() == to {
            let of_day = Slice { from: from.max(midnight), to };
            unreadable += self.count_of_day(report, project, day, of_day, &mut reader).await?;
        }
        Ok(CountedSlice { end: reader.end(), unreadable })
    }

    /// Adds late deliveries of events of earlier days. Returns the number of unreadable rows.
    async fn count_late(
        &self,
        report: &mut Report,
        project: ProjectId,
        day: UtcDay,
        slice: Slice,
        reader: &mut SliceReader,
    ) -> Result<usize, StoreError> {
        let (first, end) = (keys::late_from(slice.from), keys::late_from(slice.to));
        let partitions = (0..keys::LATE_SHARDS).map(|shard| keys::late_partition(project, day, shard));
        let mut pages =
            LatePages::of(partitions.map(|pk| self.table.between(&pk, &first, &end).limit(ROWS_A_PAGE.into())));
        let mut unreadable = 0;
        while let Some(rows) = pages.next(&mut unreadable).await? {
            let recorded = self.late_deliveries(project, &rows).await?;
            for LateRow { id, .. } in rows {
                if !reader.takes(id.event.created_at(), 1) {
                    return Ok(unreadable);
                }
                // A delivery without a row is one that this version cannot read, or its attempt was never recorded.
                if let Some(delivery) = recorded.get(&id) {
                    report.add(delivery);
                }
            }
        }
        Ok(unreadable)
    }

    async fn late_deliveries(
        &self,
        project: ProjectId,
        rows: &[LateRow],
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let wanted: Vec<(ProjectId, DeliveryId)> = rows.iter().map(|row| (project, row.id)).collect();
        let mut patience = Patience::new(&THROTTLE_PAUSES_MS);
        loop {
            let answer = self.deliveries.recorded_all(&wanted).await;
            if let Some(answer) = patience.accept(answer).await {
                return answer;
            }
        }
    }

    /// Adds deliveries of events of the day. Returns the number of unreadable rows.
    async fn count_of_day(
        &self,
        report: &mut Report,
        project: ProjectId,
        day: UtcDay,
        slice: Slice,
        reader: &mut SliceReader,
    ) -> Result<usize, StoreError> {
        let (first, end) = (keys::events_from(slice.from), keys::events_from(slice.to));
        let query = headings(self.table.between(&keys::day(project, day), &first, &end)).limit(ROWS_A_PAGE.into());
        let mut pages = Pages::of(query);
        let mut unreadable = 0;
        while let Some(items) = pages.next().await? {
            let events: Vec<EventHeading> = readable(items, &mut unreadable);
            let (Some(oldest), Some(newest)) = (events.first(), events.last()) else { continue };
            let recorded = self.deliveries_of_events(project, day, oldest.id, newest.id, &mut unreadable).await?;
            for event in &events {
                let deliveries = event.deliveries(&recorded);
                if !reader.takes(event.id.created_at(), 1 + deliveries.len() as u64) {
                    return Ok(unreadable);
                }
                for delivery in &deliveries {
                    report.add(delivery);
                }
            }
        }
        Ok(unreadable)
    }

    /// Returns the stored deliveries of the events from `oldest` to `newest` of a day.
    async fn deliveries_of_events(
        &self,
        project: ProjectId,
        day: UtcDay,
        oldest: EventId,
        newest: EventId,
        unreadable: &mut usize,
    ) -> Result<StoredDeliveries, StoreError> {
        let (first, last) = keys::deliveries_of(oldest, newest);
        let mut deliveries = HashMap::new();
        let mut pages = Pages::of(self.table.between(&keys::day(project, day), &first, &last));
        while let Some(items) = pages.next().await? {
            deliveries.extend(read_deliveries(items));
        }
        *unreadable += deliveries.values().filter(|delivery| delivery.is_none()).count();
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
        let mut patience = Patience::new(&THROTTLE_PAUSES_MS);
        let answer = loop {
            let answer = query.clone().send().await.map_err(throttled_or_unavailable);
            if let Some(answer) = patience.accept(answer).await {
                break answer?;
            }
        };
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

fn throttled_or_unavailable(error: SdkError<QueryError>) -> StoreError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code {
        Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded") => {
            StoreError::Overloaded
        }
        _ => unavailable(error),
    }
}

/// Waits while DynamoDB throttles.
struct Patience {
    pauses_ms: std::slice::Iter<'static, u64>,
}

impl Patience {
    fn new(pauses_ms: &'static [u64]) -> Self {
        Self { pauses_ms: pauses_ms.iter() }
    }

    /// Returns `answer`, or `None` after a pause if the read was throttled and has to be repeated.
    async fn accept<T>(&mut self, answer: Result<T, StoreError>) -> Option<Result<T, StoreError>> {
        let Err(StoreError::Overloaded) = answer else { return Some(answer) };
        let Some(pause_ms) = self.pauses_ms.next() else { return Some(answer) };
        sleep(Duration::from_millis(*pause_ms)).await;
        None
    }
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
    Ok(report.view(as_of, &endpoints, report::expiring(keys, as_of)))
}

/// Returns the state of a project's endpoints for the report.
async fn report_endpoints(store: &Store, project: ProjectId) -> Result<Endpoints, StoreError> {
    let mut endpoints = Endpoints::new();
    for endpoint in store.endpoints.list(project).await? {
        let health = store.health.get(project, endpoint.id).await?.health;
        endpoints.insert(
            endpoint.id,
            EndpointFacts { host: endpoint.host().to_owned(), desired_state: endpoint.state, health },
        );
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_throttled_read_is_repeated_and_other_errors_are_not() {
        let throttled = || Err::<u8, _>(StoreError::Overloaded);
        let mut patience = Patience::new(&[0, 0]);
        assert!(patience.accept(throttled()).await.is_none());
        assert!(matches!(patience.accept(Ok(7)).await, Some(Ok(7))));
        assert!(matches!(patience.accept(Err::<u8, _>(StoreError::Token)).await, Some(Err(StoreError::Token))));
        assert!(patience.accept(throttled()).await.is_none());
        assert!(
            matches!(patience.accept(throttled()).await, Some(Err(StoreError::Overloaded))),
            "the last pause is over"
        );
    }
}

//! Reports, built from the deliveries of a day and the state of their endpoints.

use super::all::Store;
use super::error::StoreError;
use super::events::EventStore;
use domain::foundation::clock::Clock;
use domain::foundation::id::ProjectId;
use domain::foundation::time::UtcDay;
use domain::reports::report::{self, EndpointFacts, Endpoints, Report, ReportView};

/// Events read per page: few enough to fit into memory at any size.
const EVENTS_A_PAGE: u16 = 100;

impl EventStore {
    /// Builds the report of a project's day from its deliveries.
    pub async fn report(&self, project: ProjectId, day: UtcDay) -> Result<Report, StoreError> {
        let mut report = Report::new(project, day);
        let mut before = None;
        loop {
            let page = self.deliveries_on(project, day, before, EVENTS_A_PAGE).await?;
            page.deliveries.iter().for_each(|delivery| report.add(delivery));
            before = page.next_before;
            if before.is_none() {
                return Ok(report);
            }
        }
    }
}

/// Builds the report of a project's day for readers and programs, with the current state of its endpoints and API keys.
pub async fn build_report(
    store: &Store,
    project: ProjectId,
    day: UtcDay,
    clock: &dyn Clock,
) -> Result<ReportView, StoreError> {
    let endpoints = report_endpoints(store, project).await?;
    let keys = store.api_keys.list(project).await?;
    let report = store.events.report(project, day).await?;
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

//! Reports: built from the deliveries of a day, and what is known of their endpoints.

use super::{Activity, Settings, StoreError};
use crate::clock::Clock;
use crate::id::ProjectId;
use crate::report::{self, EndpointFacts, Endpoints, Report, ReportView};
use crate::time::UtcDay;

/// How many events are read at once: few enough to fit into memory, whatever their size.
const EVENTS_A_PAGE: u16 = 100;

impl Activity {
    /// The report of a project's day, as its deliveries are now.
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

/// The report of a project's day as people and programs read it, with its endpoints and keys as they are now.
pub async fn build_report(
    settings: &Settings,
    activity: &Activity,
    project: ProjectId,
    day: UtcDay,
    clock: &dyn Clock,
) -> Result<ReportView, StoreError> {
    let endpoints = report_endpoints(settings, activity, project).await?;
    let keys = settings.api_keys(project).await?;
    let report = activity.report(project, day).await?;
    // Only now, for the deliveries of a large day are read for a while.
    let as_of = clock.now();
    Ok(report.view(as_of, &endpoints, report::expiring(keys, as_of)))
}

/// What a report tells of a project's endpoints, as they are now.
async fn report_endpoints(
    settings: &Settings,
    activity: &Activity,
    project: ProjectId,
) -> Result<Endpoints, StoreError> {
    let mut endpoints = Endpoints::new();
    for endpoint in settings.endpoints(project).await? {
        let health = activity.health(project, endpoint.id).await?.health;
        endpoints.insert(endpoint.id, EndpointFacts { host: endpoint.host().to_owned(), wish: endpoint.state, health });
    }
    Ok(endpoints)
}

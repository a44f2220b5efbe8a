//! `GET /v1/projects/{pid}/reports/{day}`: what the daily mail tells, for programs.

use axum::Json;
use axum::extract::State;
use shared::aws::store::report_endpoints;
use shared::report::ReportView;
use shared::time::UtcDay;

use crate::App;
use crate::body::LastId;
use crate::caller::{Caller, scope};
use crate::problem::ApiError;
use crate::projects;

/// Builds the report of a day, as its deliveries are now. A day whose deliveries are no longer kept has an empty one.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/reports/{day}", operation_id = "readReport", tag = "Reports",
    params(("day" = UtcDay, Path)), security(("x-api-key" = ["deliveries:read"])),
    extensions(("x-problems" = json!(["day-to-come"]))),
    responses((status = 200, description = "The report.", body = ReportView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(day): LastId<UtcDay>,
) -> Result<Json<ReportView>, ApiError> {
    let now = app.clock.now();
    if day > now.day() {
        return Err(ApiError::DayToCome);
    }
    let project = projects::existing(&app, caller.project_id).await?;
    let endpoints = report_endpoints(&app.settings, &app.activity, project.id).await?;
    let report = app.activity.report(project.id, day).await?;
    Ok(Json(report.view(now, &endpoints)))
}

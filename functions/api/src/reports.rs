//! `GET /v1/projects/{pid}/reports/{day}`: what the daily mail tells, for programs and for browsers.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use shared::aws::store::build_report;
use shared::notification_user::Language;
use shared::project::Project;
use shared::report::ReportView;
use shared::report_mail;
use shared::time::UtcDay;
use tokio::time::timeout;

use crate::App;
use crate::body::LastId;
use crate::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::parameters;
use crate::problem::ApiError;
use crate::projects;

/// How long deliveries are counted while the caller waits. The function may run for 10 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(7);

/// Nothing is loaded and nothing runs; the styles stand in the page, as in the mail.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// Builds the report of a day, as its deliveries are now. A day whose deliveries are no longer kept has an empty one. If there are
/// too many to be counted in one call, it is the report that was mailed, which says as of when it is.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/reports/{day}", operation_id = "readReport", tag = "Reports",
    params(("day" = UtcDay, Path), parameters::AcceptLanguage), security(("x-api-key" = ["deliveries:read"])),
    extensions(("x-problems" = json!(["day-to-come", "report-too-large"]))),
    responses(
        (status = 200, description = "The report: a page, if `Accept` begins with `text/html`.", content((ReportView = "application/json"), (String = "text/html"))),
    ),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(day): LastId<UtcDay>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if day > app.clock.now().day() {
        return Err(ApiError::DayToCome);
    }
    let project = projects::existing(&app, caller.project_id).await?;
    let wants_page = says(&headers, &ACCEPT, "text/html");
    let report = build_report(&app.settings, &app.activity, project.id, day, &*app.clock);
    match timeout(app.report_patience, report).await {
        Ok(report) if wants_page => page(&report?, &project, &headers),
        Ok(report) => Ok(Json(report?).into_response()),
        Err(_) => {
            let kept = app.activity.kept_report(project.id, day).await?.ok_or(ApiError::ReportTooLarge)?;
            Ok(Json(RawValue::from_string(kept).map_err(|_| ApiError::ReportTooLarge)?).into_response())
        }
    }
}

fn page(report: &ReportView, project: &Project, headers: &HeaderMap) -> Result<Response, ApiError> {
    let language = if says(headers, &ACCEPT_LANGUAGE, "ko") { Language::Ko } else { Language::En };
    let html = report_mail::render_page(report, project.name.as_str(), language)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, html).into_response())
}

/// Whether a header's first wish is `wanted`, or one that begins with it.
fn says(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.trim_start().to_ascii_lowercase().starts_with(wanted)
}

//! `GET /v1/projects/{pid}/reports/{day}`: the report of the daily mail, as JSON and as a page.

use aws::lambda::preferred_language::PreferredLanguage;
use aws::store::build_report;
use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use domain::foundation::language::Language;
use domain::foundation::time::UtcDay;
use domain::projects::project::Project;
use domain::reports::report::ReportView;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::LastId;
use crate::http::caller::{Caller, scope};
#[cfg(test)]
use crate::openapi::parameters;

/// Allows inline styles, because the page uses the template of the mail. Everything else is blocked.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// Returns the report of a day (UTC), built from the current state of the day's deliveries. After the deliveries' retention ends, the
/// report is empty. If the day has too many deliveries to count in one call, the call returns the report that was mailed; its
/// `asOf` is the time at which it was built.
///
/// A project can build one report or run one dry run of a replay at a time. The call counts as ten calls of its API key.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/reports/{day}", operation_id = "readReport", tag = "Reports",
    params(("day" = UtcDay, Path), parameters::AcceptLanguage), security(("x-api-key" = ["deliveries:read"])),
    extensions(("x-problems" = json!(["day-to-come", "report-too-large", "slow-read-running"]))),
    responses(
        (status = 200, description = "The report as JSON, or as an HTML page if `Accept` begins with `text/html`.", content((ReportView = "application/json"), (String = "text/html"))),
    ),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(day): LastId<UtcDay>,
    PreferredLanguage(language): PreferredLanguage,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if day > app.clock.now().day() {
        return Err(ApiError::DayToCome);
    }
    let project = app.existing_project(caller.project_id).await?;
    let wants_page = prefers_html(&headers);
    // Boxed, because it is a large future.
    let build = Box::pin(async {
        let report = build_report(&app.store, project.id, day, &*app.clock);
        Ok(timeout(app.report_timeout, report).await)
    });
    match app.read_slowly(&caller, build).await? {
        Ok(report) if wants_page => page(&report?, &project, language),
        Ok(report) => Ok(Json(report?).into_response()),
        // Too many deliveries for one call: the daily run builds such reports in parts and stores them.
        Err(_) => {
            let kept = app.store.digest.kept_report(project.id, day).await?.ok_or(ApiError::ReportTooLarge)?;
            Ok(Json(RawValue::from_string(kept).map_err(|_| ApiError::ReportTooLarge)?).into_response())
        }
    }
}

fn page(report: &ReportView, project: &Project, language: Language) -> Result<Response, ApiError> {
    let html = mail::render_page(report, project.name.as_str(), language)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
    ];
    Ok((headers, html).into_response())
}

/// Whether `Accept` begins with `text/html`, as browsers send it.
fn prefers_html(headers: &HeaderMap) -> bool {
    let value = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.trim_start().to_ascii_lowercase().starts_with("text/html")
}

//! `GET /v1/projects/{pid}/reports` and `…/reports/{day}`: the reports of the daily mails, as JSON and as pages.

use aws::lambda::preferred_language::PreferredLanguage;
use aws::store::build_report;
use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use domain::foundation::language::Language;
use domain::foundation::time::UtcDay;
use domain::projects::project::Project;
use domain::reports::report::{ReportSummary, ReportView};
use tokio::time::timeout;

use crate::app::App;
use crate::http::accept::prefers_html;
use crate::http::api_error::ApiError;
use crate::http::body::{CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::paging::{List, Paged, Paging};
#[cfg(test)]
use crate::openapi::parameters;

/// Allows inline styles, because the page uses the template of the mail. Everything else is blocked.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// Lists the reports of past days on which the project had webhooks, latest day first, with their numbers. A report is kept as
/// long as deliveries are.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/reports", operation_id = "listReports", tag = "Reports",
    params(Paging), security(("x-api-key" = ["deliveries:read"])),
    responses((status = 200, description = "A page of reports.", body = List<ReportSummary>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<ReportSummary>>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let list = Paged::new("reports", Some(project.id), &());
    let page = app.store.reports.list(project.id, paging.limit()?, paging.after(&list)?.as_ref()).await?;
    Ok(Json(list.page(page)))
}

/// Returns the report of a day (UTC). The report of a past day is the one that the daily run built and mailed; its `asOf` is the
/// time at which its deliveries were counted. Until then, and for today, the report is built from the current state of the
/// deliveries. If there are too many to count in one call, the call fails with `report-too-large`. After the deliveries'
/// retention ends, the report is empty. Days before the project was created have no report (404).
///
/// A project can build one report or run one dry run of a replay at a time. A call that builds a report counts as ten calls.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/reports/{day}", operation_id = "readReport", tag = "Reports",
    params(("day" = UtcDay, Path), parameters::AcceptLanguage), security(("x-api-key" = ["deliveries:read"])),
    extensions(("x-problems" = json!(["day-to-come", "report-too-large", "slow-read-running"]))),
    responses(
        (status = 200, description = "The report as JSON, or as an HTML page if `Accept` prefers `text/html`.", content((ReportView = "application/json"), (String = "text/html"))),
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
    let report = match app.store.reports.kept(project.id, day).await? {
        Some(kept) => kept,
        None if day < project.created_at.day() => return Err(ApiError::DayBeforeProject),
        None => build(&app, &caller, &project, day).await?,
    };
    let mut response =
        if prefers_html(&headers) { page(&report, &project, language)? } else { Json(report).into_response() };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-language"));
    Ok(response)
}

async fn build(
    app: &App,
    caller: &Caller<scope::DeliveriesRead>,
    project: &Project,
    day: UtcDay,
) -> Result<ReportView, ApiError> {
    // Boxed, because it is a large future.
    let build = Box::pin(async {
        let report = build_report(&app.store, project.id, day, &*app.clock);
        timeout(app.report_timeout, report).await.map_err(|_| ApiError::ReportTooLarge)?.map_err(ApiError::from)
    });
    app.read_slowly(caller, build).await
}

fn page(report: &ReportView, project: &Project, language: Language) -> Result<Response, ApiError> {
    let html = mail::render_page(report, project.name.as_str(), language)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
    ];
    Ok((headers, html).into_response())
}

//! `/v1/projects/{pid}/audit`: who changed which settings.

use axum::Json;
use axum::extract::State;
use domain::projects::audit::Entry;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::paging::{List, Paged, Paging};

/// Lists the changes of a project's settings, newest first. The operator can also list the changes of a deleted project.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/audit", operation_id = "listAuditEntries", tag = "Audit",
    params(Paging), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "A page of changes.", body = List<Entry>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<Entry>>, ApiError> {
    let list = Paged::new("audit", Some(caller.project_id), &());
    let page = app.store.audit.list(caller.project_id, paging.limit()?, paging.after(&list)?.as_ref()).await?;
    Ok(Json(list.page(page)))
}

/// Retrieves one change.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/audit/{number}", operation_id = "readAuditEntry", tag = "Audit",
    params(("number" = u64, Path, description = "Number of the change. The changes of a project are numbered from 1.", minimum = 1)),
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The change.", body = Entry)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(number): LastId<u64>,
) -> Result<Json<Entry>, ApiError> {
    Ok(Json(existing(&app, &caller, number).await?))
}

/// Loads an entry of the caller's project. Fails with 404 if it does not exist.
pub(crate) async fn existing<S>(app: &App, caller: &Caller<S>, number: u64) -> Result<Entry, ApiError> {
    let entry = app.store.audit.get(caller.project_id, number).await?;
    entry.ok_or(ApiError::NotFound("audit log entry"))
}

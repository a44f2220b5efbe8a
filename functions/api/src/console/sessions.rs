//! `/v1/projects/{pid}/console-sessions`: lists and ends console sessions.

use aws::store::{SessionState, Write};
use axum::Json;
use axum::extract::State;
use domain::foundation::id::ConsoleSessionId;
use domain::foundation::time::Timestamp;
use domain::projects::audit::{AuditChange, Fields, Resource};
use domain::projects::console::{ConsoleSession, ConsoleUser, MAX_CONSOLE_LINK_LIFETIME, Role};
use domain::projects::project::Project;
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{CheckedQuery, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::SettingsView;
use crate::http::paging::{List, Paged, Paging};
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeDecision;

/// A console session.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ConsoleSession))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleSessionView {
    /// Id of the session.
    id: ConsoleSessionId,
    /// Who uses the session.
    user: ConsoleUser,
    /// What the user may do.
    role: Role,
    /// When the user opened the link.
    created_at: Timestamp,
    /// Latest end of the session. It ends earlier if it is not used for an hour.
    expires_at: Timestamp,
}

impl SettingsView for ConsoleSessionView {}

impl From<ConsoleSession> for ConsoleSessionView {
    fn from(session: ConsoleSession) -> Self {
        let ConsoleSession { id, user, role, created_at, expires_at, .. } = session;
        Self { id, user, role, created_at, expires_at }
    }
}

/// Lists the console sessions of a project that have not ended, those with the newest links first. A page can have fewer sessions
/// than `limit` and still a `cursor`.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/console-sessions", operation_id = "listConsoleSessions", tag = "Console",
    params(Paging), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "A page of sessions.", body = List<ConsoleSessionView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<ConsoleSessionView>>, ApiError> {
    let project = app.existing_project(caller.project_id).await?.id;
    let list = Paged::new("console-sessions", Some(project), &());
    let after = paging.after(&list)?;
    let page = app.store.console_sessions.list(project, paging.limit()?, after.as_ref(), app.clock.now()).await?;
    let List { items, cursor } = list.page(page);
    Ok(Json(List { items: items.into_iter().map(ConsoleSessionView::from).collect(), cursor }))
}

/// Ends a console session within ten seconds. Its user needs a new link. If the link was not opened yet, it no longer works.
/// Ending a session that is already over succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/console-sessions/{id}", operation_id = "endConsoleSession", tag = "Console",
    params(("id" = ConsoleSessionId, Path)), security(("x-api-key" = ["keys:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The session is over.")),
))]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller<scope::KeysWrite>,
    LastId(id): LastId<ConsoleSessionId>,
) -> Result<SettingsResponse<()>, ApiError> {
    let app = &app;
    let decide = move |project: Project| async move {
        let now = app.clock.now();
        let before = match app.store.console_sessions.state(project.id, id, now).await? {
            SessionState::Open(session) => ConsoleSessionView::from(session).settings(),
            // The link may still be valid. Only its session's id is known.
            SessionState::Unopened if now.since(id.created_at()) < MAX_CONSOLE_LINK_LIFETIME => Fields::new(),
            SessionState::Unopened | SessionState::Over => {
                return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
            }
        };
        let change = AuditChange::deleted(Resource::ConsoleSession { id }, &before);
        let write = Write::console_session_ended(project.id, id, now)?;
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Ends all console sessions of a project within ten seconds, including the caller's own. Links that were created before this
/// call no longer work.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/console-sessions", operation_id = "endConsoleSessions", tag = "Console",
    security(("x-api-key" = ["keys:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "All sessions are over.")),
))]
pub(crate) async fn end_all(
    State(app): State<App>,
    caller: Caller<scope::KeysWrite>,
) -> Result<SettingsResponse<()>, ApiError> {
    let app = &app;
    let decide = move |project: Project| async move {
        // The change raises the revision. Links that are minted after it have the new revision.
        let write = Write::console_sessions_ended(project.id, project.revision + 1, app.clock.now())?;
        let change = AuditChange::deleted(Resource::ConsoleSessions, &Fields::new());
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

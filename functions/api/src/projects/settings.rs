//! `/v1/projects`: creates, lists, changes and deletes projects.

use aws::store::{FALLBACK_CHECK_DELAY, MAX_WRITES, ProjectWrite, Write};
use axum::Json;
use axum::extract::State;
use domain::foundation::id::ProjectId;
use domain::projects::api_key::MAX_API_KEYS;
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::{NewProject, Project, ProjectChange};
use domain::reports::notification_user::MAX_NOTIFICATION_USERS;
use domain::webhooks::endpoint::MAX_ENDPOINTS;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Checked, CheckedQuery};
use crate::http::caller::{Caller, Operator, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::paging::{List, Paged, Paging};
use crate::http::response::SettingsResponse;
use crate::http::settings_change::{ChangeDecision, ChangeRequest};
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::projects::view::ProjectView;

/// Creates a project.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects", operation_id = "createProject", tag = "Projects",
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["operator"])),
    request_body = requests::NewProject,
    responses((status = 201, description = "The new project.", body = ProjectView)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    Operator { origin }: Operator,
    preconditions: Preconditions,
    Checked(new): Checked<NewProject>,
) -> Result<SettingsResponse<ProjectView>, ApiError> {
    preconditions.check(None)?;
    let project = new.create(ProjectId::new(app.clock.now(), &*app.random));
    let view = ProjectView::from(&project);
    let settings = view.settings();
    let change = AuditChange::created(Resource::Project, &settings);
    // The creation is the first entry in the audit log, so the project starts with revision 1.
    let response = SettingsResponse::created(view.at_revision(1)).with_tag(Tag::of(&settings, 1));
    app.create_project(&origin, project, change, response).await
}

/// Lists all projects, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects", operation_id = "listProjects", tag = "Projects",
    params(Paging), security(("x-api-key" = ["operator"])),
    responses((status = 200, description = "A page of projects.", body = List<ProjectView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Operator,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<ProjectView>>, ApiError> {
    let list = Paged::new("projects", None, &());
    let page = app.store.projects.list(paging.limit()?, paging.after(&list)?.as_ref()).await?;
    let List { items, cursor } = list.page(page);
    Ok(Json(List { items: items.iter().map(ProjectView::from).collect(), cursor }))
}

/// Retrieves one project.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}", operation_id = "readProject", tag = "Projects",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The project.", body = ProjectView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<SettingsResponse<ProjectView>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let view = ProjectView::from(&project);
    let tag = Tag::of(&view.settings(), project.changed_in);
    Ok(SettingsResponse::ok(view).with_tag(tag))
}

/// Changes a project. Redirect pages use the new values within 30 seconds.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}", operation_id = "changeProject", tag = "Projects",
    params(parameters::Preconditions), security(("x-api-key" = ["settings:write"])), request_body = requests::ProjectChange,
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The project after the change.", body = ProjectView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
    Checked(change): Checked<ProjectChange>,
) -> Result<SettingsResponse<ProjectView>, ApiError> {
    apply(&app, ChangeRequest::by(&caller, &preconditions), &change).await
}

/// Applies a change to a project.
pub(crate) async fn apply(
    app: &App,
    request: ChangeRequest<'_>,
    change: &ProjectChange,
) -> Result<SettingsResponse<ProjectView>, ApiError> {
    let decide = move |seen: Project| async move {
        let before = ProjectView::from(&seen).settings();
        request.preconditions.check(Some(&Tag::of(&before, seen.changed_in)))?;
        let mut changed = seen.clone();
        changed.apply(change.clone(), app.clock.now());
        let view = ProjectView::from(&changed);
        let after = view.settings();
        let change = AuditChange::changed(Resource::Project, &before, &after).reverting(request.reverts);
        let (revision, changed_in) = (seen.revision + u64::from(after != before), seen.changed_in);
        let response = SettingsResponse::ok(view.at_revision(revision));
        let project = ProjectWrite::Change { seen, changed };
        Ok(ChangeDecision::project(project, Vec::new(), change, response).with_tag(&after, changed_in))
    };
    app.change_settings(request.origin, request.project, decide).await
}

/// Deletes a project with all its settings. Its API keys and console sessions are rejected within ten seconds, and its open
/// deliveries are cancelled. The audit log remains available to the operator. Events and deliveries remain until their retention
/// ends.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}", operation_id = "deleteProject", tag = "Projects",
    params(parameters::Preconditions), security(("x-api-key" = ["operator"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The project is deleted.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    Operator { origin }: Operator,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<()>, ApiError> {
    // `Operator` checks the permission; `Caller` only provides the project in the path.
    let id = caller.project_id;
    let endpoints = app.store.endpoints.list_now(id).await?;
    for endpoint in &endpoints {
        // Scheduled before the deletion, so that held deliveries are cancelled even if this request is cut off after it.
        app.store.health.schedule_check(id, endpoint.id, app.clock.now().plus(FALLBACK_CHECK_DELAY)).await?;
    }
    for user in app.store.users.list(id).await? {
        app.store.suppressions.keep(&user, app.clock.now()).await?;
    }
    let (app, preconditions) = (&app, &preconditions);
    let decide = move |seen: Project| async move {
        let before = ProjectView::from(&seen).settings();
        preconditions.check(Some(&Tag::of(&before, seen.changed_in)))?;
        let change = AuditChange::deleted(Resource::Project, &before);
        let writes = all_settings(app, &seen).await?;
        Ok(ChangeDecision::project(ProjectWrite::Delete(seen), writes, change, SettingsResponse::no_content()))
    };
    let response = app.change_settings(&origin, id, decide).await?;
    for endpoint in endpoints {
        app.store.health.schedule_check(id, endpoint.id, app.clock.now()).await?;
    }
    Ok(response)
}

/// Number of rows that a project has at most once: return URL, `secretKey`s, key pairs, the key of links in mails, and the note
/// that its console sessions were ended.
const SINGLE_ROWS: usize = 5;

const _: () = assert!(
    SINGLE_ROWS + MAX_API_KEYS + MAX_ENDPOINTS + MAX_NOTIFICATION_USERS <= MAX_WRITES,
    "the rows of a project at all its limits must fit into one transaction"
);

/// Returns the deletions of all settings of a project, at most [`MAX_WRITES`].
///
/// The product limits keep the number of rows within this maximum, as the assertion above proves. If a project has more rows
/// anyway, the surplus is deleted first: API keys, starting with expired ones. An interrupted deletion is safe, because the project
/// still exists and the caller can delete it again.
///
/// The rows of console sessions are not deleted. They expire within hours, and the note makes them useless at once.
async fn all_settings(app: &App, project: &Project) -> Result<Vec<Write>, ApiError> {
    let (id, now) = (project.id, app.clock.now());
    let mut keys = app.store.api_keys.list(id).await?;
    keys.sort_by_key(|key| key.is_valid(now));
    let endpoints = app.store.endpoints.list_now(id).await?.into_iter();
    let users = app.store.users.list(id).await?.into_iter();
    let mut writes: Vec<Write> = keys.iter().map(|key| Write::api_key_deleted(id, key.id)).collect();
    writes.extend(users.map(|user| Write::notification_user_deleted(id, user.id)));
    writes.extend(endpoints.map(|endpoint| Write::endpoint_deleted(id, endpoint.id)));
    let single: [Write; SINGLE_ROWS] = [
        Write::return_url_deleted(id),
        Write::return_url_keys_deleted(id),
        Write::key_pairs_deleted(id),
        Write::link_key_deleted(id),
        Write::console_sessions_ended(id, project.revision + 1, now)?,
    ];
    writes.extend(single);
    let rest = writes.split_off(writes.len().saturating_sub(MAX_WRITES));
    app.store.projects.write_before(writes).await?;
    Ok(rest)
}

//! `/v1/projects`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use shared::audit::{Deed, Resource};
use shared::aws::store::{ProjectWrite, Write};
use shared::id::ProjectId;
use shared::project::{NewProject, Project, ProjectChange};

use crate::App;
use crate::answer::Answer;
use crate::body::{Checked, CheckedQuery};
use crate::caller::{Caller, Operator, scope};
use crate::changes::{Asked, Decision};
use crate::endpoint_states;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::{List, Paging};
use crate::problem::ApiError;
use crate::tag::{IfMatch, Tag, settings_in};

/// Creates a project.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects", operation_id = "createProject", tag = "Projects",
    params(parameters::Once), security(("x-api-key" = ["operator"])), request_body = requests::NewProject,
    responses((status = 201, description = "The project.", body = Project)),
))]
pub(crate) async fn create(
    State(app): State<App>,
    Operator { origin }: Operator,
    Checked(new): Checked<NewProject>,
) -> Result<Answer<Project>, ApiError> {
    let project = new.create(ProjectId::new(app.clock.now(), &*app.random));
    let deed = Deed::created(Resource::Project, &settings_in(&project));
    app.create_project(&origin, project, deed).await
}

/// Lists all projects, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects", operation_id = "listProjects", tag = "Projects",
    params(Paging), security(("x-api-key" = ["operator"])),
    responses((status = 200, description = "A page of projects.", body = List<Project>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Operator,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<Project>>, ApiError> {
    let page = app.settings.projects(paging.limit()?, paging.after()?.as_ref()).await?;
    Ok(Json(page.into()))
}

/// Reads one project.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}", operation_id = "readProject", tag = "Projects",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The project.", body = Project)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Answer<Project>, ApiError> {
    Ok(shown(existing(&app, caller.project_id).await?))
}

/// Changes a project. People see the change within half a minute.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}", operation_id = "changeProject", tag = "Projects",
    params(parameters::IfMatch), security(("x-api-key" = ["settings:write"])), request_body = requests::ProjectChange,
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The project as it is now.", body = Project)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
    Checked(change): Checked<ProjectChange>,
) -> Result<Answer<Project>, ApiError> {
    apply(&app, Asked::by(&caller, &if_match), &change).await
}

/// Changes a project as it is asked for.
pub(crate) async fn apply(app: &App, asked: Asked<'_>, change: &ProjectChange) -> Result<Answer<Project>, ApiError> {
    let decide = move |seen: Project| async move {
        let before = settings_in(&seen);
        asked.if_match.check(Some(&before))?;
        let mut changed = seen.clone();
        changed.apply(change.clone());
        let after = settings_in(&changed);
        let deed = Deed::changed(Resource::Project, &before, &after).reverting(asked.reverts);
        let revision = seen.revision + u64::from(after != before);
        let answer = shown(Project { revision, ..changed.clone() });
        Ok(Decision::project(ProjectWrite::Change { seen, changed }, Vec::new(), deed, answer))
    };
    app.change(asked.origin, asked.project, decide).await
}

/// Deletes a project with all its settings. Its keys are refused within ten seconds, and what was still to be delivered will be
/// cancelled. Its audit log stays, for the operator; so do its events and deliveries until their time is over.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}", operation_id = "deleteProject", tag = "Projects",
    params(parameters::IfMatch), security(("x-api-key" = ["operator"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "It is gone.")),
))]
pub(crate) async fn delete(
    State(app): State<App>,
    Operator { origin }: Operator,
    caller: Caller<scope::SettingsWrite>,
    if_match: IfMatch,
) -> Result<Answer<()>, ApiError> {
    let id = caller.project_id;
    let endpoints = app.settings.endpoints_now(id).await?;
    for endpoint in &endpoints {
        endpoint_states::look_after(&app, id, endpoint.id, endpoint_states::LATER).await?;
    }
    let (app, if_match) = (&app, &if_match);
    let decide = move |seen: Project| async move {
        let before = settings_in(&seen);
        if_match.check(Some(&before))?;
        let deed = Deed::deleted(Resource::Project, &before);
        Ok(Decision::project(ProjectWrite::Delete(seen), all_settings(app, id).await?, deed, Answer::gone()))
    };
    let answer = app.change(&origin, id, decide).await?;
    for endpoint in endpoints {
        endpoint_states::look_after(app, id, endpoint.id, Duration::ZERO).await?;
    }
    Ok(answer)
}

/// The end of everything that belongs to a project: at most some eighty rows, by the product's limits.
async fn all_settings(app: &App, id: ProjectId) -> Result<Vec<Write>, ApiError> {
    let keys = app.settings.api_keys(id).await?.into_iter().map(|key| Write::api_key_deleted(id, key.id));
    let endpoints = app.settings.endpoints_now(id).await?.into_iter();
    let users = app.settings.notification_users(id).await?.into_iter();
    let mut writes =
        vec![Write::return_url_deleted(id), Write::return_url_keys_deleted(id), Write::key_pairs_deleted(id)];
    writes.extend(keys);
    writes.extend(endpoints.map(|endpoint| Write::endpoint_deleted(id, endpoint.id)));
    writes.extend(users.map(|user| Write::notification_user_deleted(id, user.id)));
    Ok(writes)
}

/// The project with this id, which the operator may have made up.
pub(crate) async fn existing(app: &App, id: ProjectId) -> Result<Project, ApiError> {
    app.settings.project(id).await?.ok_or(ApiError::NotFound("project"))
}

fn shown(project: Project) -> Answer<Project> {
    let tag = Tag::of_view(&project);
    Answer::ok(project).tagged(tag)
}

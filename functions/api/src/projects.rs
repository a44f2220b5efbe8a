//! `/v1/projects`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::aws::store::Written;
use shared::id::ProjectId;
use shared::project::{NewProject, Project, ProjectChange};

use crate::App;
use crate::body::{Checked, CheckedQuery};
use crate::caller::{Caller, Operator, scope};
use crate::paging::{List, Paging};
use crate::problem::ApiError;

/// Creates a project.
pub(crate) async fn create(
    State(app): State<App>,
    _: Operator,
    Checked(new): Checked<NewProject>,
) -> Result<(StatusCode, Json<Project>), ApiError> {
    let project = new.create(ProjectId::new(app.clock.now(), &*app.random));
    app.settings.put_project(&project).await?;
    Ok((StatusCode::CREATED, Json(project)))
}

/// Lists all projects, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    _: Operator,
    CheckedQuery(paging): CheckedQuery<Paging>,
) -> Result<Json<List<Project>>, ApiError> {
    let page = app.settings.projects(paging.limit()?, paging.after()?.as_ref()).await?;
    Ok(Json(page.into()))
}

/// Reads one project.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<Project>, ApiError> {
    Ok(Json(existing(&app, caller.project_id).await?))
}

/// Changes a project. People see the change within half a minute.
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(change): Checked<ProjectChange>,
) -> Result<Json<Project>, ApiError> {
    let seen = app.settings.project_now(caller.project_id).await?.ok_or(ApiError::NotFound("project"))?;
    let mut project = seen.clone();
    project.apply(change);
    match app.settings.replace_project(&project, &seen).await? {
        Written::Now => Ok(Json(project)),
        Written::Before => Err(ApiError::ChangedMeanwhile),
    }
}

/// The project with this id, which the operator may have made up.
pub(crate) async fn existing(app: &App, id: ProjectId) -> Result<Project, ApiError> {
    app.settings.project(id).await?.ok_or(ApiError::NotFound("project"))
}

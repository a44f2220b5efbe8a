//! `POST /v1/key-ring/reseal`: seals everything anew that is under an older key of the key ring, some projects a call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::aws::store::{PageToken, Written};
use shared::draft::{BadField, BadFields, Draft};
use shared::id::ProjectId;
use shared::key_ring::{KeyRing, Resealing};

use crate::App;
use crate::body::Body;
use crate::caller::Operator;
#[cfg(test)]
use crate::openapi::requests;
use crate::paging::{read_cursor, write_cursor};
use crate::problem::ApiError;

/// How many projects one call goes through. One with all its endpoints under an older key costs 16 calls of the store, a
/// few milliseconds each; the function has ten seconds.
const PROJECTS_A_CALL: u16 = 20;

/// What came of one call.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Resealed {
    #[serde(flatten)]
    came_of_it: Resealing,
    /// What to go on with; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Goes through the projects from `cursor` on, or from the beginning. What is under the current key is left as it is.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/key-ring/reseal", operation_id = "resealKeyRing", tag = "Key ring",
    security(("x-api-key" = ["operator"])), request_body = Option<requests::ResealWalk>,
    responses(
        (status = 200, description = "What came of it. Repeat the call with `cursor` until there is none.", body = Resealed),
    ),
))]
pub(crate) async fn reseal(State(app): State<App>, _: Operator, body: Body) -> Result<Json<Resealed>, ApiError> {
    let after = read_position(body.draft_or_empty()?)?;
    // As it is now: with a ring from before the rotation, older values would pass for current ones.
    let ring = app.key_ring.ring_now().await?;
    let projects = app.settings.projects(PROJECTS_A_CALL, after.as_ref()).await?;
    let mut came_of_it = Resealing::default();
    for project in projects.items {
        came_of_it += reseal_project(&app, project.id, &ring).await?;
    }
    Ok(Json(Resealed { came_of_it, cursor: projects.next.map(|next| write_cursor(&next)) }))
}

fn read_position(mut draft: Draft) -> Result<Option<PageToken>, ApiError> {
    let cursor: Option<String> = draft.optional("cursor");
    let cursor = draft.check(|| Some(cursor))?;
    let position = cursor.as_deref().map(read_cursor).transpose();
    position.map_err(|_| {
        let (pointer, detail) = ("/cursor".to_owned(), "is not one that this call gave".to_owned());
        BadFields(vec![BadField { pointer, detail }]).into()
    })
}

/// Where somebody else changes a value at the same moment, theirs stays. It is counted all the same, so that nobody takes
/// the walk for finished before another one finds nothing.
async fn reseal_project(app: &App, project: ProjectId, ring: &KeyRing) -> Result<Resealing, ApiError> {
    let mut sum = Resealing::default();
    for mut endpoint in app.settings.endpoints_now(project).await? {
        let came_of_it = ring.reseal(project, endpoint.sealed_mut(), &*app.random);
        if came_of_it.resealed > 0 {
            let (Written::Now | Written::Before) = app.settings.replace_endpoint(&endpoint).await?;
        }
        sum += came_of_it;
    }
    let mut keys = app.settings.return_url_keys_now(project).await?;
    let came_of_it = ring.reseal(project, keys.sealed_mut(), &*app.random);
    if came_of_it.resealed > 0 {
        let (Written::Now | Written::Before) = app.settings.replace_return_url_keys(&keys).await?;
    }
    sum += came_of_it;
    if let Some(mut pairs) = app.settings.key_pairs(project).await? {
        let came_of_it = ring.reseal(project, pairs.sealed_mut(), &*app.random);
        if came_of_it.resealed > 0 {
            let (Written::Now | Written::Before) = app.settings.replace_key_pairs(&pairs).await?;
        }
        sum += came_of_it;
    }
    Ok(sum)
}

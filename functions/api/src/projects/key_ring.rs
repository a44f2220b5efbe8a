//! `POST /v1/key-ring/reseal`: seals the secrets under older keys of the key ring again, under the current key.

use aws::store::{PageToken, WriteOutcome};
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::{BadFields, Draft};
use domain::foundation::id::ProjectId;
use domain::foundation::key_ring::{KeyRing, Resealing};
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Body;
use crate::http::caller::Operator;
use crate::http::paging::Paged;
#[cfg(test)]
use crate::openapi::requests;

/// Number of projects per call. A project with the maximum number of endpoints needs 16 calls of the store, of a few milliseconds
/// each, and Lambda ends the function after 10 s.
const PROJECTS_A_CALL: u16 = 20;

/// The result of one call.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Resealed {
    #[serde(flatten)]
    counts: Resealing,
    /// Cursor for the next call. Absent after the last project.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Reseals the secrets of a number of projects, from `cursor` on, under the current key of the key ring. Secrets that are already
/// under the current key are not changed. Repeat the call with the returned `cursor` until there is none.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/key-ring/reseal", operation_id = "resealKeyRing", tag = "Key ring",
    security(("x-api-key" = ["operator"])), request_body = Option<requests::ResealWalk>,
    responses(
        (status = 200, description = "The number of resealed values, and the cursor for the next call.", body = Resealed),
    ),
))]
pub(crate) async fn reseal(State(app): State<App>, _: Operator, body: Body) -> Result<Json<Resealed>, ApiError> {
    let list = Paged::new("key-ring", None, &());
    let after = read_position(&list, body.draft_or_empty()?)?;
    // Bypasses the cache: with a key ring from before the rotation, values under the old key would count as current.
    let ring = app.key_ring.ring_now().await?;
    let projects = app.store.projects.list(PROJECTS_A_CALL, after.as_ref()).await?;
    let mut counts = Resealing::default();
    for project in projects.items {
        counts += reseal_project(&app, project.id, &ring).await?;
    }
    Ok(Json(Resealed { counts, cursor: projects.next.map(|next| list.cursor(&next)) }))
}

fn read_position(list: &Paged, mut draft: Draft) -> Result<Option<PageToken>, ApiError> {
    let cursor: Option<String> = draft.optional("cursor");
    let cursor = draft.check(|| Some(cursor))?;
    let position = cursor.as_deref().map(|cursor| list.position(cursor)).transpose();
    position.map_err(|_| BadFields::one("/cursor", "was not returned by this call").into())
}

/// Reseals the secrets of one project. If another request changes a value at the same time, that change stays. The value is counted
/// anyway, because the new value may be under the old key: only a run that counts nothing proves that the old key is unused.
async fn reseal_project(app: &App, project: ProjectId, ring: &KeyRing) -> Result<Resealing, ApiError> {
    let mut total = Resealing::default();
    for mut endpoint in app.store.endpoints.list_now(project).await? {
        let counts = ring.reseal(project, endpoint.sealed_mut(), &*app.random);
        if counts.resealed > 0 {
            let (WriteOutcome::Applied | WriteOutcome::Conflict) = app.store.endpoints.replace(&endpoint).await?;
        }
        total += counts;
    }
    let mut keys = app.store.return_urls.keys_now(project).await?;
    let counts = ring.reseal(project, keys.sealed_mut(), &*app.random);
    if counts.resealed > 0 {
        let (WriteOutcome::Applied | WriteOutcome::Conflict) = app.store.return_urls.replace_keys(&keys).await?;
    }
    total += counts;
    if let Some(mut pairs) = app.store.endpoints.key_pairs(project).await? {
        let counts = ring.reseal(project, pairs.sealed_mut(), &*app.random);
        if counts.resealed > 0 {
            let (WriteOutcome::Applied | WriteOutcome::Conflict) =
                app.store.endpoints.replace_key_pairs(&pairs).await?;
        }
        total += counts;
    }
    if let Some(mut key) = app.store.link_keys.get(project).await? {
        let seen = key.sealed.clone();
        let counts = ring.reseal(project, key.sealed_mut(), &*app.random);
        if counts.resealed > 0 {
            let (WriteOutcome::Applied | WriteOutcome::Conflict) = app.store.link_keys.replace(&key, &seen).await?;
        }
        total += counts;
    }
    Ok(total)
}

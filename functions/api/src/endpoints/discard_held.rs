//! `POST /v1/projects/{pid}/endpoints/{id}/discard-held`: ends the held deliveries of an endpoint.

use std::time::Duration;

use aws::store::Held;
use axum::Json;
use axum::extract::State;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::projects::audit::{AuditChange, Fields, Resource};
use domain::projects::project::Project;
use serde::Serialize;
use tracing::{error, info};

use crate::app::App;
use crate::endpoints::settings::existing;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::response::SettingsResponse;
use crate::http::settings_change::ChangeDecision;
#[cfg(test)]
use crate::openapi::requests;

/// Maximum number of deliveries that a call ends. The index `held` takes 1,000 writes a second for one endpoint, and Lambda stops
/// the function after 10 s.
const MAX_DISCARDED: usize = 2500;

/// Number of deliveries that are ended before the time is checked.
const BATCH_SIZE: usize = 100;

/// A call that has ended deliveries for this long leaves the others to the next call.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The field of the audit log entry: the number of deliveries that the call was about to end.
const AUDIT_FIELD: &str = "heldDeliveries";

/// The result of discarding held deliveries.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DiscardedDeliveries))]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiscardedView {
    /// Number of deliveries that this call ended.
    discarded: usize,
    /// Whether all deliveries that were held when the call began are ended. If `false`, repeat the call.
    done: bool,
}

/// Ends the held deliveries of an endpoint as `cancelled`, so that they are not sent when the endpoint accepts webhooks again.
/// Use it after a long outage, if the receiver no longer needs the webhooks. This cannot be undone. You can still replay single
/// deliveries.
///
/// A call ends up to 2,500 deliveries. Repeat it while `done` is `false`. Deliveries that are held after the call began stay.
/// Each call that ends deliveries has an entry in the audit log. Repeating a complete call changes nothing.
///
/// After a roll-back to an earlier version of Signpost, deliveries that only the newer version can read stay held. The call that
/// finds them returns `done` as `false`; later calls leave them out.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/endpoints/{id}/discard-held", operation_id = "discardHeldDeliveries", tag = "Endpoints",
    params(("id" = EndpointId, Path)), security(("x-api-key" = ["settings:write"])),
    request_body = Option<requests::Nothing>, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The result.", body = DiscardedView)),
))]
pub(crate) async fn discard(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<EndpointId>,
    body: Body,
) -> Result<Json<DiscardedView>, ApiError> {
    body.expect_no_fields()?;
    existing(&app, caller.project_id, id).await?;
    let started_at = app.clock.now();
    let (mut held, unreadable) = app.store.deliveries.held_until(id, started_at, MAX_DISCARDED + 1).await?;
    let has_more = held.len() + unreadable.len() > MAX_DISCARDED;
    held.truncate(MAX_DISCARDED);
    if !unreadable.is_empty() {
        app.store.deliveries.set_held_aside(&unreadable, started_at).await?;
        let rows = unreadable.len();
        error!(endpoint.id = %id, rows, "{rows} held deliveries to endpoint {id} cannot be read and are set aside");
    }
    let (discarded, is_complete) =
        if held.is_empty() { (0, true) } else { end(&app, &caller, id, &held, started_at).await? };
    Ok(Json(DiscardedView { discarded, done: !has_more && unreadable.is_empty() && is_complete }))
}

/// Ends held deliveries. Returns how many were ended, and whether there was time for all.
async fn end<S>(
    app: &App,
    caller: &Caller<S>,
    id: EndpointId,
    held: &[Held],
    started_at: Timestamp,
) -> Result<(usize, bool), ApiError> {
    // Recorded first: if this call is cut off, the audit log still shows who discarded deliveries.
    record(app, caller, id, held.len()).await?;
    let (mut discarded, mut left) = (0, held);
    while !left.is_empty() && app.clock.now() < started_at.plus(TIMEOUT) {
        let (batch, rest) = left.split_at(left.len().min(BATCH_SIZE));
        discarded += app.store.deliveries.discard(batch, started_at).await?;
        left = rest;
    }
    info!(endpoint.id = %id, discarded, "{discarded} held deliveries to endpoint {id} were discarded");
    Ok((discarded, left.is_empty()))
}

/// Writes the entry in the audit log.
async fn record<S>(app: &App, caller: &Caller<S>, id: EndpointId, count: usize) -> Result<(), ApiError> {
    let before = Fields::from_iter([(AUDIT_FIELD.to_owned(), count.into())]);
    let before = &before;
    let decide = move |project: Project| async move {
        let change = AuditChange::changed(Resource::Endpoint { id }, before, &Fields::new());
        Ok(ChangeDecision::resource(project, Vec::new(), change, SettingsResponse::ok(())))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await?;
    Ok(())
}

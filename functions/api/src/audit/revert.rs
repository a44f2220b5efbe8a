//! `POST /v1/projects/{pid}/audit/{number}/revert`: reverts a change of settings.
//!
//! A revert is an ordinary change with the old values. It passes the same checks and has its own entry in the audit log.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, NotificationUserId};
use domain::projects::audit::{Action, Entry, FieldChange, Fields, Resource};
use domain::projects::project::ProjectChange;
use domain::reports::notification_user::{NotificationUser, NotificationUserChange};
use domain::return_urls::NewReturnUrlSettings;
use domain::webhooks::endpoint::{EndpointChange, EndpointField, EndpointState};
use serde_json::Value;

use crate::app::App;
use crate::audit::entries::existing;
use crate::endpoints::{pause, settings as endpoints, view};
use crate::http::api_error::ApiError;
use crate::http::body::{Body, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::Preconditions;
use crate::http::settings_change::ChangeRequest;
use crate::notifications::users;
#[cfg(test)]
use crate::openapi::{parameters, requests, responses};
use crate::projects::settings as projects;
use crate::return_urls::settings as return_urls;

/// Reverts a change. Each field that the change affected gets its value from before the change, whatever its value is now; other
/// fields keep their values. A grant of a receiver does not come back: the endpoint needs a new handshake. A revert is checked like every other change and is recorded in the audit log, so it can be reverted
/// too.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/audit/{number}/revert", operation_id = "revertAuditEntry", tag = "Audit",
    params(
        ("number" = u64, Path, description = "Number of the change. The changes of a project are numbered from 1.", minimum = 1),
        parameters::Preconditions, parameters::IdempotencyKey,
    ),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["not-revertible", "limit-reached", "changed-meanwhile"]))),
    responses(
        (status = 200, description = "The resource after the revert.", body = responses::Reverted),
        (status = 204, description = "The revert deleted the resource, because the change had created it."),
    ),
))]
pub(crate) async fn revert(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(number): LastId<u64>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Response, ApiError> {
    body.expect_no_fields()?;
    let entry = existing(&app, &caller, number).await?;
    let before = entry.fields_before().ok_or(ApiError::NotRevertible)?;
    let request = ChangeRequest { reverts: Some(number), ..ChangeRequest::by(&caller, &preconditions) };
    match (entry.change.resource, entry.change.action) {
        (Resource::Project, Action::Changed) => {
            let change = ProjectChange::try_from(Draft::of(before))?;
            Ok(projects::apply(&app, request, &change).await?.into_response())
        }
        (Resource::Endpoint { id }, Action::Changed) => revert_endpoint(&app, request, id, &entry, &before).await,
        (Resource::NotificationUser { id }, Action::Changed) => revert_user(&app, request, id, before).await,
        (Resource::ReturnUrl, Action::Created) => Ok(return_urls::remove(&app, request).await?.into_response()),
        (Resource::ReturnUrl, Action::Changed | Action::Deleted) => revert_return_url(&app, request, &before).await,
        _ => Err(ApiError::NotRevertible),
    }
}

async fn revert_endpoint(
    app: &App,
    request: ChangeRequest<'_>,
    id: EndpointId,
    entry: &Entry,
    before: &Fields,
) -> Result<Response, ApiError> {
    match state_before(before) {
        Some(state) => Ok(pause::set(app, request, id, state).await?.into_response()),
        None => {
            let change = EndpointChange::check(Draft::of(endpoint_patch(entry)?), &app.config.address_guard)?;
            Ok(endpoints::apply(app, request, id, &change).await?.into_response())
        }
    }
}

async fn revert_user(
    app: &App,
    request: ChangeRequest<'_>,
    id: NotificationUserId,
    before: Fields,
) -> Result<Response, ApiError> {
    // Other fields change without a call of the customer. For example, only the person can confirm their address.
    if !before.keys().all(|name| ["name", "language"].contains(&name.as_str())) {
        return Err(ApiError::NotRevertible);
    }
    let change = NotificationUserChange::try_from(Draft::of(before))?;
    let alter = |user: &mut NotificationUser| user.apply(change.clone());
    Ok(users::alter_user(app, request, id, alter).await?.into_response())
}

async fn revert_return_url(app: &App, request: ChangeRequest<'_>, before: &Fields) -> Result<Response, ApiError> {
    let renew = |current: Option<&Fields>| {
        let fields = current.into_iter().chain([before]).flatten();
        let fields = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(NewReturnUrlSettings::try_from(Draft::of(fields))?)
    };
    Ok(return_urls::replace(app, request, renew).await?.into_response())
}

/// The endpoint's state before the change, if the change paused or resumed it.
fn state_before(before: &Fields) -> Option<EndpointState> {
    serde_json::from_value(before.get("state")?.clone()).ok()
}

/// Returns the body of the `PATCH` that reverts a change of an endpoint. Fails if the change removed a secret, such as the value of a
/// header, because it is lost.
fn endpoint_patch(entry: &Entry) -> Result<Fields, ApiError> {
    let mut patch = Fields::new();
    // A grant of the receiver follows from a handshake, and its end from a change of the URL or of the ownership.
    let chosen = entry.change.changes.iter().filter(|change| change.field != view::OWNERSHIP_PROOF);
    for change in chosen {
        let field = EndpointField::of_audit_name(&change.field).ok_or(ApiError::NotRevertible)?;
        let value = match field {
            EndpointField::Headers => added_headers(change)?,
            EndpointField::Url
            | EndpointField::Description
            | EndpointField::EventTypes
            | EndpointField::Format
            | EndpointField::Payload
            | EndpointField::Encryption
            | EndpointField::Signatures
            | EndpointField::Ordered
            | EndpointField::Pace
            | EndpointField::Ownership => change.before.clone().unwrap_or(Value::Null),
            // The client secret is kept if the change kept it.
            EndpointField::Oauth2 if change.after.is_some() => change.before.clone().unwrap_or(Value::Null),
            EndpointField::ClientCertificate if change.before.is_none() => Value::Null,
            EndpointField::Oauth2 | EndpointField::ClientCertificate => return Err(ApiError::NotRevertible),
        };
        patch.insert(field.as_str().to_owned(), value);
    }
    if patch.is_empty() { Err(ApiError::NotRevertible) } else { Ok(patch) }
}

/// The headers that the change added, each with `null`, which removes it. Fails if the change removed a header.
fn added_headers(change: &FieldChange) -> Result<Value, ApiError> {
    let names = |value: &Option<Value>| value.clone().map(serde_json::from_value::<BTreeSet<String>>);
    let [Some(Ok(before)), Some(Ok(after))] = [names(&change.before), names(&change.after)] else {
        return Err(ApiError::NotRevertible);
    };
    if !before.is_subset(&after) {
        return Err(ApiError::NotRevertible);
    }
    Ok(Value::Object(after.difference(&before).map(|name| (name.clone(), Value::Null)).collect()))
}

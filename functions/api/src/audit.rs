//! `/v1/projects/{pid}/audit`: who changed what, and how to undo it.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use shared::audit::{Action, Entry, Fields, Resource};
use shared::draft::Draft;
use shared::endpoint::EndpointState;
use shared::notification_user::{NotificationUser, NotificationUserChange};
use shared::project::ProjectChange;
use shared::return_url::NewReturnUrlSettings;

use crate::App;
use crate::body::{Body, CheckedQuery, LastId, Nothing};
use crate::caller::{Caller, scope};
use crate::changes::Asked;
#[cfg(test)]
use crate::openapi::{answers, parameters, requests};
use crate::paging::{List, Paging};
use crate::problem::ApiError;
use crate::tag::IfMatch;
use crate::{endpoint_states, endpoints, notification_users, projects, return_urls};

/// Lists the changes of a project's settings, newest first. The operator may ask for a project that is deleted, too.
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
    let page = app.settings.audit(caller.project_id, paging.limit()?, paging.after()?.as_ref()).await?;
    Ok(Json(page.into()))
}

/// Reads one change.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/audit/{number}", operation_id = "readAuditEntry", tag = "Audit",
    params(("number" = u64, Path, description = "Counts the changes of a project from 1.", minimum = 1)),
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

/// Undoes a change: each field that it changed becomes what it was before, whatever has happened to it since. The other fields stay.
/// It goes the way that every change goes, with all of its checks, and answers what the resource is then.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/audit/{number}/revert", operation_id = "revertAuditEntry", tag = "Audit",
    params(
        ("number" = u64, Path, description = "Counts the changes of a project from 1.", minimum = 1),
        parameters::IfMatch, parameters::Once,
    ),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["not-revertible", "limit-reached", "changed-meanwhile"]))),
    responses(
        (status = 200, description = "What the resource is now.", body = answers::Reverted),
        (status = 204, description = "The resource is gone, as it was before."),
    ),
))]
pub(crate) async fn revert(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(number): LastId<u64>,
    if_match: IfMatch,
    body: Body,
) -> Result<Response, ApiError> {
    let Nothing = body.draft_or_empty()?.try_into()?;
    let entry = existing(&app, &caller, number).await?;
    let before = entry.fields_before().ok_or(ApiError::NotRevertible)?;
    let asked = Asked { reverts: Some(number), ..Asked::by(&caller, &if_match) };
    Ok(match (entry.deed.resource, entry.deed.action) {
        (Resource::Project, Action::Changed) => {
            let change = ProjectChange::try_from(Draft::of(before))?;
            projects::apply(&app, asked, &change).await?.into_response()
        }
        (Resource::Endpoint { id }, Action::Changed) => match state_before(&before) {
            Some(state) => endpoint_states::set(&app, asked, id, state).await?.into_response(),
            None => endpoints::apply(&app, asked, id, Draft::of(endpoint_patch(&entry)?)).await?.into_response(),
        },
        (Resource::NotificationUser { id }, Action::Changed) => {
            check_known(&before, &["name", "language"])?;
            let change = NotificationUserChange::try_from(Draft::of(before))?;
            let alter = |user: &mut NotificationUser| user.apply(change.clone());
            notification_users::alter_user(&app, asked, id, alter).await?.into_response()
        }
        (Resource::ReturnUrl, Action::Created) => return_urls::remove(&app, asked).await?.into_response(),
        (Resource::ReturnUrl, Action::Changed | Action::Deleted) => {
            let renew = |present: Option<&Fields>| {
                let fields = present.into_iter().chain([&before]).flatten();
                let fields = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
                Ok(NewReturnUrlSettings::try_from(Draft::of(fields))?)
            };
            return_urls::replace(&app, asked, renew).await?.into_response()
        }
        _ => return Err(ApiError::NotRevertible),
    })
}

/// Refuses what would not be changed by a call of the customer's, such as that somebody has agreed to get mails.
fn check_known(before: &Fields, known: &[&str]) -> Result<(), ApiError> {
    let is_known = before.keys().all(|name| known.contains(&name.as_str()));
    if is_known { Ok(()) } else { Err(ApiError::NotRevertible) }
}

/// What an endpoint was before it was paused or resumed, if that is what happened.
fn state_before(before: &Fields) -> Option<EndpointState> {
    serde_json::from_value(before.get("state")?.clone()).ok()
}

/// What to change of an endpoint, as a `PATCH` would say it. A header that is gone does not come back: its value was secret.
fn endpoint_patch(entry: &Entry) -> Result<Fields, ApiError> {
    let mut patch = Fields::new();
    for change in &entry.deed.changes {
        match change.field.as_str() {
            "headerNames" => {
                let names = |value: &Option<Value>| value.clone().map(serde_json::from_value::<BTreeSet<String>>);
                let [Some(Ok(before)), Some(Ok(after))] = [names(&change.before), names(&change.after)] else {
                    return Err(ApiError::NotRevertible);
                };
                if !before.is_subset(&after) {
                    return Err(ApiError::NotRevertible);
                }
                let added = after.difference(&before).map(|name| (name.clone(), Value::Null));
                patch.insert("headers".to_owned(), Value::Object(added.collect()));
            }
            "url" | "description" | "eventTypes" | "format" | "encryption" | "signatures" => {
                patch.insert(change.field.clone(), change.before.clone().unwrap_or(Value::Null));
            }
            _ => return Err(ApiError::NotRevertible),
        }
    }
    Ok(patch)
}

async fn existing<S>(app: &App, caller: &Caller<S>, number: u64) -> Result<Entry, ApiError> {
    let found = app.settings.audit_entry(caller.project_id, number).await?;
    found.ok_or(ApiError::NotFound("entry in the audit log"))
}

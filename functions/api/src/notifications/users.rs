//! `/v1/projects/{pid}/notification-users`: adds, lists, changes and removes notification users. The links in their mails are in
//! `mail_links`.

use aws::store::Write;
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::BadFields;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::Project;
use domain::reports::notification_user::{
    MAX_NOTIFICATION_USERS, NewNotificationUser, NotificationUser, NotificationUserChange, NotificationUserView,
};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, Tag};
use crate::http::idempotency;
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::{ChangeDecision, ChangeRequest};
use crate::notifications::confirmation::ask_by_mail;
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// Adds a notification user. The user gets a mail with a link to confirm the address, and gets reports only after that.
///
/// If the person has complained about a mail or unsubscribed from this project's mails, or a mail to the address bounced, the user
/// is added in the state `suppressed`, and no mail is sent. The suppression ends when the person confirms with a link in an earlier
/// mail or the operator lifts it.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users", operation_id = "addNotificationUser", tag = "Notification users",
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewNotificationUser,
    extensions(("x-problems" = json!(["limit-reached", "too-many-mails", "changed-meanwhile"]))),
    responses(
        (status = 201, description = "The new notification user. The address is not confirmed yet.", body = NotificationUserView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    preconditions: Preconditions,
    Checked(new): Checked<NewNotificationUser>,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    preconditions.check(None)?;
    let project = app.existing_project(caller.project_id).await?;
    check_new(&app, project.id, &new).await?;
    let request = caller.origin.idempotent_request.as_ref();
    let id = idempotency::resource_id(request, || NotificationUserId::new(app.clock.now(), &*app.random));
    let mut user = new.clone().create(id, project.id);
    // The mail is sent before the user is stored. If sending fails, nothing has changed. If storing fails, the link in the mail does
    // not work, which harms nobody.
    user.apply_ask(ask_by_mail(&app, &project, &user, user.created_at).await?);
    let (app, new, user) = (&app, &new, &user);
    let decide = move |project: Project| async move {
        check_new(app, project.id, new).await?;
        let (write, view) = (Write::notification_user(user)?, user.shown());
        let fields = view.fields();
        let change = AuditChange::created(Resource::NotificationUser { id: user.id }, &view.audited());
        let response = SettingsResponse::created(view);
        Ok(ChangeDecision::resource(project, vec![write], change, response).with_tag(&fields, 0))
    };
    app.change_settings(&caller.origin, project.id, decide).await
}

/// Lists the notification users of a project, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/notification-users", operation_id = "listNotificationUsers", tag = "Notification users",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All notification users.", body = List<NotificationUserView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<NotificationUserView>>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    let users = app.store.users.list(project.id).await?;
    Ok(Json(List::whole(users.into_iter().rev().map(|user| user.shown()).collect())))
}

/// Retrieves one notification user.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "readNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The notification user.", body = NotificationUserView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<NotificationUserId>,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    let user = existing(&app, caller.project_id, id).await?;
    Ok(SettingsResponse::ok(user.shown()).with_tag(tag_of(&user)))
}

/// Changes a notification user's name or language.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "changeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NotificationUserChange, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The notification user after the change.", body = NotificationUserView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    preconditions: Preconditions,
    Checked(change): Checked<NotificationUserChange>,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    let alter = |user: &mut NotificationUser| user.apply(change.clone());
    alter_user(&app, ChangeRequest::by(&caller, &preconditions), id, alter).await
}

/// Removes a notification user, who then gets no more mails. Removing a user who does not exist succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "removeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::Preconditions), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The notification user is removed.")),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    preconditions: Preconditions,
) -> Result<SettingsResponse<()>, ApiError> {
    let (app, preconditions) = (&app, &preconditions);
    if let Some(user) = app.store.users.get(caller.project_id, id).await? {
        preconditions.check(Some(&tag_of(&user)))?;
        app.store.audit.forget(caller.project_id, id).await?;
        app.store.suppressions.keep(&user, app.clock.now()).await?;
    }
    let decide = move |project: Project| async move {
        let user = app.store.users.get(project.id, id).await?;
        preconditions.check(user.as_ref().map(tag_of).as_ref())?;
        let Some(before) = user.map(|user| user.shown()) else {
            return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content()));
        };
        let change = AuditChange::deleted(Resource::NotificationUser { id }, &before.audited());
        let write = Write::notification_user_deleted(project.id, id);
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Sends the confirmation mail again, at most once a minute and five times a day. A `suppressed` or `unsubscribed` user gets no
/// mail. The user keeps this state until the person confirms with a link in an earlier mail or the operator lifts the suppression.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users/{id}/resend-confirmation", operation_id = "resendConfirmation", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::Preconditions, parameters::IdempotencyKey),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["already-confirmed", "too-many-mails", "changed-meanwhile"]))),
    responses((status = 200, description = "The notification user. The mail is sent if the state is `unconfirmed`.", body = NotificationUserView)),
))]
pub(crate) async fn resend_confirmation(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    body.expect_no_fields()?;
    let project = app.existing_project(caller.project_id).await?;
    let now = app.clock.now();
    let user = existing(&app, project.id, id).await?;
    // Checked before the mail, which cannot be taken back. The check is repeated when the change is written.
    preconditions.check(Some(&tag_of(&user)))?;
    user.check_ask(now)?;
    let decision = ask_by_mail(&app, &project, &user, now).await?;
    let alter = |user: &mut NotificationUser| user.apply_ask(decision);
    alter_user(&app, ChangeRequest::by(&caller, &preconditions), id, alter).await
}

/// Changes a notification user with `alter`.
pub(crate) async fn alter_user(
    app: &App,
    request: ChangeRequest<'_>,
    id: NotificationUserId,
    alter: impl Fn(&mut NotificationUser),
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    let alter = &alter;
    let decide = move |project: Project| async move {
        let mut user = existing(app, project.id, id).await?;
        let (before, changed_in) = (user.shown(), user.changed_in);
        request.preconditions.check(Some(&tag_of(&user)))?;
        alter(&mut user);
        let (write, view) = (Write::notification_user(&user)?, user.shown());
        let mut change = AuditChange::changed(Resource::NotificationUser { id }, &before.audited(), &view.audited());
        if before.name != view.name {
            change = change.with_secret("name");
        }
        let (change, fields) = (change.reverting(request.reverts), view.fields());
        let response = SettingsResponse::ok(view);
        Ok(ChangeDecision::resource(project, vec![write], change, response).with_tag(&fields, changed_in))
    };
    app.change_settings(request.origin, request.project, decide).await
}

fn tag_of(user: &NotificationUser) -> Tag {
    Tag::of(&user.shown().fields(), user.changed_in)
}

/// Loads a notification user with a consistent read. Fails with 404 if the user does not exist.
pub(crate) async fn existing(
    app: &App,
    project: ProjectId,
    id: NotificationUserId,
) -> Result<NotificationUser, ApiError> {
    app.store.users.get(project, id).await?.ok_or(ApiError::NotFound("notification user"))
}

/// Fails if the address is already a notification user, or the project has the maximum number of users.
async fn check_new(app: &App, project: ProjectId, new: &NewNotificationUser) -> Result<(), ApiError> {
    let users = app.store.users.list(project).await?;
    if new.is_among(&users) {
        return Err(BadFields::one("/email", "is already a notification user of this project").into());
    }
    if users.len() >= MAX_NOTIFICATION_USERS {
        return Err(ApiError::LimitReached(MAX_NOTIFICATION_USERS, "notification users per project"));
    }
    Ok(())
}

//! `/v1/projects/{pid}/notification-users`: adds, lists, changes and removes notification users. The links in their mails are in
//! `mail_links`.

use aws::store::{Admission, Write};
use axum::Json;
use axum::extract::State;
use domain::foundation::draft::{BadField, BadFields};
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::Project;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{
    CannotAsk, MAX_NOTIFICATION_USERS, NewNotificationUser, NotificationUser, NotificationUserChange,
    NotificationUserView,
};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::{Body, Checked, LastId};
use crate::http::caller::{Caller, scope};
use crate::http::etag::{IfMatch, Tag};
use crate::http::idempotency;
use crate::http::paging::List;
use crate::http::response::SettingsResponse;
use crate::http::settings_change::{ChangeDecision, ChangeRequest};
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// Adds a notification user. The user gets a mail with a link to confirm the address, and gets reports only after that.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users", operation_id = "addNotificationUser", tag = "Notification users",
    params(parameters::IdempotencyKey), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewNotificationUser,
    extensions(("x-problems" = json!(["limit-reached", "too-many-mails", "changed-meanwhile"]))),
    responses(
        (status = 201, description = "The new notification user. The address is not confirmed yet.", body = NotificationUserView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewNotificationUser>,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    let project = app.existing_project(caller.project_id).await?;
    check_new(&app, project.id, &new).await?;
    let request = caller.origin.idempotent_request.as_ref();
    let id = idempotency::resource_id(request, || NotificationUserId::new(app.clock.now(), &*app.random));
    let user = new.clone().create(id, project.id);
    // The mail is sent before the user is stored. If sending fails, nothing has changed. If storing fails, the link in the mail does
    // not work, which harms nobody.
    ask_by_mail(&app, &project, &user).await?;
    let (app, new, user) = (&app, &new, &user);
    let decide = move |project: Project| async move {
        check_new(app, project.id, new).await?;
        let (write, view) = (Write::notification_user(user)?, user.shown());
        let tag = Tag::of(&view.fields());
        let change = AuditChange::created(Resource::NotificationUser { id: user.id }, &view.audited());
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::created(view).with_tag(tag)))
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
    let view = existing(&app, caller.project_id, id).await?.shown();
    let tag = Tag::of(&view.fields());
    Ok(SettingsResponse::ok(view).with_tag(tag))
}

/// Changes a notification user's name or language.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "changeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NotificationUserChange, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The notification user after the change.", body = NotificationUserView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
    Checked(change): Checked<NotificationUserChange>,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    let alter = |user: &mut NotificationUser| user.apply(change.clone());
    alter_user(&app, ChangeRequest::by(&caller, &if_match), id, alter).await
}

/// Removes a notification user, who then gets no more mails. Removing a user who does not exist succeeds and changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "removeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "The notification user is removed.")),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
) -> Result<SettingsResponse<()>, ApiError> {
    let (app, if_match) = (&app, &if_match);
    let decide = move |project: Project| async move {
        let view = app.store.users.get(project.id, id).await?.map(|user| user.shown());
        if_match.check(view.as_ref().map(NotificationUserView::fields).as_ref())?;
        let Some(before) = view else { return Ok(ChangeDecision::Unchanged(SettingsResponse::no_content())) };
        let change = AuditChange::deleted(Resource::NotificationUser { id }, &before.audited());
        let write = Write::notification_user_deleted(project.id, id);
        Ok(ChangeDecision::resource(project, vec![write], change, SettingsResponse::no_content()))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// Sends the confirmation mail again, at most once a minute and five times a day. A user who has unsubscribed, or whose mails
/// bounced, can confirm the address again.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users/{id}/resend-confirmation", operation_id = "resendConfirmation", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch, parameters::IdempotencyKey),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["already-confirmed", "too-many-mails", "changed-meanwhile"]))),
    responses((status = 200, description = "The notification user. The mail is sent.", body = NotificationUserView)),
))]
pub(crate) async fn resend_confirmation(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
    body: Body,
) -> Result<SettingsResponse<NotificationUserView>, ApiError> {
    body.expect_no_fields()?;
    let project = app.existing_project(caller.project_id).await?;
    let now = app.clock.now();
    let mut user = existing(&app, project.id, id).await?;
    // Checked before the mail, which cannot be taken back. The check is repeated when the change is written.
    if_match.check(Some(&user.shown().fields()))?;
    user.ask_again(now)?;
    ask_by_mail(&app, &project, &user).await?;
    let alter = |user: &mut NotificationUser| user.asked_at = user.asked_at.max(now);
    alter_user(&app, ChangeRequest::by(&caller, &if_match), id, alter).await
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
        let before = user.shown();
        request.if_match.check(Some(&before.fields()))?;
        alter(&mut user);
        let (write, view) = (Write::notification_user(&user)?, user.shown());
        let change = AuditChange::changed(Resource::NotificationUser { id }, &before.audited(), &view.audited());
        let tag = Tag::of(&view.fields());
        Ok(ChangeDecision::resource(
            project,
            vec![write],
            change.reverting(request.reverts),
            SettingsResponse::ok(view).with_tag(tag),
        ))
    };
    app.change_settings(request.origin, request.project, decide).await
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
        let (pointer, detail) = ("/email".to_owned(), "is already a notification user of this project".to_owned());
        return Err(BadFields(vec![BadField { pointer, detail }]).into());
    }
    if users.len() >= MAX_NOTIFICATION_USERS {
        return Err(ApiError::LimitReached(MAX_NOTIFICATION_USERS, "notification users per project"));
    }
    Ok(())
}

/// Sends the confirmation mail. Fails if the address has already got five of them today.
async fn ask_by_mail(app: &App, project: &Project, user: &NotificationUser) -> Result<(), ApiError> {
    let now = app.clock.now();
    if app.store.quotas.admit_confirmation(project.id, &user.email, now).await? == Admission::Refused {
        return Err(CannotAsk::too_often(now).into());
    }
    let link = MailLink::new(LinkPurpose::Confirm, project.id, user.id, now);
    let ring = app.key_ring.ring().await?;
    let url = link.url(&app.config.api_base_url, &ring, &*app.random);
    let mail = mail::render_confirmation(project.name.as_str(), &url, link.expires_at, user.language)?;
    Ok(app.mailer.send(user, &mail).await?)
}

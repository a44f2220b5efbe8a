//! `/v1/projects/{pid}/notification-users`; the pages behind the links in their mails are in [`crate::mail_links`].

use axum::Json;
use axum::extract::State;
use shared::audit::{Deed, Resource};
use shared::aws::store::{Write, Written};
use shared::draft::{BadField, BadFields};
use shared::id::{NotificationUserId, ProjectId};
use shared::mail_link::{LinkPurpose, MailLink};
use shared::notification_user::{
    CannotAsk, MOST_NOTIFICATION_USERS, NewNotificationUser, NotificationUser, NotificationUserChange,
    NotificationUserView,
};
use shared::project::Project;
use shared::report_mail;

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, Checked, LastId, Nothing};
use crate::caller::{Caller, scope};
use crate::changes::{Asked, Decision};
use crate::once;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::List;
use crate::problem::ApiError;
use crate::projects;
use crate::tag::{IfMatch, Tag};

/// Adds a notification user, and asks by mail whether they want the reports.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users", operation_id = "addNotificationUser", tag = "Notification users",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewNotificationUser,
    extensions(("x-problems" = json!(["limit-reached", "too-many-mails", "changed-meanwhile"]))),
    responses(
        (status = 201, description = "The notification user, still to confirm.", body = NotificationUserView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewNotificationUser>,
) -> Result<Answer<NotificationUserView>, ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    check_new(&app, project.id, &new).await?;
    let claim = caller.origin.claim.as_ref();
    let id = once::subject(claim, || NotificationUserId::new(app.clock.now(), &*app.random));
    let user = new.clone().create(id, project.id);
    // The mail goes first: if it cannot be sent, nothing has changed, while a mail without a user is only a link that does not
    // work.
    ask_by_mail(&app, &project, &user).await?;
    let (app, new, user) = (&app, &new, &user);
    let decide = move |project: Project| async move {
        check_new(app, project.id, new).await?;
        let (write, shown) = (Write::notification_user(user)?, user.shown());
        let tag = Tag::of(&shown.fields());
        let deed = Deed::created(Resource::NotificationUser { id: user.id }, &shown.audited());
        Ok(Decision::change(project, vec![write], deed, Answer::created(shown).tagged(tag)))
    };
    app.change(&caller.origin, project.id, decide).await
}

/// Lists the notification users, newest first.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/notification-users", operation_id = "listNotificationUsers", tag = "Notification users",
    security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "All notification users.", body = List<NotificationUserView>)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
) -> Result<Json<List<NotificationUserView>>, ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let users = app.settings.notification_users(project.id).await?;
    Ok(Json(List::whole(users.into_iter().rev().map(|user| user.shown()).collect())))
}

/// Reads one notification user.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "readNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path)), security(("x-api-key" = ["settings:read"])),
    responses((status = 200, description = "The notification user.", body = NotificationUserView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::SettingsRead>,
    LastId(id): LastId<NotificationUserId>,
) -> Result<Answer<NotificationUserView>, ApiError> {
    let shown = existing(&app, caller.project_id, id).await?.shown();
    let tag = Tag::of(&shown.fields());
    Ok(Answer::ok(shown).tagged(tag))
}

/// Changes a notification user's name or language.
#[cfg_attr(test, utoipa::path(
    patch, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "changeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NotificationUserChange, extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 200, description = "The notification user as they are now.", body = NotificationUserView)),
))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
    Checked(change): Checked<NotificationUserChange>,
) -> Result<Answer<NotificationUserView>, ApiError> {
    let alter = |user: &mut NotificationUser| user.apply(change.clone());
    alter_user(&app, Asked::by(&caller, &if_match), id, alter).await
}

/// Removes a notification user: they get no more mails. Removing them again changes nothing.
#[cfg_attr(test, utoipa::path(
    delete, path = "/v1/projects/{pid}/notification-users/{id}", operation_id = "removeNotificationUser", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch), security(("x-api-key" = ["settings:write"])),
    extensions(("x-problems" = json!(["changed-meanwhile"]))),
    responses((status = 204, description = "They are gone.")),
))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
) -> Result<Answer<()>, ApiError> {
    let (app, if_match) = (&app, &if_match);
    let decide = move |project: Project| async move {
        let found = app.settings.notification_user(project.id, id).await?.map(|user| user.shown());
        if_match.check(found.as_ref().map(NotificationUserView::fields).as_ref())?;
        let Some(before) = found else { return Ok(Decision::Nothing(Answer::gone())) };
        let deed = Deed::deleted(Resource::NotificationUser { id }, &before.audited());
        let write = Write::notification_user_deleted(project.id, id);
        Ok(Decision::change(project, vec![write], deed, Answer::gone()))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// Asks a notification user once more whether they want the reports, at most once a minute. So whoever has unsubscribed, or whose
/// mails came back, can return.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users/{id}/resend-confirmation", operation_id = "resendConfirmation", tag = "Notification users",
    params(("id" = NotificationUserId, Path), parameters::IfMatch, parameters::Once),
    security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["already-confirmed", "too-many-mails", "changed-meanwhile"]))),
    responses((status = 200, description = "They were asked.", body = NotificationUserView)),
))]
pub(crate) async fn resend_confirmation(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    LastId(id): LastId<NotificationUserId>,
    if_match: IfMatch,
    body: Body,
) -> Result<Answer<NotificationUserView>, ApiError> {
    let Nothing = body.draft_or_empty()?.try_into()?;
    let project = projects::existing(&app, caller.project_id).await?;
    let now = app.clock.now();
    let mut user = existing(&app, project.id, id).await?;
    // Before the mail, which cannot be taken back; it is checked again when the change is written.
    if_match.check(Some(&user.shown().fields()))?;
    user.ask_again(now)?;
    ask_by_mail(&app, &project, &user).await?;
    let alter = |user: &mut NotificationUser| user.asked_at = user.asked_at.max(now);
    alter_user(&app, Asked::by(&caller, &if_match), id, alter).await
}

/// Changes a notification user by `alter`.
pub(crate) async fn alter_user(
    app: &App,
    asked: Asked<'_>,
    id: NotificationUserId,
    alter: impl Fn(&mut NotificationUser),
) -> Result<Answer<NotificationUserView>, ApiError> {
    let alter = &alter;
    let decide = move |project: Project| async move {
        let mut user = existing(app, project.id, id).await?;
        let before = user.shown();
        asked.if_match.check(Some(&before.fields()))?;
        alter(&mut user);
        let (write, shown) = (Write::notification_user(&user)?, user.shown());
        let deed = Deed::changed(Resource::NotificationUser { id }, &before.audited(), &shown.audited());
        let tag = Tag::of(&shown.fields());
        Ok(Decision::change(project, vec![write], deed.reverting(asked.reverts), Answer::ok(shown).tagged(tag)))
    };
    app.change(asked.origin, asked.project, decide).await
}

/// The notification user of this project with this id, as they are now.
pub(crate) async fn existing(
    app: &App,
    project: ProjectId,
    id: NotificationUserId,
) -> Result<NotificationUser, ApiError> {
    app.settings.notification_user(project, id).await?.ok_or(ApiError::NotFound("notification user"))
}

/// Refuses an address that is there already, and one user more than a project may have.
async fn check_new(app: &App, project: ProjectId, new: &NewNotificationUser) -> Result<(), ApiError> {
    let users = app.settings.notification_users(project).await?;
    if new.is_among(&users) {
        let (pointer, detail) = ("/email".to_owned(), "is a notification user of this project already".to_owned());
        return Err(BadFields(vec![BadField { pointer, detail }]).into());
    }
    if users.len() >= MOST_NOTIFICATION_USERS {
        return Err(ApiError::LimitReached(MOST_NOTIFICATION_USERS, "notification users"));
    }
    Ok(())
}

/// Asks an address for its confirmation, but not more often than it may be asked on one day.
async fn ask_by_mail(app: &App, project: &Project, user: &NotificationUser) -> Result<(), ApiError> {
    let now = app.clock.now();
    if app.activity.admit_confirmation(project.id, &user.email, now).await? == Written::Before {
        return Err(CannotAsk::too_often(now).into());
    }
    let link = MailLink::new(LinkPurpose::Confirm, project.id, user.id, now);
    let ring = app.key_ring.ring().await?;
    let url = link.url(&app.config.api_base_url, &ring, &*app.random);
    let mail = report_mail::render_confirmation(project.name.as_str(), &url, link.expires_at, user.language)?;
    Ok(app.mailer.send(user, &mail).await?)
}

//! `/v1/projects/{pid}/notification-users`, and the page behind the link that confirms an address.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use shared::confirmation::Confirmation;
use shared::draft::{BadField, BadFields};
use shared::id::NotificationUserId;
use shared::notification_user::{
    EmailAddress, Language, MOST_NOTIFICATION_USERS, NewNotificationUser, NotificationUser, NotificationUserState,
};
use shared::project::{Name, Project};
use shared::report_mail;
use shared::time::Timestamp;

use crate::App;
use crate::body::Checked;
use crate::caller::{Caller, scope};
use crate::confirm_page::{self, ConfirmPage};
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::paging::List;
use crate::problem::ApiError;
use crate::projects;

/// A notification user as they are shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = NotificationUser))]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationUserView {
    /// Their id.
    id: NotificationUserId,
    /// What they are called.
    name: Name,
    /// Where the report goes.
    email: EmailAddress,
    /// Which language it is written in.
    language: Language,
    /// Whether they get mail.
    state: NotificationUserState,
    /// When they were added.
    created_at: Timestamp,
}

impl From<NotificationUser> for NotificationUserView {
    fn from(user: NotificationUser) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            language: user.language,
            state: user.state,
            created_at: user.created_at,
        }
    }
}

/// Adds a notification user, and asks them by mail whether they agree. No report is sent before they do.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/notification-users", operation_id = "addNotificationUser", tag = "Notification users",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])),
    request_body = requests::NewNotificationUser, extensions(("x-problems" = json!(["limit-reached"]))),
    responses(
        (status = 201, description = "The notification user, still to confirm.", body = NotificationUserView),
    ),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    Checked(new): Checked<NewNotificationUser>,
) -> Result<(StatusCode, Json<NotificationUserView>), ApiError> {
    let project = projects::existing(&app, caller.project_id).await?;
    let users = app.settings.notification_users(project.id).await?;
    if new.is_among(&users) {
        let detail = "is the address of another notification user of this project".to_owned();
        return Err(BadFields(vec![BadField { pointer: "/email".to_owned(), detail }]).into());
    }
    if users.len() >= MOST_NOTIFICATION_USERS {
        return Err(ApiError::LimitReached(MOST_NOTIFICATION_USERS, "notification users"));
    }
    let user = new.create(NotificationUserId::new(app.clock.now(), &*app.random), project.id);
    // The mail goes first: a user without a mail could never be confirmed nor added again, while a mail without a
    // user is only a link that does not work.
    ask_by_mail(&app, &project, &user).await?;
    app.settings.put_notification_user(&user).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
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
    Ok(Json(List::whole(users.into_iter().rev().map(NotificationUserView::from).collect())))
}

/// Shows the page behind the link. It changes nothing: mail scanners follow links, too.
pub(crate) async fn ask(State(app): State<App>, Path(token): Path<String>) -> Result<Response, ApiError> {
    let found = find(&app, &token).await?;
    let page = match &found {
        None => ConfirmPage::Dead,
        Some((project, user)) => match user.state {
            NotificationUserState::Unconfirmed => ConfirmPage::Question(project, user.language),
            NotificationUserState::Confirmed => ConfirmPage::Thanks(project, user.language),
        },
    };
    Ok(confirm_page::respond(&page, &*app.random))
}

/// Confirms the address, because the button was pressed. Pressing it again changes nothing.
pub(crate) async fn confirm(State(app): State<App>, Path(token): Path<String>) -> Result<Response, ApiError> {
    let Some((project, mut user)) = find(&app, &token).await? else {
        return Ok(confirm_page::respond(&ConfirmPage::Dead, &*app.random));
    };
    if user.state == NotificationUserState::Unconfirmed {
        user.state = NotificationUserState::Confirmed;
        app.settings.put_notification_user(&user).await?;
    }
    Ok(confirm_page::respond(&ConfirmPage::Thanks(&project, user.language), &*app.random))
}

/// Whom a token is about, if it works and they are still there.
async fn find(app: &App, token: &str) -> Result<Option<(Project, NotificationUser)>, ApiError> {
    let key_ring = app.key_ring.ring_to_open(&Confirmation::sealed_in(token)).await?;
    let Ok(confirmation) = Confirmation::open(token, &key_ring, app.clock.now()) else { return Ok(None) };
    let user = app.settings.notification_user(confirmation.project_id, confirmation.user_id).await?;
    let project = app.settings.project(confirmation.project_id).await?;
    Ok(project.zip(user))
}

async fn ask_by_mail(app: &App, project: &Project, user: &NotificationUser) -> Result<(), ApiError> {
    let confirmation = Confirmation::new(project.id, user.id, app.clock.now());
    let ring = app.key_ring.ring().await?;
    let token = confirmation.token(&ring, &*app.random);
    let link = format!("{}/confirm/{token}", app.config.api_base_url);
    let mail = report_mail::render_confirmation(project.name.as_str(), &link, confirmation.expires_at, user.language)?;
    Ok(app.mailer.send(&user.email, &mail).await?)
}

//! `/confirm/{token}` and `/unsubscribe/{token}`: the pages behind the links in mails to notification users.
//!
//! Opening a link changes nothing, because mail scanners do that, too; the button on its page does. Mail programs that offer to
//! unsubscribe with one click (RFC 8058) send what that button sends.

use axum::extract::{Path, State};
use axum::response::Response;
use shared::mail_link::{LinkPurpose, MailLink};
use shared::notification_user::{NotificationUser, NotificationUserState};
use shared::project::Project;

use crate::App;
use crate::caller::Origin;
use crate::changes::Asked;
use crate::mail_link_page::{self, MailLinkPage};
use crate::notification_users::alter_user;
use crate::problem::ApiError;
use crate::tag::IfMatch;

/// Asks whether the address should get mails.
pub(crate) async fn ask_to_confirm(State(app): State<App>, Path(token): Path<String>) -> Result<Response, ApiError> {
    ask(&app, LinkPurpose::Confirm, &token).await
}

/// Confirms the address, because the button was pressed. Pressing it again changes nothing.
pub(crate) async fn confirm(
    State(app): State<App>,
    Path(token): Path<String>,
    origin: Origin,
) -> Result<Response, ApiError> {
    follow(&app, LinkPurpose::Confirm, &token, &origin).await
}

/// Asks whether the address should get no more mails.
pub(crate) async fn ask_to_unsubscribe(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    ask(&app, LinkPurpose::Unsubscribe, &token).await
}

/// Ends the mails to the address, because a button was pressed. Pressing it again changes nothing.
pub(crate) async fn unsubscribe(
    State(app): State<App>,
    Path(token): Path<String>,
    origin: Origin,
) -> Result<Response, ApiError> {
    follow(&app, LinkPurpose::Unsubscribe, &token, &origin).await
}

/// Asks whether what a link is for should be done, unless it is so already.
async fn ask(app: &App, purpose: LinkPurpose, token: &str) -> Result<Response, ApiError> {
    let found = find(app, purpose, token).await?;
    let page = match &found {
        None => MailLinkPage::Dead,
        Some((project, user)) => {
            let gets_mails = user.state == NotificationUserState::Confirmed;
            let is_done = match purpose {
                LinkPurpose::Confirm => gets_mails,
                LinkPurpose::Unsubscribe => !gets_mails,
            };
            let page = if is_done { MailLinkPage::Done } else { MailLinkPage::Question };
            page(purpose, project, user.language)
        }
    };
    Ok(mail_link_page::respond(&page, &*app.random))
}

/// Does what a link is for.
async fn follow(app: &App, purpose: LinkPurpose, token: &str, origin: &Origin) -> Result<Response, ApiError> {
    let Some((project, user)) = find(app, purpose, token).await? else {
        return Ok(mail_link_page::respond(&MailLinkPage::Dead, &*app.random));
    };
    let asked = Asked { project: user.project_id, origin, if_match: &IfMatch::Anything, reverts: None };
    let alter = match purpose {
        LinkPurpose::Confirm => NotificationUser::confirm,
        LinkPurpose::Unsubscribe => NotificationUser::unsubscribe,
    };
    alter_user(app, asked, user.id, alter).await?;
    Ok(mail_link_page::respond(&MailLinkPage::Done(purpose, &project, user.language), &*app.random))
}

/// Whom a token is about, if it works and they are still there.
async fn find(app: &App, purpose: LinkPurpose, token: &str) -> Result<Option<(Project, NotificationUser)>, ApiError> {
    let key_ring = app.key_ring.ring_to_open(&MailLink::sealed_in(token)).await?;
    let Ok(link) = MailLink::open(purpose, token, &key_ring, app.clock.now()) else { return Ok(None) };
    let user = app.settings.notification_user(link.project_id, link.user_id).await?;
    let project = app.settings.project(link.project_id).await?;
    Ok(project.zip(user))
}

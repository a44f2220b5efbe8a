//! `/confirm/{token}` and `/unsubscribe/{token}`: the links in mails to notification users.
//!
//! Opening a link changes nothing, because mail scanners open links too. The button on the page makes the change. Mail programs that
//! offer one-click unsubscribe (RFC 8058) send the same POST as the button.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::foundation::language::Language;
use domain::projects::project::Project;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{NotificationUser, NotificationUserState};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::caller::RequestOrigin;
use crate::http::etag::IfMatch;
use crate::http::language::PreferredLanguage;
use crate::http::settings_change::ChangeRequest;
use crate::notifications::mail_link_page::{self, MailLinkPage};
use crate::notifications::users::alter_user;

/// Shows the page that asks for the confirmation of an address.
pub(crate) async fn ask_to_confirm(
    State(app): State<App>,
    Path(token): Path<String>,
    PreferredLanguage(language): PreferredLanguage,
) -> Result<Response, ApiError> {
    ask(&app, LinkPurpose::Confirm, &token, language).await
}

/// Confirms an address. Repeating it changes nothing.
pub(crate) async fn confirm(
    State(app): State<App>,
    Path(token): Path<String>,
    PreferredLanguage(language): PreferredLanguage,
    origin: RequestOrigin,
) -> Result<Response, ApiError> {
    follow(&app, LinkPurpose::Confirm, &token, language, &origin).await
}

/// Shows the page that asks whether to unsubscribe.
pub(crate) async fn ask_to_unsubscribe(
    State(app): State<App>,
    Path(token): Path<String>,
    PreferredLanguage(language): PreferredLanguage,
) -> Result<Response, ApiError> {
    ask(&app, LinkPurpose::Unsubscribe, &token, language).await
}

/// Unsubscribes an address. Repeating it changes nothing.
pub(crate) async fn unsubscribe(
    State(app): State<App>,
    Path(token): Path<String>,
    PreferredLanguage(language): PreferredLanguage,
    origin: RequestOrigin,
) -> Result<Response, ApiError> {
    follow(&app, LinkPurpose::Unsubscribe, &token, language, &origin).await
}

/// Shows the question of a link, or its result if the user already is in that state.
async fn ask(app: &App, purpose: LinkPurpose, token: &str, language: Language) -> Result<Response, ApiError> {
    let recipient = find(app, purpose, token).await?;
    let page = match &recipient {
        None => MailLinkPage::Dead(language),
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

/// Makes the change of a link.
async fn follow(
    app: &App,
    purpose: LinkPurpose,
    token: &str,
    language: Language,
    origin: &RequestOrigin,
) -> Result<Response, ApiError> {
    let Some((project, user)) = find(app, purpose, token).await? else {
        return Ok(mail_link_page::respond(&MailLinkPage::Dead(language), &*app.random));
    };
    let request = ChangeRequest { project: user.project_id, origin, if_match: &IfMatch::Anything, reverts: None };
    let alter = match purpose {
        LinkPurpose::Confirm => NotificationUser::confirm,
        LinkPurpose::Unsubscribe => NotificationUser::unsubscribe,
    };
    alter_user(app, request, user.id, alter).await?;
    Ok(mail_link_page::respond(&MailLinkPage::Done(purpose, &project, user.language), &*app.random))
}

/// Loads the project and the user of a token. Returns `None` if the token is invalid or has expired, or the user was removed.
async fn find(app: &App, purpose: LinkPurpose, token: &str) -> Result<Option<(Project, NotificationUser)>, ApiError> {
    let key_ring = app.key_ring.ring_to_open(&MailLink::sealed_in(token)).await?;
    let Ok(link) = MailLink::open(purpose, token, &key_ring, app.clock.now()) else { return Ok(None) };
    let user = app.store.users.get(link.project_id, link.user_id).await?;
    let project = app.store.projects.get(link.project_id).await?;
    Ok(project.zip(user))
}

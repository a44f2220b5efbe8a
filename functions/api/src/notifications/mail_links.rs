//! `/confirm/{token}` and `/unsubscribe/{token}`: the links in mails to notification users.
//!
//! Opening a link changes nothing, because mail scanners open links too. The button on the page makes the change. Mail programs that
//! offer one-click unsubscribe (RFC 8058) send the same POST as the button.

use aws::lambda::preferred_language::PreferredLanguage;
use aws::link_keys::link_key;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::foundation::language::Language;
use domain::projects::project::Project;
use domain::reports::email_address::AddressHashes;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{NotificationUser, NotificationUserState};
use domain::reports::suppression::{Suppression, SuppressionReason};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::caller::RequestOrigin;
use crate::http::etag::Preconditions;
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

/// The recipient of a mailed link.
struct Recipient {
    project: Project,
    link: MailLink,
    /// The notification user; `None` if the user was removed. The person can then only unsubscribe.
    user: Option<NotificationUser>,
    /// The language of the user, or of the browser if the user was removed.
    language: Language,
}

/// Shows the question of a link, or its result if the user already is in that state.
async fn ask(app: &App, purpose: LinkPurpose, token: &str, language: Language) -> Result<Response, ApiError> {
    let Some(recipient) = find(app, purpose, token, language).await? else { return Ok(dead(app, language)) };
    let is_done = match recipient.user.as_ref().map(|user| user.state) {
        Some(NotificationUserState::Confirmed) => purpose == LinkPurpose::Confirm,
        Some(NotificationUserState::Unsubscribed | NotificationUserState::Suppressed) => {
            purpose == LinkPurpose::Unsubscribe
        }
        Some(NotificationUserState::Unconfirmed) | None => false,
    };
    if is_done {
        return done(app, &recipient).await;
    }
    let page = MailLinkPage::Question(purpose, &recipient.project, recipient.language);
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
    let Some(recipient) = find(app, purpose, token, language).await? else { return Ok(dead(app, language)) };
    let (project, now) = (recipient.project.id, app.clock.now());
    let request = ChangeRequest { project, origin, preconditions: &Preconditions::NONE, reverts: None };
    // Written first, because the suppression list decides about mails. The user's state only shows the decision.
    if let Some(hashes) = recipient.hashes() {
        match purpose {
            LinkPurpose::Confirm => app.store.suppressions.confirm(&hashes, project).await?,
            LinkPurpose::Unsubscribe => {
                let suppression = Suppression { at: now, reason: SuppressionReason::Unsubscribed };
                app.store.suppressions.add(&hashes, project, suppression).await?;
            }
        }
    }
    if let Some(user) = &recipient.user {
        let alter = |user: &mut NotificationUser| match purpose {
            LinkPurpose::Confirm => user.confirm(now),
            LinkPurpose::Unsubscribe => user.unsubscribe(),
        };
        alter_user(app, request, user.id, alter).await?;
    }
    done(app, &recipient).await
}

/// Loads the recipient of a token. Returns `None` if the token is invalid or has expired, the project was deleted, or the user was
/// removed and the link cannot unsubscribe the address.
async fn find(app: &App, purpose: LinkPurpose, token: &str, language: Language) -> Result<Option<Recipient>, ApiError> {
    let Some(project) = MailLink::project_in(token) else { return Ok(None) };
    let stored_key = app.store.link_keys.get(project).await?;
    let sealed = MailLink::sealed_in(token);
    let ring = app.key_ring.ring_to_open(sealed.iter().chain(stored_key.as_ref().map(|key| &key.sealed))).await?;
    let key = stored_key.and_then(|key| key.open(&ring).ok());
    let Ok(link) = MailLink::open(purpose, token, key.as_ref(), &ring, app.clock.now()) else { return Ok(None) };
    let Some(project) = app.store.projects.get(link.project_id).await? else { return Ok(None) };
    let user = find_user(app, &link).await?;
    let can_follow = user.is_some() || (purpose == LinkPurpose::Unsubscribe && link.address.is_some());
    let language = user.as_ref().map_or(language, |user| user.language);
    Ok(can_follow.then_some(Recipient { project, link, user, language }))
}

/// Finds the user of a link. If that user was removed, finds the user who was added later with the same address.
async fn find_user(app: &App, link: &MailLink) -> Result<Option<NotificationUser>, ApiError> {
    let user = app.store.users.get(link.project_id, link.user_id).await?;
    let (None, Some(address)) = (&user, &link.address) else { return Ok(user) };
    let users = app.store.users.list(link.project_id).await?;
    Ok(users.into_iter().find(|user| user.email.hashes().mailbox == address.mailbox))
}

impl Recipient {
    fn hashes(&self) -> Option<AddressHashes> {
        self.user.as_ref().map(|user| user.email.hashes()).or_else(|| self.link.address.clone())
    }
}

/// Shows the result of a link.
async fn done(app: &App, recipient: &Recipient) -> Result<Response, ApiError> {
    let Recipient { project, link, user, language } = recipient;
    let page = match link.purpose {
        LinkPurpose::Confirm => MailLinkPage::Confirmed(project, *language),
        LinkPurpose::Unsubscribe => {
            // The person has proved that they receive mail at this address, so they can subscribe again.
            let url = match user {
                Some(user) => {
                    let key = link_key(&app.store.link_keys, &app.key_ring, project.id, &*app.random).await?;
                    let link = MailLink::new(LinkPurpose::Confirm, user, app.clock.now());
                    Some(link.url(&app.config.api_base_url, &key, &*app.random))
                }
                None => None,
            };
            MailLinkPage::Unsubscribed(project, *language, url)
        }
    };
    Ok(mail_link_page::respond(&page, &*app.random))
}

fn dead(app: &App, language: Language) -> Response {
    mail_link_page::respond(&MailLinkPage::Dead(language), &*app.random)
}

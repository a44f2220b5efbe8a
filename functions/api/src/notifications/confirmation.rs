//! Sends confirmation mails within the limits, except to addresses on the suppression list.

use aws::link_keys::link_key;
use domain::foundation::time::Timestamp;
use domain::projects::project::Project;
use domain::reports::confirmation::{CannotAsk, ConfirmationLimit};
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{AskDecision, NotificationUser};
use tracing::warn;

use crate::app::App;
use crate::http::api_error::ApiError;

/// Sends a confirmation mail unless the address is suppressed. Returns the decision, which the caller stores with
/// [`NotificationUser::apply_ask`]. Fails if a mail limit is reached.
pub(crate) async fn ask_by_mail(
    app: &App,
    project: &Project,
    user: &NotificationUser,
    now: Timestamp,
) -> Result<AskDecision, ApiError> {
    // Counted first, so that a caller can probe for suppressed addresses only within the limits.
    admit(app, project, user, now).await?;
    let listing = app.store.suppressions.find(&user.email.hashes(), project.id).await?;
    let decision = user.decide_ask(&listing, now);
    match decision {
        AskDecision::Mail { .. } => mail(app, project, user, now).await?,
        AskDecision::Stop(_) => {}
    }
    Ok(decision)
}

async fn admit(app: &App, project: &Project, user: &NotificationUser, now: Timestamp) -> Result<(), ApiError> {
    let (person, limits) = (user.email.hashes().person, app.config.confirmation_limits);
    let Some(limit) = app.store.quotas.admit_confirmation(project.id, &person, limits, now).await? else {
        return Ok(());
    };
    if limit == ConfirmationLimit::Deployment {
        warn!(project.id = %project.id, "the deployment has sent its maximum of confirmation mails today");
    }
    Err(CannotAsk::too_often(limit, now).into())
}

async fn mail(app: &App, project: &Project, user: &NotificationUser, now: Timestamp) -> Result<(), ApiError> {
    let key = link_key(&app.store.link_keys, &app.key_ring, project.id, &*app.random).await?;
    let link = MailLink::new(LinkPurpose::Confirm, user, now);
    let url = link.url(&app.config.api_base_url, &key, &*app.random);
    let mail = mail::render_confirmation(project.name.as_str(), &url, link.expires_at, user.language)?;
    Ok(app.mailer.send(user, &mail).await?)
}

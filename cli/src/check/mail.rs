//! The mail that asks a notification user for confirmation.

use domain::foundation::id::ProjectId;
use domain::reports::notification_user::NotificationUserState;
use serde::Deserialize;
use serde_json::json;

use super::advice::failed_call;
use super::setup::NAME;
use super::step::Finding;
use crate::api::{Answer, ApiClient, ApiError};

#[derive(Debug, Deserialize)]
struct NotificationUser {
    state: String,
}

/// Adds a notification user. The address gets a mail that asks for confirmation.
pub(crate) async fn check(api: &ApiClient, project: ProjectId, email: &str) -> Result<((), Finding), Finding> {
    let draft = json!({ "name": NAME, "email": email });
    let user = api.post(&format!("/v1/projects/{project}/notification-users"), &draft).await;
    let user = user.and_then(Answer::read::<NotificationUser>).map_err(|error| failed(&error))?;
    Ok(((), judge(&user)))
}

fn judge(user: &NotificationUser) -> Finding {
    if user.state == NotificationUserState::Unconfirmed.as_str() {
        return Finding::works(
            "a mail that asks for confirmation was requested; look for it in the mailbox, its link ends with the check",
        );
    }
    Finding::warning(
        format!("no mail was requested, because the address is {}", crate::output::printable(&user.state)),
        "Mails to this address bounced, or the person complained or unsubscribed. Use another address.",
    )
}

fn failed(error: &ApiError) -> Finding {
    let finding = failed_call(error);
    match error {
        ApiError::Refused { status, .. } if status.is_server_error() => Finding {
            advice: Some(format!(
                "Check that SES has verified the address of MailFrom, and that the account is out of the sandbox: `aws sesv2 \
                 get-account --query ProductionAccessEnabled`. {}",
                finding.advice.unwrap_or_default()
            )),
            ..finding
        },
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::api::Problem;
    use crate::check::step::StepState;

    #[test]
    fn a_suppressed_address_is_a_warning() {
        assert_eq!(judge(&NotificationUser { state: "unconfirmed".to_owned() }).state, StepState::Works);
        assert_eq!(judge(&NotificationUser { state: "suppressed".to_owned() }).state, StepState::Warning);
    }

    #[test]
    fn the_advice_for_a_mail_that_cannot_be_sent_names_ses() {
        let error = ApiError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, problem: Problem::default() };
        assert!(failed(&error).advice.unwrap().contains("SES"));
    }
}

//! Notification users, who receive the daily report by mail.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::foundation::draft::{BadFields, Change, Draft};
use crate::foundation::id::{NotificationUserId, ProjectId};
use crate::foundation::language::Language;
use crate::foundation::time::Timestamp;
use crate::projects::audit::Fields;
use crate::projects::project::Name;
use crate::public_names;

/// Maximum number of notification users of a project.
pub const MAX_NOTIFICATION_USERS: usize = 50;

/// A notification user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationUser {
    /// Id of the notification user.
    pub id: NotificationUserId,
    /// The project whose reports the user receives.
    pub project_id: ProjectId,
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails.
    pub language: Language,
    /// Whether the user receives mails.
    pub state: NotificationUserState,
    /// Why and when mails stopped; only in the state `suppressed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Suppression>,
    /// When the latest mail that asks for confirmation was requested.
    pub asked_at: Timestamp,
    /// When the user was added.
    pub created_at: Timestamp,
}

public_names! {
    /// Whether a notification user receives mails.
    pub enum NotificationUserState {
        /// The person has not used the link in the first mail yet. No reports are sent.
        Unconfirmed = "unconfirmed",
        /// The person confirmed the address. Reports are sent.
        Confirmed = "confirmed",
        /// The person unsubscribed. No reports are sent.
        Unsubscribed = "unsubscribed",
        /// A mail bounced, or the reader marked it as spam. No reports are sent.
        Suppressed = "suppressed",
    }
}

/// Why and when mails to an address stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// When the bounce or complaint happened.
    pub at: Timestamp,
    /// What the mail provider reported.
    #[serde(rename = "because")]
    pub reason: SuppressionReason,
}

public_names! {
    /// Why mails to an address stopped.
    pub enum SuppressionReason {
        /// A mail bounced permanently: the address does not exist.
        Bounced = "bounced",
        /// The reader marked a mail as spam.
        Complained = "complained",
    }
}

/// Minimum time between two mails that ask a notification user for confirmation.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Maximum number of mails per UTC day in which a project asks one address for confirmation. Adding the address again as another
/// notification user does not raise it.
pub const MAX_CONFIRMATIONS_PER_DAY: u32 = 5;

/// Why a notification user is not asked for confirmation again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotAsk {
    /// The address is confirmed.
    #[error("address is already confirmed")]
    Confirmed,
    /// The previous mail was requested less than a minute ago.
    #[error("confirmation was requested less than a minute ago")]
    TooSoon {
        /// Seconds until the next mail is allowed.
        seconds_left: u64,
    },
    /// The address has received the maximum number of mails on this UTC day.
    #[error("this address was asked for confirmation {MAX_CONFIRMATIONS_PER_DAY} times today; try again tomorrow")]
    TooOften {
        /// Seconds until the next UTC day begins.
        seconds_left: u64,
    },
}

impl CannotAsk {
    /// The error for an address that must not be asked again on the day of `now`.
    pub fn too_often(now: Timestamp) -> Self {
        Self::TooOften { seconds_left: now.day().next().start().since(now).as_secs() + 1 }
    }
}

impl NotificationUser {
    /// Records a request at `now` to ask for confirmation again. A user who has unsubscribed or was suppressed can confirm again
    /// this way.
    pub fn ask_again(&mut self, now: Timestamp) -> Result<(), CannotAsk> {
        if self.state == NotificationUserState::Confirmed {
            return Err(CannotAsk::Confirmed);
        }
        let elapsed = now.since(self.asked_at);
        if elapsed < ASK_AGAIN_AFTER {
            return Err(CannotAsk::TooSoon { seconds_left: ASK_AGAIN_AFTER.saturating_sub(elapsed).as_secs() + 1 });
        }
        self.asked_at = now;
        Ok(())
    }

    /// Confirms the address.
    pub fn confirm(&mut self) {
        self.state = NotificationUserState::Confirmed;
        self.suppression = None;
    }

    /// Unsubscribes the user. A user in another state than `confirmed` receives no mails already and keeps that state.
    pub fn unsubscribe(&mut self) {
        if self.state == NotificationUserState::Confirmed {
            self.state = NotificationUserState::Unsubscribed;
        }
    }

    /// Stops mails to the address because of a report from the time `at`. A report from before confirmation was last requested is
    /// out of date and ignored.
    pub fn suppress(&mut self, reason: SuppressionReason, at: Timestamp) {
        let is_new = self.state != NotificationUserState::Suppressed && at >= self.asked_at;
        if is_new {
            self.state = NotificationUserState::Suppressed;
            self.suppression = Some(Suppression { at, reason });
        }
    }

    /// Applies a change.
    pub fn apply(&mut self, change: NotificationUserChange) {
        if let Some(name) = change.name {
            self.name = name;
        }
        change.language.apply(&mut self.language);
    }
}

/// A notification user, who receives the project's daily report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NotificationUser))]
#[serde(rename_all = "camelCase")]
pub struct NotificationUserView {
    /// Id of the notification user.
    pub id: NotificationUserId,
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails.
    pub language: Language,
    /// Whether the user receives mails.
    pub state: NotificationUserState,
    /// Why mails stopped. Present in the state `suppressed`.
    #[serde(rename = "suppressedBecause", skip_serializing_if = "Option::is_none")]
    pub suppression_reason: Option<SuppressionReason>,
    /// When the bounce or complaint happened. Present in the state `suppressed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<Timestamp>,
    /// When the latest mail that asks for confirmation was requested.
    pub confirmation_asked_at: Timestamp,
    /// When the user was added.
    pub created_at: Timestamp,
}

impl NotificationUserView {
    /// Returns the fields for the audit log, without the address, because the audit log outlives the user.
    pub fn audited(&self) -> Fields {
        let mut fields = self.fields();
        fields.remove("email");
        fields
    }

    /// Returns all fields.
    pub fn fields(&self) -> Fields {
        match serde_json::to_value(self).expect("strings and times can be serialized") {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        }
    }
}

impl NotificationUser {
    /// Returns the user as the API shows it.
    pub fn shown(&self) -> NotificationUserView {
        NotificationUserView {
            id: self.id,
            name: self.name.clone(),
            email: self.email.clone(),
            language: self.language,
            state: self.state,
            suppression_reason: self.suppression.map(|suppression| suppression.reason),
            suppressed_at: self.suppression.map(|suppression| suppression.at),
            confirmation_asked_at: self.asked_at,
            created_at: self.created_at,
        }
    }
}

/// A request to change a notification user (JSON merge patch, RFC 7396). The address cannot be changed, because a new address
/// must be confirmed: add it as another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationUserChange {
    name: Option<Name>,
    language: Change<Language>,
}

impl TryFrom<Draft> for NotificationUserChange {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.change_of_required("name", "a notification user", |draft| draft.optional("name"));
        let language = draft.change("language", |draft| draft.optional("language"));
        draft.check(|| Some(Self { name, language }))
    }
}

/// An e-mail address: at most 254 ASCII characters, with a local part, one `@` and a domain that contains a dot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com"))]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A string that is not an [`EmailAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an e-mail address such as ada@example.com")]
pub struct BadEmailAddress;

impl EmailAddress {
    /// The address as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for EmailAddress {
    /// Hides the address, because it is personal data and must not be logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadEmailAddress;

    fn try_from(text: String) -> Result<Self, BadEmailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadEmailAddress)?;
        // Only the dot-atom of RFC 5321 is accepted. Quoted local parts and address literals are rejected on purpose: mail
        // providers do not issue such addresses.
        let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        let is_local = local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
        let is_label = |label: &str| {
            let is_clean = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (1..=63).contains(&label.len()) && is_clean && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_domain = domain.contains('.') && domain.split('.').all(is_label);
        if text.len() <= 254 && is_local && is_domain { Ok(Self(text)) } else { Err(BadEmailAddress) }
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// A request to add a notification user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotificationUser {
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails. The default is English.
    pub language: Language,
}

impl TryFrom<Draft> for NewNotificationUser {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required("name");
        let email = draft.required("email");
        let language = draft.optional("language").unwrap_or_default();
        draft.check(|| Some(Self { name: name?, email: email?, language }))
    }
}

impl NewNotificationUser {
    /// Returns whether one of `users` has the same address. Case is ignored.
    pub fn is_among(&self, users: &[NotificationUser]) -> bool {
        users.iter().any(|user| user.email.as_str().eq_ignore_ascii_case(self.email.as_str()))
    }

    /// Creates the requested user in the state `unconfirmed`.
    pub fn create(self, id: NotificationUserId, project_id: ProjectId) -> NotificationUser {
        NotificationUser {
            id,
            project_id,
            name: self.name,
            email: self.email,
            language: self.language,
            state: NotificationUserState::Unconfirmed,
            suppression: None,
            asked_at: id.created_at(),
            created_at: id.created_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn user() -> NotificationUser {
        let draft = Draft::parse(br#"{"name":"Ada","email":"ada@acme.example"}"#).unwrap();
        let (id, project) = (NotificationUserId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        NewNotificationUser::try_from(draft).unwrap().create(id, project)
    }

    #[test]
    fn a_change_affects_only_the_fields_it_contains() {
        let change = |body: &str| NotificationUserChange::try_from(Draft::parse(body.as_bytes()).unwrap());
        let mut changed = user();
        changed.apply(change(r#"{"language":"ko"}"#).unwrap());
        assert_eq!(
            changed,
            NotificationUser {
                language: Language::Korean,
                ..NotificationUser { id: changed.id, project_id: changed.project_id, ..user() }
            }
        );
        let BadFields(bad) = change(r#"{"name":null,"email":"eve@acme.example"}"#).unwrap_err();
        assert_eq!(bad.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), ["/name", "/email"]);
    }

    #[test]
    fn a_user_is_asked_at_most_once_a_minute_until_they_confirm() {
        let mut user = user();
        let later = |seconds| now().plus(Duration::from_secs(seconds));
        assert_eq!(user.ask_again(later(18)), Err(CannotAsk::TooSoon { seconds_left: 43 }));
        assert_eq!(user.ask_again(later(60)), Ok(()));
        assert_eq!(user.ask_again(later(119)), Err(CannotAsk::TooSoon { seconds_left: 2 }));
        user.confirm();
        assert_eq!(user.ask_again(later(1000)), Err(CannotAsk::Confirmed));
    }

    #[test]
    fn an_unsubscribed_or_suppressed_user_can_confirm_again() {
        let mut user = user();
        user.confirm();
        user.unsubscribe();
        assert_eq!(user.state, NotificationUserState::Unsubscribed);
        user.confirm();
        user.suppress(SuppressionReason::Bounced, now());
        assert_eq!(user.suppression, Some(Suppression { at: now(), reason: SuppressionReason::Bounced }));
        user.unsubscribe();
        assert_eq!(user.state, NotificationUserState::Suppressed);
        user.confirm();
        assert_eq!((user.state, user.suppression), (NotificationUserState::Confirmed, None));
    }

    #[test]
    fn a_report_from_before_the_latest_request_for_confirmation_is_ignored() {
        let mut user = user();
        user.suppress(SuppressionReason::Complained, now().minus(Duration::from_secs(1)));
        assert_eq!(user.state, NotificationUserState::Unconfirmed);
    }

    #[test]
    fn common_addresses_are_accepted() {
        for good in ["ada@example.com", "a.b+tag@sub.example.co.kr", "o'neil@xn--bcher-kva.example"] {
            assert!(EmailAddress::try_from(good.to_owned()).is_ok(), "{good}");
        }
    }

    #[test]
    fn addresses_that_are_unsafe_in_a_mail_header_are_rejected() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "ada@exa\r\nmple.com",
            "a..b@example.com",
            "ada@-x.com",
            "<ada@example.com>",
            "ada@example.com,b@example.com",
        ] {
            assert_eq!(EmailAddress::try_from(bad.to_owned()), Err(BadEmailAddress), "{bad:?}");
        }
    }
}

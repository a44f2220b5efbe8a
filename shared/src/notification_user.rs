//! Notification users: the people who get the daily report.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::audit::Fields;
use crate::draft::{BadFields, Change, Draft};
use crate::id::{NotificationUserId, ProjectId};
use crate::project::Name;
use crate::time::Timestamp;

/// How many notification users a project may have.
pub const MOST_NOTIFICATION_USERS: usize = 50;

/// Somebody who gets, or is to get, a project's daily report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationUser {
    /// Its id.
    pub id: NotificationUserId,
    /// Whose reports they get.
    pub project_id: ProjectId,
    /// What they are called.
    pub name: Name,
    /// Where the report goes.
    pub email: EmailAddress,
    /// Which language it is written in.
    pub language: Language,
    /// Whether they get mail.
    pub state: NotificationUserState,
    /// What a mail provider reported that made mails stop, and when; only in the state `suppressed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Suppression>,
    /// When they were last asked for their confirmation.
    pub asked_at: Timestamp,
    /// When they were added.
    pub created_at: Timestamp,
}

/// Whether a notification user gets mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum NotificationUserState {
    /// The link in the first mail was not used yet; no report is sent.
    Unconfirmed,
    /// The address agreed; reports are sent.
    Confirmed,
    /// The address wants no more mails.
    Unsubscribed,
    /// Mails to the address came back, or it took one for spam.
    Suppressed,
}

/// What made mails to an address stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// When it was reported.
    pub at: Timestamp,
    /// What was.
    pub because: SuppressionReason,
}

/// What a mail provider reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SuppressionReason {
    /// There is no such address, for good.
    Bounced,
    /// The reader marked a mail as spam.
    Complained,
}

/// How soon somebody may be asked for their confirmation again.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// How often an address may be asked on one UTC day by one project, however many notification users it was added as.
pub const MOST_CONFIRMATIONS_A_DAY: u32 = 5;

/// Why somebody is not asked for their confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotAsk {
    /// They have confirmed.
    #[error("address is confirmed already")]
    Confirmed,
    /// They were asked just now.
    #[error("confirmation was asked for a moment ago")]
    TooSoon {
        /// Seconds until they may be asked again.
        seconds_left: u64,
    },
    /// Their address was asked so often that it may not be asked again on this UTC day.
    #[error("this address was asked for confirmation {MOST_CONFIRMATIONS_A_DAY} times today; ask it tomorrow")]
    TooOften {
        /// Seconds until tomorrow begins.
        seconds_left: u64,
    },
}

impl CannotAsk {
    /// An address that may not be asked again today, as of `now`.
    pub fn too_often(now: Timestamp) -> Self {
        Self::TooOften { seconds_left: now.day().next().start().since(now).as_secs() + 1 }
    }
}

impl NotificationUser {
    /// Asks for their confirmation once more at `now`. Whoever has unsubscribed or been suppressed can so come back.
    pub fn ask_again(&mut self, now: Timestamp) -> Result<(), CannotAsk> {
        if self.state == NotificationUserState::Confirmed {
            return Err(CannotAsk::Confirmed);
        }
        let passed = now.since(self.asked_at);
        if passed < ASK_AGAIN_AFTER {
            return Err(CannotAsk::TooSoon { seconds_left: ASK_AGAIN_AFTER.saturating_sub(passed).as_secs() + 1 });
        }
        self.asked_at = now;
        Ok(())
    }

    /// The address agrees to get mails.
    pub fn confirm(&mut self) {
        self.state = NotificationUserState::Confirmed;
        self.suppression = None;
    }

    /// The address wants no more mails. Whoever gets none anyway keeps the reason.
    pub fn unsubscribe(&mut self) {
        if self.state == NotificationUserState::Confirmed {
            self.state = NotificationUserState::Unsubscribed;
        }
    }

    /// No more mails to the address, because of what was reported `at` a moment. A report from before they were last asked
    /// for their confirmation is out of date.
    pub fn suppress(&mut self, because: SuppressionReason, at: Timestamp) {
        let is_news = self.state != NotificationUserState::Suppressed && at >= self.asked_at;
        if is_news {
            self.state = NotificationUserState::Suppressed;
            self.suppression = Some(Suppression { at, because });
        }
    }

    /// Carries a change out.
    pub fn apply(&mut self, change: NotificationUserChange) {
        if let Some(name) = change.name {
            self.name = name;
        }
        change.language.apply(&mut self.language);
    }
}

/// A notification user as customers see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NotificationUser))]
#[serde(rename_all = "camelCase")]
pub struct NotificationUserView {
    /// Their id.
    pub id: NotificationUserId,
    /// What they are called.
    pub name: Name,
    /// Where mails go.
    pub email: EmailAddress,
    /// Which language they are written in.
    pub language: Language,
    /// Whether they get mail.
    pub state: NotificationUserState,
    /// Why mails stopped, in the state `suppressed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_because: Option<SuppressionReason>,
    /// When that was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<Timestamp>,
    /// When they were last asked for their confirmation.
    pub confirmation_asked_at: Timestamp,
    /// When they were added.
    pub created_at: Timestamp,
}

impl NotificationUserView {
    /// Its fields, as the audit log tells them: without the address, which is to be gone when they are.
    pub fn audited(&self) -> Fields {
        let mut fields = self.fields();
        fields.remove("email");
        fields
    }

    /// Its fields, as its tag stands for them.
    pub fn fields(&self) -> Fields {
        match serde_json::to_value(self).expect("texts and times are JSON") {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        }
    }
}

impl NotificationUser {
    /// What customers see of them.
    pub fn shown(&self) -> NotificationUserView {
        NotificationUserView {
            id: self.id,
            name: self.name.clone(),
            email: self.email.clone(),
            language: self.language,
            state: self.state,
            suppressed_because: self.suppression.map(|suppression| suppression.because),
            suppressed_at: self.suppression.map(|suppression| suppression.at),
            confirmation_asked_at: self.asked_at,
            created_at: self.created_at,
        }
    }
}

/// A request to change a notification user, read as JSON merge patch (RFC 7396). The address stays: another one is another user,
/// who has to agree.
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

/// A language that reports are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// Chooses among the translations of one phrase. A new language becomes a new argument here, so that the build
    /// stops at every phrase that lacks it.
    pub fn say<T>(self, en: T, ko: T) -> T {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }

    /// The language as HTML names it.
    pub fn code(self) -> &'static str {
        self.say("en", "ko")
    }
}

/// An e-mail address that a mail can be sent to: one `@`, a local part, a domain with a dot, 254 bytes at most, ASCII.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com"))]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is no [`EmailAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an e-mail address such as ada@example.com")]
pub struct BadEmailAddress;

impl EmailAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for EmailAddress {
    /// Hides the address: it is personal data and must not reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadEmailAddress;

    fn try_from(text: String) -> Result<Self, BadEmailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadEmailAddress)?;
        // RFC 5321's dot-atom: what real addresses use. Quoted local parts and address literals are left out on purpose.
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
    /// What they are called.
    pub name: Name,
    /// Where the report goes.
    pub email: EmailAddress,
    /// English unless asked otherwise.
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
    /// Whether somebody with this address is among `users`. Upper and lower case do not make two addresses.
    pub fn is_among(&self, users: &[NotificationUser]) -> bool {
        users.iter().any(|user| user.email.as_str().eq_ignore_ascii_case(self.email.as_str()))
    }

    /// The user it asks for, unconfirmed.
    pub fn create(self, id: NotificationUserId, project_id: ProjectId) -> NotificationUser {
        NotificationUser {
            id,
            project_id,
            name: self.name,
            email: self.email,
            language: self.language,
            state: NotificationUserState::Unconfirmed,
            suppression: None,
            asked_at: id.made_at(),
            created_at: id.made_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn user() -> NotificationUser {
        let draft = Draft::parse(br#"{"name":"Ada","email":"ada@acme.example"}"#).unwrap();
        let (id, project) = (NotificationUserId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        NewNotificationUser::try_from(draft).unwrap().create(id, project)
    }

    #[test]
    fn a_change_touches_only_what_it_names() {
        let change = |body: &str| NotificationUserChange::try_from(Draft::parse(body.as_bytes()).unwrap());
        let mut changed = user();
        changed.apply(change(r#"{"language":"ko"}"#).unwrap());
        assert_eq!(
            changed,
            NotificationUser {
                language: Language::Ko,
                ..NotificationUser { id: changed.id, project_id: changed.project_id, ..user() }
            }
        );
        let BadFields(bad) = change(r#"{"name":null,"email":"eve@acme.example"}"#).unwrap_err();
        assert_eq!(bad.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), ["/name", "/email"]);
    }

    #[test]
    fn people_are_asked_once_a_minute_until_they_agree() {
        let mut user = user();
        let later = |seconds| now().plus(Duration::from_secs(seconds));
        assert_eq!(user.ask_again(later(18)), Err(CannotAsk::TooSoon { seconds_left: 43 }));
        assert_eq!(user.ask_again(later(60)), Ok(()));
        assert_eq!(user.ask_again(later(119)), Err(CannotAsk::TooSoon { seconds_left: 2 }));
        user.confirm();
        assert_eq!(user.ask_again(later(1000)), Err(CannotAsk::Confirmed));
    }

    #[test]
    fn whoever_gets_no_more_mails_can_come_back() {
        let mut user = user();
        user.confirm();
        user.unsubscribe();
        assert_eq!(user.state, NotificationUserState::Unsubscribed);
        user.confirm();
        user.suppress(SuppressionReason::Bounced, now());
        assert_eq!(user.suppression, Some(Suppression { at: now(), because: SuppressionReason::Bounced }));
        user.unsubscribe();
        assert_eq!(user.state, NotificationUserState::Suppressed);
        user.confirm();
        assert_eq!((user.state, user.suppression), (NotificationUserState::Confirmed, None));
    }

    #[test]
    fn what_was_reported_before_the_last_question_counts_no_more() {
        let mut user = user();
        user.suppress(SuppressionReason::Complained, now().minus(Duration::from_secs(1)));
        assert_eq!(user.state, NotificationUserState::Unconfirmed);
    }

    #[test]
    fn real_addresses_are_accepted() {
        for good in ["ada@example.com", "a.b+tag@sub.example.co.kr", "o'neil@xn--bcher-kva.example"] {
            assert!(EmailAddress::try_from(good.to_owned()).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_could_break_a_mail_header_is_refused() {
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

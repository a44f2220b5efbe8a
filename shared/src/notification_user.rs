//! Notification users: the people who get the daily report.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::draft::{BadFields, Draft};
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
            created_at: id.made_at(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

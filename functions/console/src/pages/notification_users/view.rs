//! What the api returns about a notification user.

use domain::foundation::id::NotificationUserId;
use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::reports::notification_user::NotificationUserState;
use domain::reports::suppression::SuppressionReason;
use serde::Deserialize;

use crate::pages::notification_users::path_of;

/// A notification user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: NotificationUserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) language: Language,
    pub(crate) state: NotificationUserState,
    #[serde(default)]
    pub(crate) suppressed_because: Option<SuppressionReason>,
    pub(crate) confirmation_asked_at: Timestamp,
    pub(crate) created_at: Timestamp,
}

impl User {
    /// The path of the user's page.
    pub(crate) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The tone of the state's chip.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.state {
            NotificationUserState::Confirmed => "ok",
            NotificationUserState::Unconfirmed => "warn",
            NotificationUserState::Unsubscribed => "idle",
            NotificationUserState::Suppressed => "bad",
        }
    }

    /// Whether the confirmation mail can be sent again.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.state == NotificationUserState::Unconfirmed
    }
}

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
pub(in crate::pages) struct User {
    pub(in crate::pages) id: NotificationUserId,
    pub(in crate::pages) name: String,
    pub(in crate::pages) email: String,
    pub(in crate::pages) language: Language,
    pub(in crate::pages) state: NotificationUserState,
    #[serde(default)]
    pub(in crate::pages) suppressed_because: Option<SuppressionReason>,
    pub(in crate::pages) confirmation_asked_at: Timestamp,
    pub(in crate::pages) created_at: Timestamp,
}

impl User {
    /// The path of the user's page.
    pub(in crate::pages) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The tone of the state's chip.
    pub(in crate::pages) const fn tone(&self) -> &'static str {
        match self.state {
            NotificationUserState::Confirmed => "ok",
            NotificationUserState::Unconfirmed => "warn",
            NotificationUserState::Unsubscribed => "idle",
            NotificationUserState::Suppressed => "bad",
        }
    }

    /// Whether the confirmation mail can be sent again.
    pub(in crate::pages) fn is_unconfirmed(&self) -> bool {
        self.state == NotificationUserState::Unconfirmed
    }
}

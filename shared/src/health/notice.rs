//! What the notification users are told about an endpoint: it lies in the endpoint's health until it was handed over to be mailed.

use serde::{Deserialize, Serialize};

use super::{Health, LastFailure};
use crate::time::Timestamp;

/// What the notification users are told about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// When it did.
    pub at: Timestamp,
    /// Since when the receiver fails.
    pub failing_since: Timestamp,
    /// How many attempts have failed since.
    pub failures: u32,
    /// Why the last of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if that goes on; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
}

/// What happened to an endpoint. The names are public and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Its receiver fails, and if that goes on the endpoint will be disabled.
    Failing,
    /// It was disabled: its receiver failed for too long.
    DisabledFailing,
    /// It was disabled: its receiver said that it is gone.
    DisabledGone,
}

impl NoticeKind {
    /// Its name in keys and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::DisabledFailing => "disabled-failing",
            Self::DisabledGone => "disabled-gone",
        }
    }
}

impl Health {
    pub(super) fn notice(&self, kind: NoticeKind, now: Timestamp) -> Notice {
        Notice {
            kind,
            at: now,
            failing_since: self.failing_since.unwrap_or(now),
            failures: self.failures,
            last_failure: self.last_failure,
            disables_at: self.disables_at,
        }
    }

    /// The endpoint after these notices were handed over to be mailed.
    #[must_use]
    pub fn told(mut self, told: &[Notice]) -> Self {
        self.notices.retain(|notice| !told.contains(notice));
        self
    }

    /// Whether what `notice` tells is still so: an endpoint that was resumed meanwhile is not stopped, and one that recovered or
    /// was disabled meanwhile will not be disabled.
    pub fn still_says(&self, notice: &Notice) -> bool {
        match notice.kind {
            NoticeKind::Failing => self.disabled.is_none() && self.failing_since == Some(notice.failing_since),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => {
                self.disabled.is_some_and(|disabled| disabled.at == notice.at)
            }
        }
    }
}

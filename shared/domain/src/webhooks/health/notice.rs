//! Notices to the notification users about an endpoint. A notice stays in the endpoint's health until it is queued for
//! mailing.

use serde::{Deserialize, Serialize};

use super::LastFailure;
use crate::foundation::time::Timestamp;
use crate::public_names;

/// A notice to the notification users about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: Timestamp,
    /// When the first attempt failed since the last success.
    pub failing_since: Timestamp,
    /// Number of failed attempts since then.
    pub failures: u32,
    /// Why the most recent attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::webhooks::stored_reason::option")]
    pub last_failure: Option<LastFailure>,
    /// When the endpoint will be disabled if the receiver keeps failing. Absent if it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
}

public_names! {
    /// What happened to an endpoint.
    pub enum NoticeKind {
        /// The receiver fails. If it keeps failing, the endpoint will be disabled.
        Failing = "failing",
        /// The endpoint was disabled because the receiver failed for too long.
        DisabledFailing = "disabled-failing",
        /// The endpoint was disabled because the receiver answered 410.
        DisabledGone = "disabled-gone",
    }
}

//! Limits of the mails that ask people to confirm their address. The recipients have not agreed to receive mails.

use std::time::Duration;

use thiserror::Error;

use crate::foundation::time::Timestamp;

/// Minimum time between two mails that ask a notification user for confirmation.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Maximum number of confirmation mails per UTC day from a project to one person. Adding the address as another notification user
/// or with another plus-tag does not raise the limit.
pub const MAX_CONFIRMATIONS_PER_DAY: u32 = 5;

/// Limits of confirmation mails per UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmationLimits {
    /// Maximum number of mails of one project.
    pub per_project: u32,
    /// Maximum number of mails of the deployment.
    pub per_deployment: u32,
}

/// The limit of confirmation mails that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmationLimit {
    /// The person: [`MAX_CONFIRMATIONS_PER_DAY`] in a project.
    Person,
    /// The project.
    Project,
    /// The deployment.
    Deployment,
}

/// Why a notification user is not asked for confirmation.
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
    /// The maximum number of mails for this UTC day was sent.
    #[error("{}", .limit.explanation())]
    TooOften {
        /// The limit that is used up.
        limit: ConfirmationLimit,
        /// Seconds until the next UTC day begins.
        seconds_left: u64,
    },
}

impl ConfirmationLimit {
    fn explanation(self) -> String {
        match self {
            Self::Person => {
                format!(
                    "this address was asked for confirmation {MAX_CONFIRMATIONS_PER_DAY} times today; try again tomorrow"
                )
            }
            Self::Project => {
                "this project has sent its maximum of confirmation mails today; try again tomorrow".to_owned()
            }
            Self::Deployment => {
                "this deployment has sent its maximum of confirmation mails today; try again tomorrow".to_owned()
            }
        }
    }
}

impl CannotAsk {
    /// The error at `now` when `limit` is used up.
    pub fn too_often(limit: ConfirmationLimit, now: Timestamp) -> Self {
        Self::TooOften { limit, seconds_left: now.day().next().start().since(now).as_secs() + 1 }
    }
}

//! What a return URL may say.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A field that a return URL may carry. The order is that of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "camelCase"))]
#[serde(try_from = "String", into = "&'static str")]
pub enum ReturnField {
    /// The customer's own id of the person.
    #[cfg_attr(feature = "openapi", schema(rename = "userid"))]
    UserId,
    /// The person's e-mail address.
    Email,
    /// How the verification ended.
    KycStatus,
    /// The submission.
    SubmissionId,
    /// First custom field.
    Cf1,
    /// Second custom field.
    Cf2,
    /// Third custom field.
    Cf3,
    /// Why the verification ended on an error page.
    ErrorCode,
}

impl ReturnField {
    /// All of them, in the order of the parameters.
    pub const ALL: [Self; 8] = [
        Self::UserId,
        Self::Email,
        Self::KycStatus,
        Self::SubmissionId,
        Self::Cf1,
        Self::Cf2,
        Self::Cf3,
        Self::ErrorCode,
    ];

    /// Its query key, which is also its name in the settings.
    pub const fn key(self) -> &'static str {
        match self {
            Self::UserId => "userid",
            Self::Email => "email",
            Self::KycStatus => "kycStatus",
            Self::SubmissionId => "submissionId",
            Self::Cf1 => "cf1",
            Self::Cf2 => "cf2",
            Self::Cf3 => "cf3",
            Self::ErrorCode => "errorCode",
        }
    }
}

/// A text that names no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of userid, email, kycStatus, submissionId, cf1, cf2, cf3, errorCode")]
pub struct UnknownReturnField;

impl FromStr for ReturnField {
    type Err = UnknownReturnField;

    fn from_str(text: &str) -> Result<Self, UnknownReturnField> {
        Self::ALL.into_iter().find(|known| known.key() == text).ok_or(UnknownReturnField)
    }
}

impl TryFrom<String> for ReturnField {
    type Error = UnknownReturnField;

    fn try_from(text: String) -> Result<Self, UnknownReturnField> {
        text.parse()
    }
}

impl From<ReturnField> for &'static str {
    fn from(field: ReturnField) -> Self {
        field.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_reads_back_from_its_key() {
        for field in ReturnField::ALL {
            assert_eq!(field.key().parse(), Ok(field));
        }
    }

    #[test]
    fn keys_are_case_sensitive() {
        for other in ["userId", "UserID", "kycstatus", "ErrorCode", "cf4", ""] {
            assert_eq!(other.parse::<ReturnField>(), Err(UnknownReturnField), "{other}");
        }
    }

    #[test]
    fn parameters_come_in_the_order_of_the_documentation() {
        let mut sorted = ReturnField::ALL;
        sorted.sort();
        assert_eq!(
            sorted.map(ReturnField::key),
            ["userid", "email", "kycStatus", "submissionId", "cf1", "cf2", "cf3", "errorCode"]
        );
    }
}

//! How a verification ended, and whose it was.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ReturnField;
use crate::draft::Draft;

/// The result of a verification that was carried through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
#[serde(try_from = "String", into = "&'static str")]
pub enum KycStatus {
    /// The person is who they say they are.
    Approved,
    /// Somebody will look at it.
    Pending,
    /// It was refused.
    Rejected,
}

impl KycStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Pending, Self::Rejected];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }
}

/// A text that names no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of approved, pending, rejected")]
pub struct UnknownKycStatus;

impl TryFrom<String> for KycStatus {
    type Error = UnknownKycStatus;

    fn try_from(text: String) -> Result<Self, UnknownKycStatus> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownKycStatus)
    }
}

impl From<KycStatus> for &'static str {
    fn from(status: KycStatus) -> Self {
        status.as_str()
    }
}

/// Why a verification ended on an error page, such as `DE-20000` or `bad-path`: 1 to 64 letters, digits, hyphens and
/// underscores. The product's list of codes is open, so every well-formed code is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "DE-20000"))]
#[serde(try_from = "String", into = "String")]
pub struct ErrorCode(String);

/// A text that is no [`ErrorCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 64 ASCII letters, digits, hyphens and underscores")]
pub struct BadErrorCode;

impl ErrorCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ErrorCode {
    type Err = BadErrorCode;

    fn from_str(text: &str) -> Result<Self, BadErrorCode> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if (1..=64).contains(&text.len()) && is_plain { Ok(Self(text.to_owned())) } else { Err(BadErrorCode) }
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = BadErrorCode;

    fn try_from(text: String) -> Result<Self, BadErrorCode> {
        text.parse()
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a result.
    #[serde(rename = "kycStatus")]
    Result(KycStatus),
    /// On an error page.
    #[serde(rename = "errorCode")]
    Error(ErrorCode),
}

/// Something known about a person: at most 512 characters, none of them a control character. Debug output hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, max_length = 512, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
#[serde(try_from = "String", into = "String")]
pub struct PersonValue(String);

/// A text that is no [`PersonValue`]. The text is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have at most 512 characters, none of them a control character")]
pub struct BadPersonValue;

impl PersonValue {
    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonValue {
    type Error = BadPersonValue;

    fn try_from(text: String) -> Result<Self, BadPersonValue> {
        let is_clean = text.chars().count() <= 512 && !text.chars().any(char::is_control);
        if is_clean { Ok(Self(text)) } else { Err(BadPersonValue) }
    }
}

impl From<PersonValue> for String {
    fn from(value: PersonValue) -> Self {
        value.0
    }
}

impl fmt::Debug for PersonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonValue(…)")
    }
}

/// What is known about the person and their submission. A value that is empty counts as left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonFields {
    /// The customer's own id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userid: Option<PersonValue>,
    /// The person's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<PersonValue>,
    /// The submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<PersonValue>,
    /// First custom field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cf1: Option<PersonValue>,
    /// Second custom field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cf2: Option<PersonValue>,
    /// Third custom field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cf3: Option<PersonValue>,
}

impl PersonFields {
    /// How many bytes all of them together may have. A link with more would not fit into the request line that
    /// browsers, proxies and API Gateway (10,240 bytes with all headers) take.
    pub const MOST_BYTES: usize = 4096;

    /// Takes the fields out of a request.
    pub fn take(draft: &mut Draft) -> Self {
        let fields = Self {
            userid: draft.optional(ReturnField::UserId.key()),
            email: draft.optional(ReturnField::Email.key()),
            submission_id: draft.optional(ReturnField::SubmissionId.key()),
            cf1: draft.optional(ReturnField::Cf1.key()),
            cf2: draft.optional(ReturnField::Cf2.key()),
            cf3: draft.optional(ReturnField::Cf3.key()),
        };
        if fields.bytes() > Self::MOST_BYTES {
            let detail = "userid, email, submissionId, cf1, cf2 and cf3 must together have at most 4096 bytes in UTF-8";
            draft.refuse::<()>("", detail);
        }
        fields
    }

    fn bytes(&self) -> usize {
        ReturnField::ALL.into_iter().filter_map(|field| self.value(field)).map(|value| value.as_str().len()).sum()
    }

    /// What is known in a field, if it is one about the person.
    fn value(&self, field: ReturnField) -> Option<&PersonValue> {
        match field {
            ReturnField::UserId => self.userid.as_ref(),
            ReturnField::Email => self.email.as_ref(),
            ReturnField::SubmissionId => self.submission_id.as_ref(),
            ReturnField::Cf1 => self.cf1.as_ref(),
            ReturnField::Cf2 => self.cf2.as_ref(),
            ReturnField::Cf3 => self.cf3.as_ref(),
            ReturnField::KycStatus | ReturnField::ErrorCode => None,
        }
    }
}

/// A verification at its end: all that the way back may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Whose it was.
    #[serde(flatten)]
    pub person: PersonFields,
}

impl Verification {
    /// One that ended before anything was known about the person.
    pub fn of_nobody(outcome: Outcome) -> Self {
        Self { outcome, person: PersonFields::default() }
    }

    /// What it says in a field, if anything.
    pub fn value(&self, field: ReturnField) -> Option<&str> {
        let value = match (field, &self.outcome) {
            (ReturnField::KycStatus, Outcome::Result(status)) => Some(status.as_str()),
            // Who never got to a result was not let in: receivers that know only kycStatus must not let them pass.
            (ReturnField::KycStatus, Outcome::Error(_)) => Some(KycStatus::Rejected.as_str()),
            (ReturnField::ErrorCode, Outcome::Result(_)) => None,
            (ReturnField::ErrorCode, Outcome::Error(code)) => Some(code.as_str()),
            (of_person, _) => self.person.value(of_person).map(PersonValue::as_str),
        };
        value.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::BadFields;

    fn take(body: &str) -> Result<PersonFields, BadFields> {
        let mut draft = Draft::parse(body.as_bytes()).unwrap();
        let fields = PersonFields::take(&mut draft);
        draft.check(|| Some(fields))
    }

    #[test]
    fn every_well_formed_code_is_carried() {
        for code in ["DE-20000", "TK-10001", "hash_problem", "bad-path", "ER-001", "Zz9", &"x".repeat(64)] {
            assert_eq!(code.parse::<ErrorCode>().unwrap().as_str(), code);
        }
        for bad in ["", "DE 20000", "a/b", "a.b", "코드", "x&y", "a\r\nb", &"x".repeat(65)] {
            assert_eq!(bad.parse::<ErrorCode>(), Err(BadErrorCode), "{bad:?}");
        }
    }

    #[test]
    fn results_have_one_spelling() {
        for status in KycStatus::ALL {
            assert_eq!(KycStatus::try_from(status.as_str().to_owned()), Ok(status));
        }
        assert_eq!(KycStatus::try_from("Approved".to_owned()), Err(UnknownKycStatus));
    }

    #[test]
    fn bad_values_are_named_one_by_one() {
        let long = "x".repeat(513);
        let BadFields(bad) =
            take(&format!(r#"{{"userid":"a\u0000b","email":7,"cf1":"{long}","cf2":"좋아요"}}"#)).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/userid", "/email", "/cf1"]);
    }

    #[test]
    fn all_values_together_fit_into_a_link() {
        let wide = "한".repeat(512);
        assert!(take(&format!(r#"{{"cf1":"{wide}","cf2":"{wide}"}}"#)).is_ok());
        let BadFields(bad) = take(&format!(r#"{{"cf1":"{wide}","cf2":"{wide}","cf3":"{wide}"}}"#)).unwrap_err();
        assert_eq!(bad[0].pointer, "");
    }

    #[test]
    fn debug_output_hides_the_person() {
        let fields = take(r#"{"email":"user@example.com"}"#).unwrap();
        assert!(!format!("{fields:?}").contains("example.com"));
    }
}

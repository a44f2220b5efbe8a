//! The result of a verification and the fields of its person.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{DocumentedCode, ErrorCode, ReturnField};
use crate::foundation::draft::Draft;
use crate::public_names;

public_names! {
    /// The result of a completed verification.
    pub enum KycStatus {
        /// The person was approved.
        Approved = "approved",
        /// The verification awaits manual review.
        Pending = "pending",
        /// The person was rejected.
        Rejected = "rejected",
    }
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The verification was completed.
    #[serde(rename = "kycStatus")]
    Result(KycStatus),
    /// The verification ended on an error page.
    #[serde(rename = "errorCode")]
    Error(ErrorCode),
}

/// The value of a field about a person: at most 512 characters, without control characters. Debug output hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, max_length = 512, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
#[serde(try_from = "String", into = "String")]
pub struct PersonValue(String);

/// A string that is not a [`PersonValue`]. The error does not contain the string, because it is personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have at most 512 characters and no control characters")]
pub struct BadPersonValue;

impl PersonValue {
    /// The value as a string.
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

/// The fields of the person and their submission. An empty value counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonFields {
    /// The customer's id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userid: Option<PersonValue>,
    /// The person's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<PersonValue>,
    /// The id of the submission.
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
    /// Maximum size of all fields together, in bytes. The link of larger fields would exceed the length of request lines that
    /// browsers, proxies and API Gateway (10,240 bytes including all headers) accept.
    pub const MAX_BYTES: usize = 4096;

    /// Takes the fields out of a request.
    pub fn take(draft: &mut Draft) -> Self {
        let fields = Self {
            userid: draft.optional(ReturnField::UserId.as_str()),
            email: draft.optional(ReturnField::Email.as_str()),
            submission_id: draft.optional(ReturnField::SubmissionId.as_str()),
            cf1: draft.optional(ReturnField::Cf1.as_str()),
            cf2: draft.optional(ReturnField::Cf2.as_str()),
            cf3: draft.optional(ReturnField::Cf3.as_str()),
        };
        if fields.bytes() > Self::MAX_BYTES {
            let detail = "userid, email, submissionId, cf1, cf2 and cf3 must together have at most 4096 bytes in UTF-8";
            draft.refuse::<()>("", detail);
        }
        fields
    }

    fn bytes(&self) -> usize {
        ReturnField::ALL.into_iter().filter_map(|field| self.value(field)).map(|value| value.as_str().len()).sum()
    }

    /// Returns the value of a field, if it is a field of the person.
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

/// A verification that has ended, with all values that a return URL can carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The outcome of the verification.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The fields of the person.
    #[serde(flatten)]
    pub person: PersonFields,
}

impl Verification {
    /// A verification that ended before anything was known about the person.
    pub fn without_person(outcome: Outcome) -> Self {
        Self { outcome, person: PersonFields::default() }
    }

    /// The failed verification for an anonymous caller's error code. Its return URL is encrypted and signed like any other, so the
    /// caller must not choose any other value.
    pub fn of_anonymous(code: DocumentedCode) -> Self {
        Self::without_person(Outcome::Error(code.into()))
    }

    /// Returns the value of a field, unless it is absent or empty.
    pub fn value(&self, field: ReturnField) -> Option<&str> {
        let value = match (field, &self.outcome) {
            (ReturnField::KycStatus, Outcome::Result(status)) => Some(status.as_str()),
            // A person without a result was not approved. Receivers that read only `kycStatus` must not admit them.
            (ReturnField::KycStatus, Outcome::Error(_)) => Some(KycStatus::Rejected.as_str()),
            (ReturnField::ErrorCode, Outcome::Result(_)) => None,
            (ReturnField::ErrorCode, Outcome::Error(code)) => Some(code.as_str()),
            (field, _) => self.person.value(field).map(PersonValue::as_str),
        };
        value.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::draft::BadFields;

    fn take(body: &str) -> Result<PersonFields, BadFields> {
        let mut draft = Draft::parse(body.as_bytes()).unwrap();
        let fields = PersonFields::take(&mut draft);
        draft.check(|| Some(fields))
    }

    #[test]
    fn results_are_parsed_from_their_names_and_case_sensitive() {
        for status in KycStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Approved".parse::<KycStatus>().is_err());
    }

    #[test]
    fn every_bad_value_is_reported() {
        let long = "x".repeat(513);
        let BadFields(bad) =
            take(&format!(r#"{{"userid":"a\u0000b","email":7,"cf1":"{long}","cf2":"좋아요"}}"#)).unwrap_err();
        let pointers: Vec<&str> = bad.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/userid", "/email", "/cf1"]);
    }

    #[test]
    fn all_values_together_have_a_maximum_size() {
        let wide = "한".repeat(512);
        assert!(take(&format!(r#"{{"cf1":"{wide}","cf2":"{wide}"}}"#)).is_ok());
        let BadFields(bad) = take(&format!(r#"{{"cf1":"{wide}","cf2":"{wide}","cf3":"{wide}"}}"#)).unwrap_err();
        assert_eq!(bad[0].pointer, "");
    }

    #[test]
    fn debug_output_hides_the_persons_values() {
        let fields = take(r#"{"email":"user@example.com"}"#).unwrap();
        assert!(!format!("{fields:?}").contains("example.com"));
    }
}

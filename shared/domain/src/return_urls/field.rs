//! Fields of a return URL.

use crate::public_names;

public_names! {
    /// A field of a return URL. The values are in the order of the URL's parameters.
    pub enum ReturnField {
        /// The customer's id of the person.
        UserId = "userid",
        /// The person's e-mail address.
        Email = "email",
        /// The result of the verification.
        KycStatus = "kycStatus",
        /// The id of the submission.
        SubmissionId = "submissionId",
        /// First custom field.
        Cf1 = "cf1",
        /// Second custom field.
        Cf2 = "cf2",
        /// Third custom field.
        Cf3 = "cf3",
        /// The error that ended the verification.
        ErrorCode = "errorCode",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_parsed_from_its_name() {
        for field in ReturnField::ALL {
            assert_eq!(field.as_str().parse(), Ok(field));
        }
    }

    #[test]
    fn names_are_case_sensitive() {
        for other in ["userId", "UserID", "kycstatus", "ErrorCode", "cf4", ""] {
            assert!(other.parse::<ReturnField>().is_err(), "{other}");
        }
    }

    #[test]
    fn fields_are_in_the_documented_order() {
        let mut sorted = ReturnField::ALL;
        sorted.sort();
        assert_eq!(
            sorted.map(ReturnField::as_str),
            ["userid", "email", "kycStatus", "submissionId", "cf1", "cf2", "cf3", "errorCode"]
        );
    }
}

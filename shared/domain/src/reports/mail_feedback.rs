//! Feedback of SES about mails: the addresses to suppress.
//!
//! The format is that of SES event publishing. Only permanent bounces and complaints suppress an address. After a transient
//! bounce, such as a full mailbox, the next mail may be accepted.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::foundation::id::{NotificationUserId, ProjectId};
use crate::foundation::time::Timestamp;
use crate::reports::email_address::{AddressHashes, EmailAddress};
use crate::reports::suppression::SuppressionReason;

/// The mail tag with the id of the project. SES returns the tags in its feedback, so that the notification user is found without
/// the address.
pub const PROJECT_TAG: &str = "project";
/// The mail tag with the id of the notification user.
pub const USER_TAG: &str = "user";

/// The message, not in JSON, that SES sends when event publishing to a topic is set up.
const TOPIC_VALIDATION: &str = "Successfully validated SNS topic for Amazon SES event publishing.";

/// A report that suppresses an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFeedback {
    /// The project of the notification user.
    pub project_id: ProjectId,
    /// The notification user with the address.
    pub user_id: NotificationUserId,
    /// Hashes of the address, which suppress it even after the notification user is removed.
    pub address: Option<AddressHashes>,
    /// When the bounce or complaint happened.
    pub at: Timestamp,
    /// Whether the mail bounced or the reader complained.
    pub reason: SuppressionReason,
}

/// A message that is not in the format of SES.
#[derive(Debug, Error)]
#[error("message is not SES feedback")]
pub struct NotFeedback(#[source] serde_json::Error);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
struct Mail {
    /// The address that the mail was sent to. Signpost sends each mail to one address.
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    timestamp: Timestamp,
}

#[derive(Deserialize)]
struct Complaint {
    timestamp: Timestamp,
}

impl MailFeedback {
    /// Parses a message of SES. Returns `None` if it suppresses no address: it has another type, reports a transient bounce, or is
    /// about a mail without Signpost's tags.
    pub fn read(text: &str) -> Result<Option<Self>, NotFeedback> {
        if text.trim() == TOPIC_VALIDATION {
            return Ok(None);
        }
        let Report { event_type, mail, bounce, complaint } = serde_json::from_str(text).map_err(NotFeedback)?;
        let (reason, at) = match (event_type.as_str(), bounce, complaint) {
            ("Bounce", Some(Bounce { bounce_type, timestamp }), _) if bounce_type == "Permanent" => {
                (SuppressionReason::Bounced, timestamp)
            }
            ("Complaint", _, Some(Complaint { timestamp })) => (SuppressionReason::Complained, timestamp),
            _ => return Ok(None),
        };
        let tag = |name: &str| mail.tags.get(name).and_then(|values| values.first());
        let project_id = tag(PROJECT_TAG).and_then(|text| text.parse().ok());
        let user_id = tag(USER_TAG).and_then(|text| text.parse().ok());
        let address = mail.destination.first().and_then(|text| EmailAddress::try_from(text.clone()).ok());
        let address = address.map(|address| address.hashes());
        Ok(project_id.zip(user_id).map(|(project_id, user_id)| Self { project_id, user_id, address, at, reason }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROJECT: &str = "019ab5e0-0000-7000-8000-000000000001";
    const USER: &str = "019ab5e0-0000-7000-8000-000000000002";

    fn report(event: &str, tags: &str) -> String {
        format!(r#"{{{event},"mail":{{"messageId":"1","destination":["ada@acme.example"],"tags":{tags}}}}}"#)
    }

    fn our_tags() -> String {
        format!(r#"{{"project":["{PROJECT}"],"user":["{USER}"],"ses:configuration-set":["signpost"]}}"#)
    }

    fn read(event: &str) -> Option<SuppressionReason> {
        MailFeedback::read(&report(event, &our_tags())).unwrap().map(|feedback| feedback.reason)
    }

    #[test]
    fn only_permanent_bounces_and_complaints_suppress_an_address() {
        let bounce = |kind: &str| {
            format!(r#""eventType":"Bounce","bounce":{{"bounceType":"{kind}","timestamp":"2026-11-22T08:30:00.123Z"}}"#)
        };
        assert_eq!(read(&bounce("Permanent")), Some(SuppressionReason::Bounced));
        assert_eq!(read(&bounce("Transient")), None);
        assert_eq!(read(&bounce("Undetermined")), None);
        let complaint = r#""eventType":"Complaint","complaint":{"timestamp":"2026-11-22T08:30:00.123Z"}"#;
        assert_eq!(read(complaint), Some(SuppressionReason::Complained));
        assert_eq!(read(r#""eventType":"Delivery","delivery":{}"#), None);
    }

    #[test]
    fn the_validation_message_of_ses_is_ignored() {
        assert!(MailFeedback::read(TOPIC_VALIDATION).unwrap().is_none());
        assert!(MailFeedback::read("Successfully validated").is_err());
    }

    #[test]
    fn the_tags_of_a_mail_identify_the_notification_user() {
        let complaint = r#""eventType":"Complaint","complaint":{"timestamp":"2026-11-22T08:30:00.123Z"}"#;
        let feedback = MailFeedback::read(&report(complaint, &our_tags())).unwrap().unwrap();
        assert_eq!(
            (feedback.project_id.to_string(), feedback.user_id.to_string()),
            (PROJECT.to_owned(), USER.to_owned())
        );
        assert_eq!(feedback.at, "2026-11-22T08:30:00.123Z".parse().unwrap());
        assert_eq!(feedback.address, Some(EmailAddress::try_from("ada@acme.example".to_owned()).unwrap().hashes()));
        for tags in ["{}", r#"{"project":["x"],"user":["y"]}"#, &format!(r#"{{"project":["{PROJECT}"],"user":[]}}"#)] {
            assert_eq!(MailFeedback::read(&report(complaint, tags)).unwrap(), None, "{tags}");
        }
    }

    proptest! {
        #[test]
        fn the_parser_never_panics(text in "\\PC{0,80}") {
            let _ = MailFeedback::read(&text);
        }
    }
}

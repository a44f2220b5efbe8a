//! What SES tells of mails that were sent: which addresses are to get no more.
//!
//! The shape is that of SES's event publishing. Only bounces for good and complaints have consequences: what bounces in passing, such
//! as a full mailbox, may be taken tomorrow.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::id::{NotificationUserId, ProjectId};
use crate::notification_user::SuppressionReason;
use crate::time::Timestamp;

/// The tags that a mail carries, so that what is reported about it tells whom it was to without their address.
pub const PROJECT_TAG: &str = "project";
/// See [`PROJECT_TAG`].
pub const USER_TAG: &str = "user";

/// What SES says, in these words and no JSON, when it is first told to report to a topic.
const GREETING: &str = "Successfully validated SNS topic for Amazon SES event publishing.";

/// An address that is to get no more mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailFeedback {
    /// Whose notification user has it.
    pub project_id: ProjectId,
    /// Which one.
    pub user_id: NotificationUserId,
    /// When it was reported.
    pub at: Timestamp,
    /// What was.
    pub reason: SuppressionReason,
}

/// A text that is no report of SES.
#[derive(Debug, Error)]
#[error("message is no report about a mail")]
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
    /// Reads a report. `None` if nothing follows from it: it is of another kind, in passing, or about a mail that is not ours.
    pub fn read(text: &str) -> Result<Option<Self>, NotFeedback> {
        if text.trim() == GREETING {
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
        Ok(project_id.zip(user_id).map(|(project_id, user_id)| Self { project_id, user_id, at, reason }))
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
    fn only_what_is_for_good_has_consequences() {
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
    fn that_ses_has_found_its_topic_is_no_report() {
        assert!(MailFeedback::read(GREETING).unwrap().is_none());
        assert!(MailFeedback::read("Successfully validated").is_err());
    }

    #[test]
    fn whom_a_mail_was_to_is_told_by_its_tags() {
        let complaint = r#""eventType":"Complaint","complaint":{"timestamp":"2026-11-22T08:30:00.123Z"}"#;
        let feedback = MailFeedback::read(&report(complaint, &our_tags())).unwrap().unwrap();
        assert_eq!(
            (feedback.project_id.to_string(), feedback.user_id.to_string()),
            (PROJECT.to_owned(), USER.to_owned())
        );
        assert_eq!(feedback.at, "2026-11-22T08:30:00.123Z".parse().unwrap());
        for tags in ["{}", r#"{"project":["x"],"user":["y"]}"#, &format!(r#"{{"project":["{PROJECT}"],"user":[]}}"#)] {
            assert_eq!(MailFeedback::read(&report(complaint, tags)).unwrap(), None, "{tags}");
        }
    }

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = MailFeedback::read(&text);
        }
    }
}

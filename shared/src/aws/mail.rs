//! SES (version 2 of its API): mails to people.

use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use thiserror::Error;

use super::{Aws, Cause};
use crate::mail_feedback::{PROJECT_TAG, USER_TAG};
use crate::notification_user::NotificationUser;
use crate::report_mail::Mail;

/// Why a mail was not sent, or may not have been. None of them tells an address: SES names them in its messages, so
/// those are left out.
#[derive(Debug, Error)]
pub enum MailError {
    /// SES did not take the mail, for the reason with this code. It was not sent.
    #[error("mail was refused by SES: {0}")]
    Refused(String),
    /// SES answered with this status. The mail may have been sent.
    #[error("mail was answered by SES with status {0}")]
    Faulty(u16),
    /// SES did not answer. The mail may have been sent.
    #[error("mail was not answered by SES")]
    Unanswered(#[source] Cause),
    /// The mail has a part that SES cannot take. It was not sent.
    #[error("mail cannot be built")]
    Build(#[from] BuildError),
}

impl MailError {
    /// Whether it is certain that nothing was sent, so that sending again cannot make it twice.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Build(_) => true,
            Self::Faulty(_) | Self::Unanswered(_) => false,
        }
    }
}

/// Sends mails from one address.
#[derive(Debug, Clone)]
pub struct Mailer {
    aws: Aws,
    from: String,
    configuration_set: Option<String>,
}

impl Mailer {
    /// A mailer that sends from `from`, which SES must have verified, and through `configuration_set`, which has bounces and
    /// complaints reported; without one they are not.
    pub fn new(aws: &Aws, from: impl Into<String>, configuration_set: Option<String>) -> Self {
        Self { aws: aws.clone(), from: from.into(), configuration_set }
    }

    /// Sends a mail to a notification user; SES has it when this returns. Sending again makes another mail.
    pub async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        let body = Body::builder().html(content(&mail.html)?).text(content(&mail.text)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body);
        let message = message.set_headers(mail.unsubscribe_url.as_deref().map(one_click).transpose()?).build();
        let call = self
            .aws
            .ses()
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to.email.as_str()).build())
            .set_configuration_set_name(self.configuration_set.clone())
            .email_tags(tag(PROJECT_TAG, &to.project_id)?)
            .email_tags(tag(USER_TAG, &to.id)?)
            .content(EmailContent::builder().simple(message).build());
        call.send().await.map_err(failure)?;
        Ok(())
    }
}

/// The headers by which mail programs offer to unsubscribe with one click (RFC 8058).
fn one_click(url: &str) -> Result<Vec<MessageHeader>, BuildError> {
    let header = |name: &str, value: String| MessageHeader::builder().name(name).value(value).build();
    Ok(vec![
        header("List-Unsubscribe", format!("<{url}>"))?,
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())?,
    ])
}

fn tag(name: &str, value: &impl ToString) -> Result<MessageTag, BuildError> {
    MessageTag::builder().name(name).value(value.to_string()).build()
}

fn content(text: &str) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}

fn failure(error: SdkError<SendEmailError>) -> MailError {
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status();
            if !status.is_client_error() {
                return MailError::Faulty(status.as_u16());
            }
            MailError::Refused(answer.err().code().unwrap_or("no code").to_owned())
        }
        other => MailError::Unanswered(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use super::*;
    use crate::draft::Draft;
    use crate::id::{NotificationUserId, ProjectId};
    use crate::notification_user::NewNotificationUser;
    use crate::random::SystemRandom;

    /// A service on this machine that answers one call; afterwards it tells the call's body.
    fn service_that_answers(head: &'static str, body: &'static str) -> (Mailer, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut call = Vec::new();
            let mut chunk = [0; 4096];
            while body_of(&call).is_none() {
                let read = connection.read(&mut chunk).unwrap();
                call.extend_from_slice(&chunk[..read]);
            }
            write!(connection, "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            body_of(&call).unwrap()
        });
        let mailer = Mailer::new(
            &Aws::local(format!("http://{address}")),
            "reports@signpost.example",
            Some("signpost-mails".to_owned()),
        );
        (mailer, server)
    }

    /// The body of an HTTP request, once all of it is there.
    fn body_of(call: &[u8]) -> Option<String> {
        let call = String::from_utf8_lossy(call).into_owned();
        let (head, body) = call.split_once("\r\n\r\n")?;
        let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
        (body.len() == length).then(|| body.to_owned())
    }

    fn user() -> NotificationUser {
        let draft = Draft::parse(br#"{"name":"Ada","email":"ada@acme.example"}"#).unwrap();
        let now = "2026-11-22T08:30:00Z".parse().unwrap();
        let (id, project) = (NotificationUserId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
        NewNotificationUser::try_from(draft).unwrap().create(id, project)
    }

    fn mail() -> Mail {
        let unsubscribe_url = Some("https://api.example/unsubscribe/x".to_owned());
        let (html, text) = ("<p>hi</p>".to_owned(), "hi".to_owned());
        Mail { subject: "✓ 전달".to_owned(), html, text, unsubscribe_url }
    }

    #[tokio::test]
    async fn both_parts_of_a_mail_go_to_one_address() {
        let (mailer, server) = service_that_answers("200 OK", r#"{"MessageId":"1"}"#);
        mailer.send(&user(), &mail()).await.unwrap();
        let call: serde_json::Value = serde_json::from_str(&server.join().unwrap()).unwrap();
        assert_eq!(call["FromEmailAddress"], "reports@signpost.example");
        assert_eq!(call["Destination"]["ToAddresses"], serde_json::json!(["ada@acme.example"]));
        let message = &call["Content"]["Simple"];
        assert_eq!(message["Subject"], serde_json::json!({ "Data": "✓ 전달", "Charset": "UTF-8" }));
        assert_eq!(
            (&message["Body"]["Html"]["Data"], &message["Body"]["Text"]["Data"]),
            (&"<p>hi</p>".into(), &"hi".into())
        );
    }

    #[tokio::test]
    async fn a_mail_can_be_unsubscribed_with_one_click_and_says_whom_it_is_about() {
        let (mailer, server) = service_that_answers("200 OK", r#"{"MessageId":"1"}"#);
        let user = user();
        mailer.send(&user, &mail()).await.unwrap();
        let call: serde_json::Value = serde_json::from_str(&server.join().unwrap()).unwrap();
        assert_eq!(
            call["Content"]["Simple"]["Headers"],
            serde_json::json!([
                { "Name": "List-Unsubscribe", "Value": "<https://api.example/unsubscribe/x>" },
                { "Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click" },
            ])
        );
        assert_eq!(call["ConfigurationSetName"], "signpost-mails");
        let (project, id) = (user.project_id.to_string(), user.id.to_string());
        let tags = [("project", project), ("user", id)]
            .map(|(name, value)| serde_json::json!({ "Name": name, "Value": value }));
        assert_eq!(call["EmailTags"], serde_json::json!(tags));
    }

    #[tokio::test]
    async fn a_refusal_is_certain_and_tells_no_address() {
        let head = "400 Bad Request\r\nx-amzn-errortype: MessageRejected";
        let (mailer, server) = service_that_answers(head, r#"{"message":"not verified: ada@acme.example"}"#);
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        server.join().unwrap();
        assert!(error.is_certain());
        assert_eq!(crate::telemetry::chain(&error), "mail was refused by SES: MessageRejected");
    }

    #[tokio::test]
    async fn a_fault_leaves_open_whether_the_mail_was_sent_and_it_is_not_sent_again() {
        let (mailer, server) = service_that_answers("500 Internal Server Error", "{}");
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        server.join().unwrap();
        assert!(matches!(error, MailError::Faulty(500)), "{error:?}");
    }

    #[tokio::test]
    async fn silence_leaves_open_whether_the_mail_was_sent() {
        let mailer = Mailer::new(&Aws::local("http://127.0.0.1:1".to_owned()), "reports@signpost.example", None);
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        assert!(!error.is_certain(), "{error:?}");
    }
}

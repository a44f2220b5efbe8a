//! Mails through SES (API version 2).

use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use thiserror::Error;

use crate::client::{Aws, Cause};
use domain::reports::mail_feedback::{PROJECT_TAG, USER_TAG};
use domain::reports::notification_user::NotificationUser;
use mail::Mail;

/// Why a mail was not sent, or may not have been. SES repeats addresses in its messages, so the errors leave these out.
#[derive(Debug, Error)]
pub enum MailError {
    /// SES rejected the mail with this error code. It was not sent.
    #[error("SES rejected the mail: {0}")]
    Refused(String),
    /// SES failed with this status. The mail may have been sent.
    #[error("SES failed with status {0}")]
    Faulty(u16),
    /// SES did not respond. The mail may have been sent.
    #[error("SES did not respond")]
    Unanswered(#[source] Cause),
    /// The request to SES could not be built. The mail was not sent.
    #[error("request to SES cannot be built")]
    Build(#[from] BuildError),
}

impl MailError {
    /// Whether the mail was certainly not sent, so that sending it again cannot duplicate it.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Build(_) => true,
            Self::Faulty(_) | Self::Unanswered(_) => false,
        }
    }
}

/// Sends mails from one sender address.
#[derive(Debug, Clone)]
pub struct Mailer {
    aws: Aws,
    from: String,
    configuration_set: Option<String>,
}

impl Mailer {
    /// Creates a mailer. SES must have verified `from`. The configuration set reports bounces and complaints; without one they
    /// are not reported.
    pub fn new(aws: &Aws, from: impl Into<String>, configuration_set: Option<String>) -> Self {
        Self { aws: aws.clone(), from: from.into(), configuration_set }
    }

    /// Sends a mail to a notification user. SES has accepted it when this returns. A second call sends a second mail.
    pub async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        let body = Body::builder().html(content(&mail.html)?).text(content(&mail.text)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body);
        let message = message.set_headers(Some(headers(mail)?)).build();
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

/// Marks the mail as automatic, so that it gets no automatic replies (RFC 3834, section 5), and lets mail programs unsubscribe with
/// one click (RFC 8058).
fn headers(mail: &Mail) -> Result<Vec<MessageHeader>, BuildError> {
    let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build();
    let mut headers = vec![header("Auto-Submitted", "auto-generated")?];
    if let Some(url) = &mail.unsubscribe_url {
        headers.push(header("List-Unsubscribe", &format!("<{url}>"))?);
        headers.push(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")?);
    }
    Ok(headers)
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
    use domain::foundation::draft::Draft;
    use domain::foundation::id::{NotificationUserId, ProjectId};
    use domain::foundation::random::SystemRandom;
    use domain::reports::notification_user::NewNotificationUser;

    /// A fake SES that answers one call, and then returns the body of that call.
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

    /// Returns the body of an HTTP request once it is complete.
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
    async fn html_and_text_go_to_one_address() {
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
    async fn a_mail_has_one_click_unsubscription_and_tags_for_its_user() {
        let (mailer, server) = service_that_answers("200 OK", r#"{"MessageId":"1"}"#);
        let user = user();
        mailer.send(&user, &mail()).await.unwrap();
        let call: serde_json::Value = serde_json::from_str(&server.join().unwrap()).unwrap();
        assert_eq!(
            call["Content"]["Simple"]["Headers"],
            serde_json::json!([
                { "Name": "Auto-Submitted", "Value": "auto-generated" },
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
    async fn a_mail_without_a_subscription_is_marked_as_automatic_too() {
        let (mailer, server) = service_that_answers("200 OK", r#"{"MessageId":"1"}"#);
        mailer.send(&user(), &Mail { unsubscribe_url: None, ..mail() }).await.unwrap();
        let call: serde_json::Value = serde_json::from_str(&server.join().unwrap()).unwrap();
        assert_eq!(
            call["Content"]["Simple"]["Headers"],
            serde_json::json!([{ "Name": "Auto-Submitted", "Value": "auto-generated" }])
        );
    }

    #[tokio::test]
    async fn a_rejection_is_certain_and_does_not_contain_the_address() {
        let head = "400 Bad Request\r\nx-amzn-errortype: MessageRejected";
        let (mailer, server) = service_that_answers(head, r#"{"message":"not verified: ada@acme.example"}"#);
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        server.join().unwrap();
        assert!(error.is_certain());
        assert_eq!(crate::lambda::telemetry::chain(&error), "SES rejected the mail: MessageRejected");
    }

    #[tokio::test]
    async fn after_a_server_error_the_mail_may_have_been_sent_and_is_not_retried() {
        let (mailer, server) = service_that_answers("500 Internal Server Error", "{}");
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        server.join().unwrap();
        assert!(matches!(error, MailError::Faulty(500)), "{error:?}");
    }

    #[tokio::test]
    async fn without_a_response_the_mail_may_have_been_sent() {
        let mailer = Mailer::new(&Aws::local("http://127.0.0.1:1".to_owned()), "reports@signpost.example", None);
        let error = mailer.send(&user(), &mail()).await.unwrap_err();
        assert!(!error.is_certain(), "{error:?}");
    }
}

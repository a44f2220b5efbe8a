//! The demo of `cargo stack up`: one project, one webhook of each type, a return link and a report.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::webhooks::event::EventType;
use domain::webhooks::sample;
use serde_json::{Value, json};
use thiserror::Error;

use crate::api_client::ApiError;
use crate::mail::Mail;
use crate::receiver::{Received, TimedOut};
use crate::{Stack, StackError, server};

/// The receiver's path for the demo's webhooks.
const PATH: &str = "/demo";

/// The address that gets the demo's report.
const READER: &str = "ada@customer.example";

/// The time-out for each wait: for all webhooks, and for one mail. The demo needs about a second, so only a fault reaches it.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Why the demo failed.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A call of the API failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Some webhooks did not arrive in time.
    #[error(transparent)]
    Delivery(#[from] TimedOut),
    /// The report could not be built.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The signature of a webhook is wrong.
    #[error("webhook {0} has a wrong signature")]
    NotVerified(String),
    /// The stack's list of mails cannot be read.
    #[error("cannot read the mails")]
    Mail(#[from] reqwest::Error),
    /// The expected mail did not arrive in time.
    #[error("the {kind} did not arrive at {reader}")]
    NoMail {
        /// What was expected, such as `report`.
        kind: &'static str,
        /// The address.
        reader: String,
    },
    /// A response or a mail lacks an expected part.
    #[error("a response or a mail lacks the {0}")]
    Missing(&'static str),
}

/// How one webhook was delivered.
#[derive(Debug)]
pub struct Line {
    /// The type of its event.
    pub event_type: EventType,
    /// The attempt that arrived, from 1.
    pub attempt: u32,
    /// Whether the signature was right.
    pub verified: bool,
    /// The time from just before publishing to the arrival.
    pub took: Duration,
}

/// Creates a project, publishes one event of each type, and waits for the webhooks. Returns the project's id and the
/// deliveries.
pub async fn deliver_all_types(stack: &Stack) -> Result<(String, Vec<Line>), DemoError> {
    let api = stack.api();
    let project = api.post("/v1/projects", &json!({ "name": "Demo" })).await?;
    let project_id = text(&project, "id")?;
    let base = format!("/v1/projects/{project_id}");
    let endpoint = api.post(&format!("{base}/endpoints"), &json!({ "url": stack.receiver.url(PATH) })).await?;
    stack.receiver.expect(PATH, &text(&endpoint, "signingSecret")?);

    let mut published = BTreeMap::new();
    for event_type in EventType::ALL {
        let at = Instant::now();
        let sample = serde_json::from_str(sample::request(event_type)).expect("a sample is JSON");
        let event = api.post(&format!("{base}/events"), &sample).await?;
        published.insert(text(&event, "id")?, (event_type, at));
    }
    let is_there = |received: &[Received], id: &String| received.iter().any(|one| one.id == *id && one.answered == 200);
    let all_there = |received: &[Received]| published.keys().all(|id| is_there(received, id));
    let received = stack.receiver.wait_for(PATH, WAIT_TIMEOUT, all_there).await?;

    let mut lines = Vec::new();
    for one in received {
        let Some((event_type, at)) = published.get(&one.id) else { continue };
        if !one.verified {
            return Err(DemoError::NotVerified(one.id));
        }
        lines.push(Line {
            event_type: *event_type,
            attempt: one.attempt,
            verified: one.verified,
            took: one.at.saturating_duration_since(*at),
        });
    }
    lines.sort_by_key(|line| line.event_type);
    Ok((project_id, lines))
}

/// Sets the project's return URL and creates a return link.
pub async fn mint_return_link(stack: &Stack, project_id: &str) -> Result<String, DemoError> {
    let api = stack.api();
    let base = format!("/v1/projects/{project_id}");
    let settings = json!({
        "url": "https://app.customer.example/verified",
        "fields": ["userid", "kycStatus", "submissionId"],
        "skipResultPage": false,
        "encryption": "none",
        "signed": false,
    });
    api.put(&format!("{base}/return-url"), &settings).await?;
    let outcome = json!({ "kycStatus": "approved", "userid": "user-1", "submissionId": "sub-0001" });
    let link = api.post(&format!("{base}/return-links"), &outcome).await?;
    text(&link, "url")
}

/// Adds a notification user, mails today's report, and returns its subject.
pub async fn mail_report(stack: &Stack, project_id: &str) -> Result<String, DemoError> {
    let reader = json!({ "name": "Ada", "email": READER, "language": "en" });
    let user = stack.api().post(&format!("/v1/projects/{project_id}/notification-users"), &reader).await?;
    if user["state"] == "unconfirmed" {
        confirm(stack, READER).await?;
    }
    let known = mails_to(stack, READER).await?.len();
    let today = SystemClock.now().to_string();
    stack.send_reports(&today[.."2026-01-31".len()]).await?;
    let report = wait_for_mail(stack, READER, known, "report").await?;
    Ok(report.subject)
}

/// Confirms an address: follows the link of the confirmation mail and presses the button.
pub async fn confirm(stack: &Stack, reader: &str) -> Result<(), DemoError> {
    let question = wait_for_mail(stack, reader, 0, "confirmation mail").await?;
    press_button(stack, &question, "confirm").await
}

/// Presses the button on the page that a mail links to. `kind` is the first part of the link's path.
pub async fn press_button(stack: &Stack, mail: &Mail, kind: &'static str) -> Result<(), DemoError> {
    let beginning = format!("{}/{kind}/", stack.api_url);
    let link = mail.text.split_whitespace().find(|word| word.starts_with(&beginning));
    let link = link.ok_or(DemoError::Missing("link in the mail"))?;
    server::client().post(link).send().await?.error_for_status()?;
    Ok(())
}

/// The listed mails to an address, oldest first.
pub async fn mails_to(stack: &Stack, reader: &str) -> Result<Vec<Mail>, DemoError> {
    let mails: Vec<Mail> = server::client().get(&stack.mail_url).send().await?.json().await?;
    Ok(mails.into_iter().filter(|mail| mail.to.iter().any(|to| to.contains(reader))).collect())
}

/// Waits for the first mail to an address after the `known` ones. It polls, because the emulator sends no notifications.
pub async fn wait_for_mail(stack: &Stack, reader: &str, known: usize, kind: &'static str) -> Result<Mail, DemoError> {
    let start = Instant::now();
    loop {
        if let Some(mail) = mails_to(stack, reader).await?.into_iter().nth(known) {
            return Ok(mail);
        }
        if start.elapsed() > WAIT_TIMEOUT {
            return Err(DemoError::NoMail { kind, reader: reader.to_owned() });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn text(value: &Value, name: &'static str) -> Result<String, DemoError> {
    value[name].as_str().map(ToOwned::to_owned).ok_or(DemoError::Missing(name))
}

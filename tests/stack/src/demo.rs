//! What `cargo stack up` shows: one project, one webhook of each type, a return link and a report.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::clock::{Clock as _, SystemClock};
use shared::event::EventType;
use shared::sample;
use thiserror::Error;

use crate::api_client::ApiError;
use crate::mail::Mail;
use crate::receiver::{Received, TimedOut};
use crate::{Stack, StackError, server};

/// Where at the receiver the demo's webhooks go.
const PATH: &str = "/demo";

/// Whom the demo's report goes to.
const READER: &str = "ada@customer.example";

/// How long the webhooks, and then the report, may take together. Far longer than they do; it only bounds a fault.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why the demo did not go as it should.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The API refused a call.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Not all webhooks came.
    #[error(transparent)]
    Delivery(#[from] TimedOut),
    /// The report could not be built.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A webhook's signature is wrong.
    #[error("the webhook {0} does not verify")]
    NotVerified(String),
    /// The mails cannot be read.
    #[error("cannot read the mails")]
    Mail(#[from] reqwest::Error),
    /// No mail of the kind came.
    #[error("no {0} came to {READER}")]
    NoMail(&'static str),
    /// An answer or a mail lacks something.
    #[error("found no {0}")]
    Missing(&'static str),
}

/// One webhook's way.
#[derive(Debug)]
pub struct Line {
    /// Its type.
    pub event_type: EventType,
    /// Which attempt came through.
    pub attempt: u32,
    /// Whether its signature was right.
    pub verified: bool,
    /// From just before publishing to its arrival.
    pub took: Duration,
}

/// Delivers one webhook of each type.
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
    let received = stack.receiver.wait_for(PATH, PATIENCE, all_there).await?;

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

/// Sets a return URL and mints a link to it.
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

/// Adds a reader, has today's report mailed, and gives its subject.
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

/// Does what the button behind the link does, in the mail that asks whether the address is right.
pub async fn confirm(stack: &Stack, reader: &str) -> Result<(), DemoError> {
    let question = wait_for_mail(stack, reader, 0, "mail that asks for confirmation").await?;
    press_button(stack, &question, "confirm").await
}

/// Does what the button behind a mail's link does; `kind` is how the link's path begins.
pub async fn press_button(stack: &Stack, mail: &Mail, kind: &'static str) -> Result<(), DemoError> {
    let beginning = format!("{}/{kind}/", stack.api_url);
    let link = mail.text.split_whitespace().find(|word| word.starts_with(&beginning));
    let link = link.ok_or(DemoError::Missing("link in the mail"))?;
    server::client().post(link).send().await?.error_for_status()?;
    Ok(())
}

/// The mails to a reader so far, oldest first.
pub async fn mails_to(stack: &Stack, reader: &str) -> Result<Vec<Mail>, DemoError> {
    let mails: Vec<Mail> = server::client().get(&stack.mail_url).send().await?.json().await?;
    Ok(mails.into_iter().filter(|mail| mail.to.iter().any(|to| to.contains(reader))).collect())
}

/// The first mail to the reader after the `known` ones. Mails are asked for, since the emulator does not tell of them.
pub async fn wait_for_mail(stack: &Stack, reader: &str, known: usize, kind: &'static str) -> Result<Mail, DemoError> {
    let start = Instant::now();
    loop {
        if let Some(mail) = mails_to(stack, reader).await?.into_iter().nth(known) {
            return Ok(mail);
        }
        if start.elapsed() > PATIENCE {
            return Err(DemoError::NoMail(kind));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn text(value: &Value, name: &'static str) -> Result<String, DemoError> {
    value[name].as_str().map(ToOwned::to_owned).ok_or(DemoError::Missing(name))
}

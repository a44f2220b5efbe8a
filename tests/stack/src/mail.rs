//! Shows the mails that the emulator has sent: as JSON for programs, and as pages for people.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::server::{self, Server};

/// Mails in the JSON list: the latest ones.
const MAX_LISTED: usize = 1000;

/// A mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Its position among all mails, from 0. The HTML part is at `/{number}`.
    pub number: usize,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// The decoded subject.
    pub subject: String,
    /// The plain-text part, or an empty string.
    pub text: String,
    /// The HTML part, or an empty string.
    pub html: String,
}

/// A server for the mails: `/` lists the latest [`MAX_LISTED`] as JSON, oldest first; `/{number}` is the HTML part of one.
pub(crate) struct MailView {
    pub(crate) server: Server,
}

impl MailView {
    pub(crate) async fn start(emulator_url: &str) -> io::Result<Self> {
        let url = format!("{emulator_url}/_ministack/ses/messages");
        let outbox = Arc::new(Outbox { client: server::client(), url, turn: Mutex::new(()) });
        let router = Router::new().route("/", get(list)).route("/{number}", get(show)).with_state(outbox);
        Ok(Self { server: Server::start(router).await? })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

/// Reads mails from the emulator, which keeps all of them and can only list all of them.
///
/// That list grows without bound, by about 10 KB for each mail. To bound the memory here, only one request at a time reads the
/// list, and it parses only the mails of its response.
struct Outbox {
    client: reqwest::Client,
    url: String,
    turn: Mutex<()>,
}

#[derive(Debug, Error)]
enum OutboxError {
    #[error("cannot get the mails from the emulator")]
    Http(#[from] reqwest::Error),
    #[error("cannot read the emulator's mails")]
    Json(#[from] serde_json::Error),
}

/// The emulator's list: the mails of each account.
#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow)]
    messages: BTreeMap<String, Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    to: Vec<String>,
    subject: Option<String>,
    body_text: Option<String>,
    body_html: Option<String>,
}

impl Outbox {
    async fn latest(&self) -> Result<Vec<Mail>, OutboxError> {
        latest_of(&self.fetch().await?, MAX_LISTED)
    }

    async fn mail(&self, number: usize) -> Result<Option<Mail>, OutboxError> {
        mail_of(&self.fetch().await?, number)
    }

    async fn fetch(&self) -> reqwest::Result<axum::body::Bytes> {
        self.client.get(&self.url).send().await?.error_for_status()?.bytes().await
    }
}

/// Parses the last `limit` mails of the emulator's list.
fn latest_of(list: &[u8], limit: usize) -> Result<Vec<Mail>, OutboxError> {
    let all = unparsed(list)?;
    let skipped = all.len().saturating_sub(limit);
    all.into_iter().enumerate().skip(skipped).map(|(number, message)| parse(number, message)).collect()
}

fn mail_of(list: &[u8], number: usize) -> Result<Option<Mail>, OutboxError> {
    unparsed(list)?.get(number).map(|message| parse(number, message)).transpose()
}

fn unparsed(list: &[u8]) -> Result<Vec<&RawValue>, OutboxError> {
    let sent: Messages<'_> = serde_json::from_slice(list)?;
    Ok(sent.messages.into_values().flatten().collect())
}

fn parse(number: usize, message: &RawValue) -> Result<Mail, OutboxError> {
    let message: Message = serde_json::from_str(message.get())?;
    Ok(Mail {
        number,
        to: message.to,
        subject: message.subject.unwrap_or_default(),
        text: message.body_text.unwrap_or_default(),
        html: message.body_html.unwrap_or_default(),
    })
}

async fn list(State(outbox): State<Arc<Outbox>>) -> Response {
    let _turn = outbox.turn.lock().await;
    match outbox.latest().await {
        Ok(mails) => Json(mails).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn show(State(outbox): State<Arc<Outbox>>, Path(number): Path<usize>) -> Response {
    let _turn = outbox.turn.lock().await;
    match outbox.mail(number).await {
        Ok(Some(mail)) => Html(mail.html).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &OutboxError) -> Response {
    (StatusCode::BAD_GATEWAY, aws::lambda::telemetry::chain(error)).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list_of(count: usize) -> Vec<u8> {
        let message = |number| json!({ "To": ["ada@customer.example"], "Subject": format!("mail {number}"), "BodyText": "text", "BodyHtml": null });
        let messages: Vec<_> = (0..count).map(message).collect();
        json!({ "messages": { "000000000000": messages } }).to_string().into_bytes()
    }

    #[test]
    fn the_list_has_the_latest_mails_under_their_numbers() {
        let mails = latest_of(&list_of(7), 3).unwrap();
        let subjects: Vec<_> = mails.iter().map(|mail| (mail.number, mail.subject.as_str())).collect();
        assert_eq!(subjects, [(4, "mail 4"), (5, "mail 5"), (6, "mail 6")]);
    }

    #[test]
    fn a_mail_that_is_not_listed_can_still_be_shown() {
        let list = list_of(MAX_LISTED + 2);
        assert_eq!(latest_of(&list, MAX_LISTED).unwrap().len(), MAX_LISTED);
        assert_eq!(mail_of(&list, 0).unwrap().unwrap().subject, "mail 0");
        assert_eq!(mail_of(&list, MAX_LISTED + 2).unwrap(), None);
    }
}

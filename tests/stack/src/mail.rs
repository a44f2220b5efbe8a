//! The mails that were sent, for programs and for the eye.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::server::{self, Server};

/// A mail as somebody got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Whom it went to.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its plain part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
}

/// Serves them: `/` is a JSON list, oldest first, and `/{n}` the HTML part of the nth.
pub(crate) struct MailView {
    pub(crate) server: Server,
}

impl MailView {
    pub(crate) async fn start(emulator_url: &str) -> io::Result<Self> {
        let outbox =
            Arc::new(Outbox { client: server::client(), url: format!("{emulator_url}/_ministack/ses/messages") });
        let router = Router::new().route("/", get(list)).route("/{number}", get(show)).with_state(outbox);
        Ok(Self { server: Server::start(router).await? })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

struct Outbox {
    client: reqwest::Client,
    url: String,
}

/// The emulator's own form: a list of mails by account.
#[derive(Deserialize)]
struct Messages {
    messages: std::collections::BTreeMap<String, Vec<Message>>,
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
    async fn mails(&self) -> reqwest::Result<Vec<Mail>> {
        let sent: Messages = self.client.get(&self.url).send().await?.error_for_status()?.json().await?;
        let mails = sent.messages.into_values().flatten().map(|message| Mail {
            to: message.to,
            subject: message.subject.unwrap_or_default(),
            text: message.body_text.unwrap_or_default(),
            html: message.body_html.unwrap_or_default(),
        });
        Ok(mails.collect())
    }
}

async fn list(State(outbox): State<Arc<Outbox>>) -> Response {
    match outbox.mails().await {
        Ok(mails) => Json(mails).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn show(State(outbox): State<Arc<Outbox>>, Path(number): Path<usize>) -> Response {
    match outbox.mails().await {
        Ok(mails) => match mails.into_iter().nth(number) {
            Some(mail) => Html(mail.html).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

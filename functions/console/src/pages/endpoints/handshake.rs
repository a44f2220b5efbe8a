//! The handshake of an endpoint: says what the receiver must answer, asks it, and shows its answer.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::handshake::{Handshake, HandshakeAnswer, RefusalReason};

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page_with, part};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::attempt_words::{self, Failure};
use crate::layout::shell::Shell;
use crate::layout::time::grouped;
use crate::layout::translations::Fill;
use crate::pages::endpoints::handshake_words::Words;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::{AREA, LIST, curl, path_of, words};

#[derive(Template)]
#[template(path = "endpoints/handshake.html")]
struct HandshakePage {
    shell: Shell,
    words: &'static Words,
    settings: &'static words::Words,
    endpoint: Endpoint,
    origin: String,
    result: Option<Outcome>,
    form: Form,
}

/// What the page shows of a handshake that was made.
struct Outcome {
    tone: &'static str,
    state: &'static str,
    meaning: String,
    /// What to do, unless the receiver granted webhooks.
    advice: Option<String>,
    is_about_addresses: bool,
    answered: Option<Answered>,
}

/// The request, and what the receiver answered.
struct Answered {
    attempt: Attempt,
    status_label: &'static str,
    duration: String,
    /// The durations of the phases as a bar.
    phases: Option<String>,
}

/// Says what the receiver must answer.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    respond(&visitor, id, form, None).await
}

/// Makes the handshake and shows its result. Making it again does no harm, so the response to the form may be its own page.
pub(super) async fn make(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/handshake", path_of(id))).of_form(&sent).await {
        Ok(reply) => {
            let outcome = Outcome::of(&reply.json()?, &visitor)?;
            let form = Form::new(&visitor);
            respond(&visitor, id, form, Some(outcome)).await
        }
        Err(problem) => {
            let form = Form::refused(&visitor, SentForm::default(), problem, &[])?;
            respond(&visitor, id, form, None).await
        }
    }
}

async fn respond(visitor: &Visitor, id: EndpointId, form: Form, result: Option<Outcome>) -> PageResult {
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    let (words, settings) = (Words::of(visitor.language()), words::Words::of(visitor.language()));
    let shell = Shell::new(visitor, AREA, settings.handshake).with_form(&form);
    let (status, origin) = (form.status(), visitor.webhook_origin());
    page_with(status, &HandshakePage { shell, words, settings, endpoint, origin, result, form })
}

impl HandshakePage {
    /// The header with which the receiver grants webhooks.
    fn grant(&self) -> String {
        format!("WebHook-Allowed-Origin: {}", self.origin)
    }

    /// A command that asks the receiver as the handshake does.
    fn command(&self) -> String {
        let rate = self.endpoint.pace.map(|pace| format!("WebHook-Request-Rate: {}", pace.per_minute()));
        let headers = [format!("WebHook-Request-Origin: {}", self.origin)].into_iter().chain(rate);
        curl::options_command(&self.endpoint.url, headers)
    }
}

impl Outcome {
    fn of(handshake: &Handshake, visitor: &Visitor) -> Result<Self, Problem> {
        let words = Words::of(visitor.language());
        let settings = words::Words::of(visitor.language());
        match &handshake.state {
            HandshakeAnswer::Pending => {
                let outcome = Self::new("idle", words.pending, words.pending_note.to_owned());
                Ok(Self { advice: Some(words.make_again.to_owned()), ..outcome })
            }
            HandshakeAnswer::Granted { allowed_rate, attempt } => {
                let meaning = words.granted_note.fill("pace", settings.pace_of(*allowed_rate));
                let outcome = Self::new("ok", settings.handshake_granted, meaning);
                Ok(Self { answered: Some(Answered::new(attempt, visitor)?), ..outcome })
            }
            HandshakeAnswer::Refused { reason, allowed_origin, attempt } => {
                Self::refused(*reason, allowed_origin.as_deref(), attempt, visitor)
            }
        }
    }

    fn refused(
        reason: RefusalReason,
        allowed_origin: Option<&str>,
        attempt: &Attempt,
        visitor: &Visitor,
    ) -> Result<Self, Problem> {
        let words = Words::of(visitor.language());
        let failure = Failure::of_attempt(attempt, visitor.language());
        let (meaning, advice) = match (reason, &failure) {
            (RefusalReason::RequestFailed, Some(failure)) => {
                (failure.what.clone(), advice(attempt, failure, words).to_owned())
            }
            (RefusalReason::RequestFailed | RefusalReason::NotAllowed, _) => {
                let meaning = allowed_origin
                    .map_or_else(|| words.no_origin.to_owned(), |value| words.other_origin.fill("value", value));
                (meaning, words.advise_header.fill("origin", visitor.webhook_origin()))
            }
            (RefusalReason::InvalidRate, _) => (words.invalid_rate.to_owned(), words.advise_rate.to_owned()),
        };
        Ok(Self {
            advice: Some(advice),
            is_about_addresses: failure.is_some_and(|failure| failure.is_about_addresses),
            answered: Some(Answered::new(attempt, visitor)?),
            ..Self::new("bad", words.refused, meaning)
        })
    }

    fn new(tone: &'static str, state: &'static str, meaning: String) -> Self {
        Self { tone, state, meaning, advice: None, is_about_addresses: false, answered: None }
    }
}

/// What to do about a request that failed. The usual advice about a status is for `POST` requests.
fn advice(attempt: &Attempt, failure: &Failure, words: &'static Words) -> &'static str {
    match (attempt.reason, attempt.status) {
        (Some(FailureReason::Status), Some(401 | 403)) => words.advise_credentials,
        (Some(FailureReason::Status), _) => words.advise_options,
        _ => failure.advice,
    }
}

impl Answered {
    fn new(attempt: &Attempt, visitor: &Visitor) -> Result<Self, Problem> {
        let words = attempt_words::Words::of(visitor.language());
        let bar = words.bar(attempt.phases);
        Ok(Self {
            attempt: attempt.clone(),
            status_label: words.status_label(attempt),
            duration: grouped(attempt.duration_ms.into()),
            phases: bar.map(|bar| part(&bar)).transpose()?,
        })
    }

    /// What the receiver answered.
    fn answer(&self) -> Option<&str> {
        attempt_words::answer(&self.attempt)
    }
}

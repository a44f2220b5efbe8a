//! Test sends: chooses the event, sends the test, shows the answer of the receiver.

use askama::Template;
use domain::foundation::id::{EndpointId, EventId};
use domain::projects::api_key::Scope;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::event::EventType;
use domain::webhooks::test_send::{NotSentReason, SentRequest, TestSend, TestState};
use serde_json::json;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page, page_with, part, see_other};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::attempt_words::{self, Failure};
use crate::layout::choice::Choice;
use crate::layout::event_types;
use crate::layout::shell::Shell;
use crate::layout::time::grouped;
use crate::layout::translations::Fill;
use crate::pages::endpoints::test_send_words::Words;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::{AREA, LIST, curl, path_of, words};

#[derive(Template)]
#[template(path = "endpoints/test.html")]
struct TestPage {
    shell: Shell,
    words: &'static Words,
    list_title: &'static str,
    intro: String,
    endpoint: Endpoint,
    event_types: [Choice; EventType::ALL.len()],
    form: Form,
}

#[derive(Template)]
#[template(path = "endpoints/test_result.html")]
struct ResultPage {
    shell: Shell,
    words: &'static Words,
    list_title: &'static str,
    endpoint: Endpoint,
    path: String,
    test: TestSend,
    tone: &'static str,
    state: &'static str,
    meaning: String,
    /// Whether the test was not sent because the receiver has not granted webhooks.
    needs_handshake: bool,
    shown: Option<Shown>,
}

/// What the page shows of a test that was sent.
struct Shown {
    /// Why it failed, if it did.
    failure: Option<Failure>,
    status_label: &'static str,
    /// The durations of the phases as a bar.
    phases: Option<String>,
    duration: String,
    attempt: Attempt,
    request: SentRequest,
    /// What was sent too, and is not shown.
    also_sent: Vec<String>,
    command: String,
}

/// Shows the form.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor).with("type", EventType::Approved);
    ask_with(&visitor, id, form).await
}

/// Sends the test and leads to its result.
pub(super) async fn send(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    let body = json!({"type": sent.json("type")});
    match visitor.api().post(&format!("{}/test", path_of(id))).json(&body).of_form(&sent).await {
        Ok(reply) => {
            let test: TestSend = reply.json()?;
            see_other(&format!("{}/tests/{}", path_of(id), test.id))
        }
        Err(problem) => ask_with(&visitor, id, Form::refused(&visitor, sent, problem, &["type"])?).await,
    }
}

async fn ask_with(visitor: &Visitor, id: EndpointId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    let intro = words.intro.fill("url", &endpoint.url);
    let list_title = words::Words::of(visitor.language()).title;
    let event_types = event_types::Words::of(visitor.language()).choices();
    let shell = Shell::new(visitor, AREA, words.title).with_form(&form);
    page_with(form.status(), &TestPage { shell, words, list_title, intro, endpoint, event_types, form })
}

/// Shows the result of a test.
pub(super) async fn show(visitor: Visitor, Id((id, test_id)): Id<(EndpointId, EventId)>) -> PageResult {
    let words = Words::of(visitor.language());
    let path = format!("{}/tests/{test_id}", path_of(id));
    let test: TestSend = visitor.api().get(&path).await?.json()?;
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    let (tone, state, meaning) = match &test.state {
        TestState::Pending => ("idle", words.pending, words.pending_note.to_owned()),
        TestState::NotSent { not_sent_reason } => {
            ("warn", words.not_sent, words.not_sent_because(*not_sent_reason).to_owned())
        }
        TestState::Done { attempt, .. } => match Failure::of_attempt(attempt, visitor.language()) {
            Some(failure) => ("bad", words.failed, failure.what),
            None => {
                let status = attempt.status.unwrap_or_default();
                ("ok", words.succeeded, words.succeeded_note.fill("status", status))
            }
        },
    };
    let unverified = TestState::NotSent { not_sent_reason: NotSentReason::EndpointUnverified };
    let needs_handshake = test.state == unverified;
    let shown = match &test.state {
        TestState::Done { attempt, request } => Some(Shown::new(&visitor, &endpoint, attempt, request)?),
        TestState::Pending | TestState::NotSent { .. } => None,
    };
    let list_title = words::Words::of(visitor.language()).title;
    let shell = Shell::new(&visitor, AREA, words.result_title.fill("type", test.event_type));
    page(&ResultPage { shell, words, list_title, endpoint, path, test, tone, state, meaning, needs_handshake, shown })
}

/// The secrets of the endpoint that are sent with each request, as sentences.
fn also_sent(endpoint: &Endpoint, words: &Words) -> Vec<String> {
    let names = &endpoint.header_names;
    let headers = (!names.is_empty()).then(|| words.own_headers.fill("names", names.join(", ")));
    let token = endpoint.oauth2.as_ref().map(|_| words.own_token.to_owned());
    let certificate = endpoint.client_certificate.as_ref().map(|_| words.own_certificate.to_owned());
    [headers, token, certificate].into_iter().flatten().collect()
}

impl Shown {
    fn new(visitor: &Visitor, endpoint: &Endpoint, attempt: &Attempt, request: &SentRequest) -> Result<Self, Problem> {
        let (words, language) = (Words::of(visitor.language()), visitor.language());
        let attempts = attempt_words::Words::of(language);
        let bar = attempts.bar(attempt.phases);
        Ok(Self {
            failure: Failure::of_attempt(attempt, language),
            status_label: attempts.status_label(attempt),
            phases: bar.map(|bar| part(&bar)).transpose()?,
            duration: grouped(attempt.duration_ms.into()),
            attempt: attempt.clone(),
            request: request.clone(),
            also_sent: also_sent(endpoint, words),
            command: curl::command(&endpoint.url, request.headers(), request.body()),
        })
    }

    /// Whether the receiver answered.
    const fn is_answered(&self) -> bool {
        self.attempt.status.is_some() && !attempt_words::ended_at_token_server(&self.attempt)
    }

    /// Whether the receiver's code may have rejected the signature.
    fn may_be_signature(&self) -> bool {
        self.is_answered() && self.attempt.status.is_some_and(|status| (400..500).contains(&status))
    }
}

//! One delivery: what happened to it, why it failed, what was sent, and a button that sends it again.

use askama::Template;
use domain::foundation::id::DeliveryId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::DeliveryState;

use crate::http::form::Form;
use crate::http::pairs::Pairs;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page_with, part};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::attempt_words::{self, Failure};
use crate::layout::delivery_words;
use crate::layout::endpoint_names::Endpoint;
use crate::layout::shell::Shell;
use crate::layout::time::grouped;
use crate::layout::translations::Fill;
use crate::pages::deliveries::sent::Sent;
use crate::pages::deliveries::timeline::Timeline;
use crate::pages::deliveries::view::Delivery;
use crate::pages::deliveries::words::{Done, Words};
use crate::pages::deliveries::{AREA, LIST, path_of};

#[derive(Template)]
#[template(path = "deliveries/delivery.html")]
struct DeliveryPage {
    shell: Shell,
    words: &'static Words,
    states: &'static delivery_words::Words,
    form: Form,
    delivery: Delivery,
    /// `None`: it was deleted.
    endpoint: Option<Endpoint>,
    timeline: Timeline,
    last: Option<Last>,
    sent: Option<Sent>,
}

/// The last attempt or replay.
struct Last {
    attempt: Attempt,
    status_label: &'static str,
    /// The durations of its phases as a bar.
    bar: Option<String>,
    /// Why it failed, if it did.
    failure: Option<Failure>,
}

/// What a person can do about the delivery.
enum Action {
    /// Wait, because sending continues without help.
    Wait,
    /// Send it again.
    Send,
    /// Others can send it again.
    OthersMay,
    /// It cannot be sent again.
    Nothing { reason: &'static str },
}

impl DeliveryPage {
    fn action(&self) -> Action {
        if !self.delivery.state.is_final() {
            Action::Wait
        } else if self.delivery.erased_at.is_some() {
            Action::Nothing { reason: self.words.erased }
        } else if self.endpoint.is_none() {
            Action::Nothing { reason: self.words.endpoint_gone }
        } else if self.shell.may(Scope::DeliveriesReplay) {
            Action::Send
        } else {
            Action::OthersMay
        }
    }

    /// The class of the card that says what the state means.
    const fn notice(&self) -> &'static str {
        match self.delivery.state {
            DeliveryState::Delivered => "notice good",
            DeliveryState::Waiting | DeliveryState::Held => "notice caution",
            DeliveryState::Failed | DeliveryState::Expired => "notice",
            DeliveryState::Queued | DeliveryState::Cancelled => "",
        }
    }

    /// Why the webhook is not delivered yet or failed.
    fn failure(&self) -> Option<&Failure> {
        self.last.as_ref()?.failure.as_ref().filter(|_| self.delivery.state != DeliveryState::Delivered)
    }

    /// Whether the last attempt came as far as sending the request.
    fn reached_server(&self) -> bool {
        let reason = self.last.as_ref().and_then(|last| last.attempt.reason);
        match reason {
            Some(
                FailureReason::Dns
                | FailureReason::BlockedAddress
                | FailureReason::Refused
                | FailureReason::ConnectTimeout
                | FailureReason::Tls
                | FailureReason::CertificateExpired
                | FailureReason::CertificateNotYetValid
                | FailureReason::CertificateWrongHost
                | FailureReason::CertificateSelfSigned
                | FailureReason::CertificateUnknownIssuer
                | FailureReason::ClientCertificateRequired
                | FailureReason::ClientCertificateRejected
                | FailureReason::TokenUnreachable
                | FailureReason::TokenRefused
                | FailureReason::TokenInvalid,
            ) => false,
            Some(
                FailureReason::Status
                | FailureReason::Redirect
                | FailureReason::Timeout
                | FailureReason::ConnectionLost
                | FailureReason::InvalidResponse
                | FailureReason::TooLarge,
            )
            | None => true,
        }
    }

    fn more_steps(&self) -> String {
        self.words.more_steps.fill("count", self.timeline.folded.len())
    }

    fn is_delivered(&self) -> bool {
        self.delivery.state == DeliveryState::Delivered
    }

    /// The form that sends all failed webhooks of the endpoint again, from this one on.
    fn replay_path(&self) -> Option<String> {
        let form = Pairs::default().and("state", self.delivery.state).and("endpointId", self.delivery.endpoint_id);
        let path = form.and("from", minute(self.delivery.accepted_at())).href("/replays/new");
        (self.delivery.state == DeliveryState::Failed).then_some(path)
    }

    /// The page that finds out why a webhook does not verify.
    fn verification_path(&self) -> Option<String> {
        self.endpoint.as_ref().map(|endpoint| format!("{}/verify", endpoint.path()))
    }
}

/// Shows a delivery.
pub(super) async fn show(visitor: Visitor, Id(id): Id<DeliveryId>) -> PageResult {
    let form = Form::new(&visitor);
    respond(&visitor, id, form).await
}

/// Sends an ended delivery again.
pub(super) async fn replay(visitor: Visitor, Id(id): Id<DeliveryId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/replay", path_of(id))).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Queued),
        Err(problem) => respond(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn respond(visitor: &Visitor, id: DeliveryId, form: Form) -> PageResult {
    let (delivery, endpoint, sent) =
        tokio::try_join!(read(visitor, id), Endpoint::read(visitor, id.endpoint), Sent::read(visitor, id))?;
    let words = Words::of(visitor.language());
    let states = delivery_words::Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let title = match &delivery.submission_id {
        Some(submission) => format!("{} · {submission}", delivery.event_type),
        None => delivery.event_type.to_string(),
    };
    let max_attempts = visitor.max_attempts();
    let page = DeliveryPage {
        shell: Shell::new(visitor, AREA, title).with_form(&form).with_notice(notice),
        words,
        states,
        timeline: Timeline::of(&delivery, max_attempts, words, states),
        last: delivery.last_sent().map(|attempt| Last::of(attempt, visitor)).transpose()?,
        delivery,
        endpoint,
        sent,
        form,
    };
    page_with(page.form.status(), &page)
}

async fn read(visitor: &Visitor, id: DeliveryId) -> Result<Delivery, Problem> {
    visitor.api().get(&path_of(id)).await?.json()
}

impl Last {
    /// What the receiver answered.
    fn answer(&self) -> Option<&str> {
        attempt_words::answer(&self.attempt)
    }

    /// Whether the receiver answered. If its answer has no text, the page shows a note.
    const fn is_answered(&self) -> bool {
        self.attempt.status.is_some() && !attempt_words::ended_at_token_server(&self.attempt)
    }

    /// The duration in milliseconds.
    fn duration(&self) -> String {
        grouped(self.attempt.duration_ms.into())
    }

    fn of(attempt: &Attempt, visitor: &Visitor) -> Result<Self, Problem> {
        let words = attempt_words::Words::of(visitor.language());
        let bar = words.bar(attempt.phases).map(|bar| part(&bar)).transpose()?;
        let failure = Failure::of_attempt(attempt, visitor.language());
        Ok(Self { attempt: attempt.clone(), status_label: words.status_label(attempt), bar, failure })
    }
}

/// The minute of a time as an input shows it: `2026-11-22T08:30`.
fn minute(at: Timestamp) -> String {
    at.to_string()[..16].to_owned()
}

//! What happened to a delivery, step by step: accepted, each attempt, each replay, and what comes next.

use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::delivery::{DeliveryState, ReplayOutcome};

use crate::layout::attempt_words;
use crate::layout::delivery_words;
use crate::layout::translations::Fill;
use crate::pages::deliveries::view::Delivery;
use crate::pages::deliveries::words::Words;

/// Steps that are shown without folding. More are folded, except the first and the last ones.
const MAX_UNFOLDED: usize = 7;
const SHOWN_FIRST: usize = 2;
const SHOWN_LAST: usize = 3;

/// The steps of a delivery in their order.
pub(super) struct Timeline {
    pub(super) first: Vec<Step>,
    /// Steps that a person has to unfold.
    pub(super) folded: Vec<Step>,
    pub(super) last: Vec<Step>,
}

/// One step.
pub(super) struct Step {
    /// The class of the line's dot: `is-ok`, `is-bad`, `is-next`, or none.
    pub(super) class: &'static str,
    pub(super) at: Option<Timestamp>,
    /// What happened, in a few words.
    pub(super) title: String,
    /// The result; empty if there is none.
    pub(super) result: String,
    /// What the receiver answered.
    pub(super) answer: Option<String>,
}

impl Timeline {
    /// The steps of `delivery`, which has at most `max_attempts` attempts.
    pub(super) fn of(delivery: &Delivery, max_attempts: usize, words: &Words, states: &delivery_words::Words) -> Self {
        let mut first = vec![Step::new("is-ok", Some(delivery.accepted_at()), words.accepted)];
        first.extend(
            delivery
                .attempts
                .iter()
                .map(|attempt| Step::attempt(attempt, words.attempt.fill("number", attempt.number), states)),
        );
        first.extend(delivery.replays.iter().map(|replayed| match &replayed.outcome {
            ReplayOutcome::Sent(attempt) => Step::attempt(attempt, words.sent_again.to_owned(), states),
            ReplayOutcome::Skipped { at, reason } => {
                Step { result: words.skipped(*reason).to_owned(), ..Step::new("", Some(*at), words.not_sent_again) }
            }
        }));
        first.extend(Step::next(delivery, max_attempts, words, states));
        let (mut folded, mut last) = (Vec::new(), Vec::new());
        if first.len() > MAX_UNFOLDED {
            last = first.split_off(first.len() - SHOWN_LAST);
            folded = first.split_off(SHOWN_FIRST);
        }
        Self { first, folded, last }
    }
}

impl Step {
    fn new(class: &'static str, at: Option<Timestamp>, title: impl Into<String>) -> Self {
        Self { class, at, title: title.into(), result: String::new(), answer: None }
    }

    fn attempt(attempt: &Attempt, title: String, states: &delivery_words::Words) -> Self {
        let class = if attempt.succeeded() { "is-ok" } else { "is-bad" };
        let answer = attempt_words::answer(attempt).map(str::to_owned);
        Self { result: states.result(attempt), answer, ..Self::new(class, Some(attempt.at), title) }
    }

    /// What comes next, unless the webhook was delivered.
    fn next(delivery: &Delivery, max_attempts: usize, words: &Words, states: &delivery_words::Words) -> Option<Self> {
        let number = delivery.attempts.len() + 1;
        let next = words.next_attempt.fill("number", number).fill("max", max_attempts.max(number));
        let step = |title: &str| Self::new("is-next", None, title);
        match delivery.state {
            DeliveryState::Queued => Some(step(&next)),
            DeliveryState::Waiting => Some(Self { at: delivery.next_attempt_at, ..step(&next) }),
            DeliveryState::Held => {
                let reason = delivery.hold_reason.map_or("", |reason| states.held_short(reason));
                Some(Self { result: reason.to_owned(), ..step(states.held) })
            }
            DeliveryState::Failed => Some(step(words.no_more)),
            DeliveryState::Cancelled | DeliveryState::Expired => Some(step(states.state(delivery.state))),
            DeliveryState::Delivered => None,
        }
    }
}

//! Transitions of one delivery, and the tasks and reminders for its attempts.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::foundation::id::{EndpointId, EventId, ProjectId, ReplayId};
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;
use crate::webhooks::attempt::{Attempt, FailureReason, Phases};
use crate::webhooks::event::{Event, EventData, EventType};
use crate::webhooks::health::HoldReason;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn event(data: String) -> Event {
    Event {
        id: EventId::new(now(), &SystemRandom),
        project_id: ProjectId::new(now(), &SystemRandom),
        event_type: EventType::Approved,
        submission_id: None,
        sequence: None,
        occurred_at: now(),
        data: EventData::try_from(data).unwrap(),
    }
}

fn queued() -> Delivery {
    Delivery::queued(&event("{}".to_owned()), EndpointId::new(now(), &SystemRandom))
}

fn attempt(number: u8, reason: Option<FailureReason>) -> Attempt {
    Attempt { number, at: now(), duration_ms: 250, phases: Phases::default(), status: None, reason, response: None }
}

#[test]
fn a_message_does_not_carry_events_that_are_too_large_or_that_sqs_would_change() {
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let carries = |data: String| AttemptTask::first(&event(data), &[endpoint])[0].event.is_some();
    assert!(carries(r#"{"name":"한 😀"}"#.to_owned()));
    assert!(!carries("{\"name\":\"\u{fffe}\"}".to_owned()) && !carries("{\"name\":\"\u{ffff}\"}".to_owned()));
    assert!(!carries(format!(r#"{{"name":"{}"}}"#, "x".repeat(48 * 1024))));
}

#[test]
fn only_the_first_message_of_a_new_event_is_handled_without_reading_the_delivery() {
    let endpoint = EndpointId::new(now(), &SystemRandom);
    let again = AttemptTask::first(&event("{}".to_owned()), &[endpoint]).remove(0);
    let new = AttemptTask { is_new: true, ..again.clone() };
    let is_unrecorded = |task: &AttemptTask, seconds| {
        SendMessage::from(task.clone()).is_unrecorded(now().plus(Duration::from_secs(seconds)))
    };
    assert_eq!([0, 4, 5].map(|seconds| is_unrecorded(&new, seconds)), [true, true, false]);
    assert!(!is_unrecorded(&again, 0));
}

#[test]
fn a_replay_without_a_free_slot_is_delayed_five_times() {
    let delivery = queued();
    let first = ReplayTask::new(delivery.project_id, delivery.id, ReplayId::new(now(), &SystemRandom), true);
    let delays: Vec<u8> = std::iter::successors(first.delayed(), ReplayTask::delayed).map(|task| task.delays).collect();
    assert_eq!(delays, [1, 2, 3, 4, 5]);

    let message = serde_json::to_value(&first).unwrap();
    assert_eq!(message.get("delays"), None, "earlier versions send no number");
    assert_eq!(serde_json::from_value::<ReplayTask>(message).unwrap(), first);
}

#[test]
fn an_accepted_attempt_ends_the_delivery_as_delivered() {
    let delivery = queued().after(attempt(1, None), Some(Duration::from_secs(5)));
    assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Delivered, None));
}

#[test]
fn the_delay_after_a_failed_attempt_counts_from_its_end() {
    let delivery = queued().after(attempt(1, Some(FailureReason::Refused)), Some(Duration::from_secs(5)));
    let next = now().plus(Duration::from_millis(5250));
    assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Waiting, Some(next)));
}

#[test]
fn the_delivery_fails_with_its_last_attempt() {
    let delivery = queued().after(attempt(1, Some(FailureReason::Status)), None);
    assert_eq!((delivery.state, delivery.next_attempt_at), (DeliveryState::Failed, None));
}

#[test]
fn attempts_due_soon_get_a_message_and_later_ones_are_left_to_the_sweep() {
    let near = now().plus(Duration::from_secs(30));
    assert_eq!(
        remind(near, now()),
        Reminder { message_delay: Some(Duration::from_secs(30)), sweep_at: near.plus(SWEEP_GRACE) }
    );
    let far = now().plus(Duration::from_hours(1));
    assert_eq!(remind(far, now()), Reminder { message_delay: None, sweep_at: far.minus(SWEEP_AHEAD) });
}

#[test]
fn an_overdue_attempt_is_due_at_once() {
    let past = now().minus(Duration::from_mins(1));
    assert_eq!(
        remind(past, now()),
        Reminder { message_delay: Some(Duration::ZERO), sweep_at: now().plus(SWEEP_GRACE) }
    );
}

#[test]
fn the_sweep_repeats_the_message_for_an_overdue_attempt_less_and_less_often() {
    let (mut at, mut minutes) = (now(), Vec::new());
    while at <= now().plus(Duration::from_hours(1)) {
        at = remind(now(), at).sweep_at;
        minutes.push(at.since(now()).as_secs() / 60);
    }
    assert_eq!(minutes, [5, 10, 20, 40, 60, 80]);
}

#[test]
fn the_sweep_repeats_messages_for_deliveries_that_wait_in_a_row() {
    let queued = queued();
    let first = AttemptTask::first(&event("{}".to_owned()), &[queued.id.endpoint]).remove(0);
    let waiting = queued.clone().after(attempt(1, Some(FailureReason::Status)), Some(Duration::from_secs(5)));
    let held = waiting.clone().held(HoldReason::Busy);
    let released = queued.clone().held(HoldReason::Paused).released(now());
    let is_repeated = |task: &AttemptTask, stored| task.is_repeated_by_sweep(stored);

    assert!(!is_repeated(&first, None) && !is_repeated(&queued.next_task(), None));
    assert!(is_repeated(&waiting.next_task(), None) && is_repeated(&released.next_task(), None));
    assert!(is_repeated(&first, Some(&released)) && is_repeated(&waiting.next_task(), Some(&waiting)));
    assert!(!is_repeated(&waiting.next_task(), Some(&held)), "held deliveries are not in the index of the sweep");
}

#[test]
fn messages_of_the_previous_version_do_not_say_whether_there_is_a_row() {
    let mut message = serde_json::to_value(queued().held(HoldReason::Paused).next_task()).unwrap();
    assert_eq!(message["isStored"], true);
    message.as_object_mut().unwrap().remove("isStored");
    let task: AttemptTask = serde_json::from_value(message).unwrap();
    assert!(!task.is_stored);
}

proptest! {
    /// Messages may arrive in any order and any number of times.
    #[test]
    fn messages_in_any_order_never_count_an_attempt_twice(tasks in proptest::collection::vec((1_u8..6, any::<bool>()), 0..60)) {
        let mut delivery = queued();
        for (number, succeeds) in tasks {
            let before = delivery.clone();
            if !delivery.awaits(number) {
                continue;
            }
            prop_assert!(!before.state.is_final());
            let wait = (number < 4).then_some(Duration::from_secs(1));
            delivery = delivery.after(attempt(number, (!succeeds).then_some(FailureReason::Timeout)), wait);
        }
        let numbers: Vec<u8> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
        let expected: Vec<u8> = (1..=delivery.attempts_made()).collect();
        prop_assert_eq!(numbers, expected);
        prop_assert!(delivery.attempts_made() <= 4);
        prop_assert_eq!(delivery.next_attempt_at.is_some(), delivery.state == DeliveryState::Waiting);
    }
}

//! Reconciliation of lost deliveries.

use std::time::Duration;

use domain::foundation::clock::Clock as _;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::{Event, Sequence};
use domain::webhooks::health::HoldReason;

use crate::morning::Morning;

#[tokio::test]
async fn lost_first_messages_are_sent_again() {
    let morning = Morning::new().await;
    let (acme, without_readers) = (morning.project("Acme").await, morning.project("Without readers").await);
    morning.reader(acme, "ada@acme.example").await;
    let lost = morning.half_delivered(acme, "2026-11-21T23:59:59.999Z").await;
    let also_lost = morning.half_delivered(without_readers, "2026-11-20T00:00:00.000Z").await;
    let just_now = morning.half_delivered(acme, "2026-11-22T00:00:00.001Z").await;

    morning.schedule().await;
    let mut sent = morning.reconcile().await;
    sent.sort_by_key(|task| task.delivery_id);
    assert_eq!(sent, [also_lost.next_task(), lost.next_task()]);

    // Recorded deliveries are not sent again.
    for delivery in [lost, also_lost] {
        morning.database.store.deliveries.record_closed(&delivery.cancelled(morning.clock.now())).await.unwrap();
    }
    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [just_now.next_task()]);
}

#[tokio::test]
async fn an_event_whose_call_died_before_it_was_numbered_gets_its_number_unless_its_submission_was_erased() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let store = &morning.database.store;
    let [kept, erased] = ["kept", "erased"].map(|name| Morning::event_of(acme, name, "2026-11-21T12:00:00.000Z"));
    let endpoint = EndpointId::new(morning.clock.now(), &SystemRandom);
    for event in [&kept, &erased] {
        morning.database.accept(&Event { id: event.id.following(), ..event.clone() }, &[]).await;
        store.events.put(event, &[endpoint]).await.unwrap();
    }
    let unwanted = Morning::event_of(acme, "without-endpoints", "2026-11-21T13:00:00.000Z");
    store.events.put(&unwanted, &[]).await.unwrap();
    let submission = erased.submission_id.as_ref().unwrap();
    store.events.erase_submission(acme, submission, 10, morning.clock.now()).await.unwrap();

    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [Delivery::queued(&kept, endpoint).next_task()]);
    let number = async |event: &Event| store.events.get(acme, event.id).await.unwrap().unwrap().event.sequence;
    assert_eq!((number(&kept).await, number(&unwanted).await), (Some(Sequence::after(1)), Some(Sequence::after(0))));
    assert_eq!(store.events.get(acme, erased.id).await.unwrap(), None);
}

#[tokio::test]
async fn lost_deliveries_are_searched_for_as_long_as_their_reports_are_queued_and_then_left_to_the_sweep() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let too_old = morning.half_delivered(acme, "2026-11-17T23:59:59.999Z").await;
    let last_chance = morning.half_delivered(acme, "2026-11-18T00:00:00.000Z").await;
    let recent = morning.half_delivered(acme, "2026-11-19T08:00:00.000Z").await;
    let stored =
        async |delivery: &Delivery| morning.database.store.deliveries.recorded_now(acme, delivery.id).await.unwrap();

    morning.schedule().await;
    let sent = morning.reconcile().await;
    let due = last_chance.clone().released(morning.clock.now());
    assert_eq!(sent, [recent.next_task(), due.next_task()]);
    assert_eq!((stored(&too_old).await, stored(&last_chance).await, stored(&recent).await), (None, Some(due), None));

    // Its first message is lost again.
    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    let due = recent.clone().released(morning.clock.now());
    assert_eq!((morning.reconcile().await, stored(&recent).await), (vec![due.next_task()], Some(due)));
}

#[tokio::test]
async fn a_reconciliation_that_could_not_be_queued_is_queued_by_the_next_run() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let lost = morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await;
    // The first call queues the reports, the second the reconciliations.
    morning.queues.fail_call(2);
    morning.try_schedule().await.unwrap_err();
    assert_eq!(morning.reconcile().await, []);

    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [lost.next_task()]);
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
    morning.schedule().await;
    assert_eq!(morning.reconcile().await, []);
}

#[tokio::test]
async fn an_endpoint_with_held_deliveries_and_no_scheduled_check_gets_one() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let held = morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await.held(HoldReason::Failing);
    morning.database.store.deliveries.record_held(&held, morning.clock.now()).await.unwrap();
    let scheduled_at = async || morning.database.store.health.get_now(acme, held.id.endpoint).await.unwrap().sweep_at;
    assert_eq!(scheduled_at().await, None);

    morning.schedule().await;
    assert_eq!(morning.reconcile().await, []);
    assert_eq!(scheduled_at().await, Some(morning.clock.now()));
}

#[tokio::test]
async fn a_requested_day_is_reported_and_not_reconciled() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await;
    morning.request_day("2026-11-21").await.unwrap();
    assert_eq!(morning.reconcile().await, []);
}

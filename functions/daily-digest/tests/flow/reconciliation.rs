//! Reconciliation of lost deliveries.

use std::time::Duration;

use domain::foundation::clock::Clock as _;
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
        morning.database.store.deliveries.record_cancelled(&delivery.cancelled()).await.unwrap();
    }
    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [just_now.next_task()]);
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

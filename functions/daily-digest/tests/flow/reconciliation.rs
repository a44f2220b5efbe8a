//! The look for deliveries that were lost sight of.

use std::time::Duration;

use shared::clock::Clock as _;
use shared::delivery::HoldReason;

use crate::morning::Morning;

#[tokio::test]
async fn first_messages_that_were_lost_are_sent_anew() {
    let morning = Morning::new().await;
    let (acme, without_readers) = (morning.project("Acme").await, morning.project("Without readers").await);
    morning.reader(acme, "ada@acme.example").await;
    let lost = morning.half_delivered(acme, "2026-11-21T23:59:59.999Z").await;
    let also_lost = morning.half_delivered(without_readers, "2026-11-20T00:00:00.000Z").await;
    let just_now = morning.half_delivered(acme, "2026-11-22T00:00:00.001Z").await;

    morning.schedule().await;
    let mut sent = morning.reconcile().await;
    sent.sort_by_key(|nudge| nudge.delivery_id);
    assert_eq!(sent, [also_lost.next_nudge(), lost.next_nudge()]);

    // Once they are recorded, there is nothing left to send of them.
    for delivery in [lost, also_lost] {
        morning.database.activity.record_cancelled(&delivery.cancelled()).await.unwrap();
    }
    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [just_now.next_nudge()]);
}

#[tokio::test]
async fn a_look_that_was_not_queued_is_made_up_for_by_the_next_run_of_the_morning() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let lost = morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await;
    // First the reports are queued, then the looks.
    morning.jobs.fail_call(2);
    morning.try_schedule().await.unwrap_err();
    assert_eq!(morning.reconcile().await, []);

    morning.schedule().await;
    assert_eq!(morning.reconcile().await, [lost.next_nudge()]);
    assert_eq!((morning.work().await, morning.mailed().len()), (0, 1));
    morning.schedule().await;
    assert_eq!(morning.reconcile().await, []);
}

#[tokio::test]
async fn an_endpoint_that_nobody_looks_after_is_found_by_what_it_holds() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let held = morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await.held(HoldReason::Failing);
    morning.database.activity.record_held(&held, morning.clock.now()).await.unwrap();
    let looks_at = async || morning.database.activity.health_now(acme, held.id.endpoint).await.unwrap().sweep_at;
    assert_eq!(looks_at().await, None);

    morning.schedule().await;
    assert_eq!(morning.reconcile().await, []);
    assert_eq!(looks_at().await, Some(morning.clock.now()));
}

#[tokio::test]
async fn a_day_that_is_asked_for_is_only_reported() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.half_delivered(acme, "2026-11-21T08:00:00.000Z").await;
    morning.ask_for("2026-11-21").await.unwrap();
    assert_eq!(morning.reconcile().await, []);
}

//! Reports of projects with more deliveries than one message counts.

use std::time::Duration;

use aws::store::build_report;
use domain::foundation::clock::Clock as _;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::reports::digest::DigestJob;
use domain::reports::report::{ReportJob, ReportView};
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use serde_json::json;

use crate::morning::{Morning, Numbers, attempt, day, failed_messages, timestamp};

/// A project with 120 deliveries of the day, most of them within a minute, and 12 late ones of the two days before.
async fn busy_project(morning: &Morning) -> ProjectId {
    let acme = morning.project("Acme").await;
    for number in 0..60 {
        let seconds = if number % 3 == 0 { number * 1200 } else { 40_000 + number };
        let at = day("2026-11-21").start().plus(Duration::from_secs(seconds));
        let queued = morning.half_delivered(acme, &at.to_string()).await;
        if number % 5 == 0 {
            let failed =
                queued.after(attempt(at, Some(503), Some(FailureReason::Status)), Some(Duration::from_hours(30)));
            morning.database.store.deliveries.record(&failed, failed.next_attempt_at).await.unwrap();
        }
    }
    for number in 0..12 {
        let accepted_at = timestamp("2026-11-19T12:00:00Z").plus(Duration::from_hours(number * 3));
        let queued = morning.half_delivered(acme, &accepted_at.to_string()).await;
        let first = attempt(accepted_at, Some(400), Some(FailureReason::Status));
        let tried = queued.after(first, Some(Duration::from_hours(20)));
        morning.database.store.deliveries.record(&tried, tried.next_attempt_at).await.unwrap();
        let last = second_attempt(day("2026-11-21").start().plus(Duration::from_hours(number)), number % 4 == 0);
        morning.database.store.deliveries.record(&tried.after(last, None), None).await.unwrap();
    }
    acme
}

fn second_attempt(at: Timestamp, succeeds: bool) -> Attempt {
    let reason = (!succeeds).then_some(FailureReason::Status);
    Attempt { number: 2, ..attempt(at, Some(if succeeds { 204 } else { 400 }), reason) }
}

/// The report as one message without a limit would build it.
async fn expected(morning: &Morning, project: ProjectId) -> ReportView {
    build_report(&morning.database.store, project, day("2026-11-21"), &*morning.clock).await.unwrap()
}

/// Processes one message, and returns whether it goes back to the queue.
async fn process(morning: &Morning, job: DigestJob) -> bool {
    let records = json!([{ "messageId": "one", "body": json!(job).to_string() }]);
    !failed_messages(morning.digest.handle(json!({ "Records": records })).await.unwrap()).is_empty()
}

#[tokio::test]
async fn a_large_report_is_counted_in_slices_and_mailed_once() {
    let mut morning = Morning::new().await;
    let acme = busy_project(&morning).await;
    morning.reader(acme, "ada@acme.example").await;
    let expected = expected(&morning, acme).await;
    assert_eq!(
        (expected.totals.deliveries, expected.earlier_days.deliveries, expected.earlier_days.failed),
        (120, 12, 9)
    );

    morning.digest.max_slice_rows = 25;
    morning.schedule().await;
    let mut messages = 0;
    loop {
        let next = morning.queues.mail_jobs.lock().unwrap().pop();
        let Some(job) = next else { break };
        messages += 1;
        assert!(!process(&morning, job).await);
    }
    assert!((8..60).contains(&messages), "{messages} messages");
    let kept = morning.database.store.reports.kept(acme, day("2026-11-21")).await.unwrap().unwrap();
    assert_eq!(kept, ReportView { as_of: kept.as_of, ..expected });
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
}

#[tokio::test]
async fn a_small_report_takes_one_message() {
    let morning = Morning::new().await;
    let acme = busy_project(&morning).await;
    morning.reader(acme, "ada@acme.example").await;
    morning.schedule().await;
    assert_eq!((morning.process_jobs().await, morning.queues.mail_jobs.lock().unwrap().len()), (0, 0));
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
}

#[tokio::test]
async fn slices_that_fail_or_repeat_in_any_order_count_every_delivery_once() {
    for seed in 0..15 {
        let mut morning = Morning::new().await;
        let acme = busy_project(&morning).await;
        morning.reader(acme, "ada@acme.example").await;
        let expected = expected(&morning, acme).await;
        let mut numbers = Numbers::new(seed);
        morning.digest.max_slice_rows = 5 + numbers.below(30);
        morning.schedule().await;
        let mut steps = 0;
        loop {
            let jobs = std::mem::take(&mut *morning.queues.mail_jobs.lock().unwrap());
            if jobs.is_empty() {
                break;
            }
            steps += 1;
            assert!(steps < 2000, "seed {seed}: messages pile up");
            let chosen = usize::try_from(numbers.below(jobs.len() as u64)).unwrap();
            let (job, rest) = (jobs[chosen], jobs.iter().enumerate().filter(|(index, _)| *index != chosen));
            let mut again: Vec<DigestJob> = rest.map(|(_, job)| *job).collect();
            // One in eight messages is delivered twice, also at the same time, and one in eight dies before it sends the next
            // ones.
            let fate = numbers.below(16);
            if fate < 2 {
                morning.queues.fail_call(1);
            }
            let returns = if fate == 2 {
                let (first, second) = tokio::join!(process(&morning, job), process(&morning, job));
                first || second
            } else {
                process(&morning, job).await
            };
            morning.queues.fail_call(0);
            if returns || (fate == 3 && steps < 500) {
                again.push(job);
            }
            if returns {
                morning.wait(Duration::from_mins(30));
            }
            morning.queues.mail_jobs.lock().unwrap().extend(again);
        }
        let kept = morning.database.store.reports.kept(acme, day("2026-11-21")).await.unwrap().unwrap();
        assert_eq!(kept, ReportView { as_of: kept.as_of, ..expected }, "seed {seed}");
        assert_eq!(morning.mailed(), ["ada@acme.example"], "seed {seed}");
    }
}

#[tokio::test]
async fn a_preview_of_a_large_day_is_counted_apart_from_its_report() {
    let mut morning = Morning::new().await;
    let acme = busy_project(&morning).await;
    morning.reader(acme, "ada@acme.example").await;
    morning.digest.max_slice_rows = 25;
    morning.clock.set(timestamp("2026-11-21T23:00:00Z"));
    for _ in 0..2 {
        morning.request_day("2026-11-21").await.unwrap();
        while !morning.queues.mail_jobs.lock().unwrap().is_empty() {
            assert_eq!(morning.process_jobs().await, 0);
        }
        assert_eq!(morning.mailed().len(), 1);
        morning.wait(Duration::from_mins(1));
    }
    let date = day("2026-11-21");
    assert_eq!(morning.database.store.reports.kept(acme, date).await.unwrap(), None);
    morning.clock.set(timestamp("2026-11-22T00:10:00Z"));
    let late = morning.half_delivered(acme, "2026-11-21T23:30:00Z").await;
    morning.queues.mail_jobs.lock().unwrap().push(DigestJob::Report(ReportJob::new(acme, date, None)));
    while !morning.queues.mail_jobs.lock().unwrap().is_empty() {
        assert_eq!(morning.process_jobs().await, 0);
    }
    let kept = morning.database.store.reports.kept(acme, date).await.unwrap().unwrap();
    assert_eq!((kept.totals.deliveries, kept.as_of.day()), (122, morning.clock.now().day()), "{}", late.id);
}

#[tokio::test]
async fn a_delivery_whose_last_attempt_was_not_recorded_is_not_reported_as_ended() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let queued = morning.half_delivered(acme, "2026-11-20T12:00:00Z").await;
    let first = attempt(timestamp("2026-11-20T12:00:00Z"), Some(400), Some(FailureReason::Status));
    let tried: Delivery = queued.after(first, Some(Duration::from_hours(30)));
    morning.database.store.deliveries.record(&tried, tried.next_attempt_at).await.unwrap();
    // The sender died between the late row and the row of the delivery, and the attempt was made again a day later.
    let lost = tried.clone().after(second_attempt(timestamp("2026-11-21T18:00:00Z"), false), None);
    morning.database.store.deliveries.note_late(&lost).await.unwrap();
    let before = expected(&morning, acme).await;
    let repeated = tried.after(second_attempt(timestamp("2026-11-22T00:05:00Z"), true), None);
    morning.database.store.deliveries.record(&repeated, None).await.unwrap();
    let after = expected(&morning, acme).await;

    assert_eq!((before.ended.failed, before.attempts.made, before.earlier_days.still_trying), (0, 0, 1));
    assert_eq!((after.ended.failed, after.attempts.made, after.earlier_days.delivered), (0, 0, 1));
    let next = build_report(&morning.database.store, acme, day("2026-11-22"), &*morning.clock).await.unwrap();
    assert_eq!((next.ended.delivered, next.attempts.made, next.earlier_days.delivered), (1, 1, 1));
}

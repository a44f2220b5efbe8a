//! Which days are reported, and what each report contains.

use std::time::Duration;

use daily_digest::{DigestError, RunResult};
use domain::foundation::clock::Clock as _;
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey, ProjectKey};
use domain::projects::project::QuietDays;

use crate::morning::{Morning, Numbers, day};

#[tokio::test]
async fn a_preview_of_today_is_mailed_each_time_and_does_not_replace_the_report() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    for _ in 0..2 {
        morning.request_day("2026-11-22").await.unwrap();
        assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
        morning.wait(Duration::from_mins(1));
    }

    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn a_requested_day_is_mailed_once() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    for mails in [1, 0] {
        morning.request_day("2026-11-19").await.unwrap();
        assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, mails));
    }
    assert!(matches!(morning.request_day("2026-11-23").await, Err(DigestError::Trigger(_))));
}

#[tokio::test]
async fn missed_days_are_mailed_oldest_first() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.schedule().await;
    morning.wait(Duration::from_hours(3 * 24));

    let missed = ["2026-11-22", "2026-11-23", "2026-11-24"].map(day).to_vec();
    assert_eq!(morning.schedule().await, RunResult::Queued { days: missed, reports: 3 });
    assert_eq!(morning.process_jobs().await, 0);
    let mails = std::mem::take(&mut morning.outbox.0.lock().unwrap().sent);
    let days: Vec<&str> = mails.iter().map(|(_, mail)| mail.subject.rsplit(" · ").next().unwrap()).collect();
    assert_eq!(days, ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"]);
}

#[tokio::test]
async fn the_next_run_continues_a_run_that_died() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.queues.fail_call(1);
    assert!(morning.try_schedule().await.is_err());
    assert_eq!(morning.schedule().await, RunResult::Queued { days: vec![day("2026-11-21")], reports: 1 });
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn a_project_without_mails_on_quiet_days_gets_one_when_there_is_news() {
    let morning = Morning::new().await;
    let (quiet, busy, expiring) = (
        morning.project_with("Quiet", QuietDays::None).await,
        morning.project_with("Busy", QuietDays::None).await,
        morning.project_with("Expiring", QuietDays::None).await,
    );
    morning.reader(quiet, "quiet@acme.example").await;
    morning.reader(busy, "busy@acme.example").await;
    morning.reader(expiring, "expiring@acme.example").await;
    morning.half_delivered(busy, "2026-11-21T12:00:00.000Z").await;
    let key = key_that_expires_in(&morning, expiring, Duration::from_hours(13 * 24));
    morning.database.store.api_keys.put(&key).await.unwrap();

    morning.schedule().await;
    assert_eq!(
        (morning.process_jobs().await, morning.mailed()),
        (0, vec!["busy@acme.example".to_owned(), "expiring@acme.example".to_owned()])
    );
}

#[tokio::test]
async fn a_report_names_api_keys_that_expire_soon() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let key = key_that_expires_in(&morning, acme, Duration::from_hours(24));
    morning.database.store.api_keys.put(&key).await.unwrap();

    morning.schedule().await;
    assert_eq!(morning.process_jobs().await, 0);
    let mails = morning.outbox.0.lock().unwrap();
    assert!(mails.sent[0].1.text.contains("deploy server"), "{}", mails.sent[0].1.text);
}

#[tokio::test]
async fn the_report_of_each_project_with_webhooks_is_kept() {
    let morning = Morning::new().await;
    let (acme, without_readers) = (morning.project("Acme").await, morning.project("Without readers").await);
    let quiet = morning.project("Quiet").await;
    for project in [acme, quiet] {
        morning.reader(project, "ada@acme.example").await;
    }
    for project in [acme, without_readers] {
        morning.half_delivered(project, "2026-11-21T12:00:00.000Z").await;
    }
    morning.schedule().await;
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 2));
    let mut kept = Vec::new();
    for project in [acme, without_readers, quiet] {
        let report = morning.database.store.reports.kept(project, day("2026-11-21")).await.unwrap();
        kept.push(report.map(|report| report.totals.deliveries));
    }
    assert_eq!(kept, [Some(2), Some(2), None]);
}

#[tokio::test]
async fn a_project_gets_its_report_at_its_own_hour() {
    let morning = Morning::new().await;
    let (acme, at_seven) = (morning.project("Acme").await, morning.project("At seven").await);
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(at_seven, "bob@acme.example").await;
    morning.set_report_hour(at_seven, Some(7)).await;
    let mut mailed = Vec::new();
    for hour in 0..24 {
        morning.schedule().await;
        assert_eq!(morning.process_jobs().await, 0);
        mailed.extend(morning.mailed().into_iter().map(|address| (hour, address)));
        morning.wait(Duration::from_hours(1));
    }
    assert_eq!(mailed, [(0, "ada@acme.example".to_owned()), (7, "bob@acme.example".to_owned())]);
}

#[tokio::test]
async fn changes_of_the_hour_and_missed_runs_cause_neither_a_missed_nor_a_second_mail() {
    for seed in 0..12 {
        let (morning, mut numbers) = (Morning::new().await, Numbers::new(seed));
        let acme = morning.project("Acme").await;
        morning.reader(acme, "ada@acme.example").await;
        let mut reported = Vec::new();
        for hour in 0..6 * 24 {
            if numbers.below(12) == 0 {
                let hour = u8::try_from(numbers.below(25)).ok().filter(|hour| *hour < 24);
                morning.set_report_hour(acme, hour).await;
            }
            // One run in ten does not take place, and one in ten dies after its first page.
            let fate = numbers.below(10);
            if fate > 0 {
                if fate == 1 {
                    morning.queues.fail_call(1);
                }
                let _ = morning.try_schedule().await;
                morning.queues.fail_call(0);
                assert_eq!(morning.process_jobs().await, 0, "seed {seed}, hour {hour}");
            }
            let sent = std::mem::take(&mut morning.outbox.0.lock().unwrap().sent);
            reported.extend(sent.iter().map(|(_, mail)| mail.subject.rsplit(" · ").next().unwrap().to_owned()));
            morning.wait(Duration::from_hours(1));
        }
        // The report of the last day may be due at an hour that was not reached.
        reported.sort_unstable();
        let expected = ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"];
        assert!(reported == expected || reported == expected[..5], "seed {seed}: {reported:?}");
    }
}

#[tokio::test]
async fn the_reconciliations_are_queued_once_a_day() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let lost = morning.half_delivered(acme, "2026-11-21T12:00:00.000Z").await;
    let mut sent = Vec::new();
    for _ in 0..24 {
        morning.schedule().await;
        sent.push(morning.reconcile().await.len());
        morning.wait(Duration::from_hours(1));
    }
    assert_eq!((sent[0], sent.iter().sum::<usize>()), (1, 1), "{}", lost.id);
}

fn key_that_expires_in(morning: &Morning, project: ProjectId, time: Duration) -> ProjectKey {
    let draft = Draft::parse(br#"{"name":"deploy server"}"#).unwrap();
    let (id, key) =
        (ApiKeyId::new(morning.clock.now(), &SystemRandom), ApiKey::generate(ApiKeyKind::Live, &SystemRandom));
    let created = NewApiKey::try_from(draft).unwrap().create(id, project, &key, &KeyBounds::operator()).unwrap();
    ProjectKey { expires_at: Some(morning.clock.now().plus(time)), ..created }
}

//! Which days are reported, and what each report contains.

use std::time::Duration;

use daily_digest::{DigestError, RunResult};
use domain::foundation::clock::Clock as _;
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, KeyBounds, NewApiKey, ProjectKey};
use domain::projects::project::QuietDays;

use crate::morning::{Morning, day};

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
async fn a_mailed_report_is_stored() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.half_delivered(acme, "2026-11-21T12:00:00.000Z").await;
    let kept = async || morning.database.store.digest.kept_report(acme, day("2026-11-21")).await.unwrap();
    morning.schedule().await;
    assert_eq!(kept().await, None);
    assert_eq!(morning.process_jobs().await, 0);
    assert!(kept().await.unwrap().contains(r#""deliveries":2"#));
}

fn key_that_expires_in(morning: &Morning, project: ProjectId, time: Duration) -> ProjectKey {
    let draft = Draft::parse(br#"{"name":"deploy server"}"#).unwrap();
    let (id, key) =
        (ApiKeyId::new(morning.clock.now(), &SystemRandom), ApiKey::generate(ApiKeyKind::Live, &SystemRandom));
    let created = NewApiKey::try_from(draft).unwrap().create(id, project, &key, &KeyBounds::operator()).unwrap();
    ProjectKey { expires_at: Some(morning.clock.now().plus(time)), ..created }
}

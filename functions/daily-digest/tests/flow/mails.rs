//! Each user gets each mail once, whatever fails.

use std::time::Duration;

use aws::store::Mailing;
use daily_digest::RunResult;
use domain::foundation::clock::Clock as _;
use domain::reports::digest::DigestJob;
use domain::reports::email_address::EmailAddress;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::NotificationUserState;
use domain::reports::report::MAIL_LEASE;
use domain::reports::suppression::{Suppression, SuppressionReason};
use serde_json::json;

use crate::morning::{Morning, day, failed_messages, ring};

#[tokio::test]
async fn a_user_gets_one_report_however_often_the_schedule_fires() {
    let morning = Morning::new().await;
    let (acme, other) = (morning.project("Acme").await, morning.project("Other").await);
    morning.project("Without readers").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bob@acme.example").await;
    morning.user(other, "eve@other.example", NotificationUserState::Unconfirmed).await;
    morning.half_delivered(acme, "2026-11-21T23:59:59.999Z").await;
    morning.half_delivered(acme, "2026-11-22T00:00:00.000Z").await;

    assert_eq!(morning.schedule().await, RunResult::Queued { days: vec![day("2026-11-21")], reports: 3 });
    assert_eq!(morning.schedule().await, RunResult::Queued { days: vec![], reports: 0 });
    morning.request_day("2026-11-21").await.unwrap();
    assert_eq!(morning.process_jobs().await, 0);
    {
        let mails = morning.outbox.0.lock().unwrap();
        let subjects: Vec<&str> = mails.sent.iter().map(|(_, mail)| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["⚠ 1 of 2 webhooks not delivered yet · Acme · 2026-11-21"; 2]);
    }
    assert_eq!(morning.mailed(), ["ada@acme.example", "bob@acme.example"]);

    morning.wait(MAIL_LEASE * 2);
    morning.request_day("2026-11-21").await.unwrap();
    assert_eq!(morning.process_jobs().await, 0);
    assert_eq!(morning.mailed(), [""; 0]);
}

#[tokio::test]
async fn a_mail_claimed_by_a_run_that_died_is_sent_after_the_lease() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let ada = morning.reader(acme, "ada@acme.example").await;
    morning.schedule().await;
    // The other run died between claiming the mail and sending it.
    let DigestJob::Report(job) = morning.queues.mail_jobs.lock().unwrap()[0] else { panic!("a report is queued") };
    morning.database.store.mails.claim(&Mailing::from(&job), ada, morning.clock.now()).await.unwrap();

    assert_eq!((morning.process_jobs().await, morning.mailed()), (1, vec![]));
    morning.wait(MAIL_LEASE);
    assert_eq!((morning.process_jobs().await, morning.mailed()), (0, vec!["ada@acme.example".to_owned()]));
}

#[tokio::test]
async fn a_rejected_address_does_not_stop_the_mails_to_others() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    for email in ["ada@acme.example", "bad@acme.example", "eve@acme.example"] {
        morning.reader(acme, email).await;
    }
    morning.outbox.0.lock().unwrap().rejected.insert("bad@acme.example".to_owned());
    morning.schedule().await;

    assert_eq!(morning.process_jobs().await, 1);
    assert_eq!(morning.mailed(), ["ada@acme.example", "eve@acme.example"]);
    morning.outbox.0.lock().unwrap().rejected.clear();
    assert_eq!((morning.process_jobs().await, morning.mailed()), (0, vec!["bad@acme.example".to_owned()]));
}

#[tokio::test]
async fn a_mail_without_a_response_from_ses_is_not_sent_again_before_its_lease_ends() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.outbox.0.lock().unwrap().unanswered.insert("ada@acme.example".to_owned());
    morning.schedule().await;

    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (1, 1));
    morning.outbox.0.lock().unwrap().unanswered.clear();
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (1, 0));
    // A mail may be sent twice only in this case, because it is unknown whether SES accepted the first.
    morning.wait(MAIL_LEASE);
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn a_notice_about_an_endpoint_is_mailed_to_each_confirmed_user_once() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let endpoint = morning.endpoint(acme).await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bad@acme.example").await;
    morning.user(acme, "eve@acme.example", NotificationUserState::Unconfirmed).await;
    morning.outbox.0.lock().unwrap().rejected.insert("bad@acme.example".to_owned());
    let job = morning.disable(acme, endpoint).await;
    morning.queues.mail_jobs.lock().unwrap().extend([job, job]);

    assert_eq!(morning.process_jobs().await, 2);
    {
        let mails = morning.outbox.0.lock().unwrap();
        assert_eq!(mails.sent[0].1.subject, "✗ Webhooks to hooks.acme.example have stopped · Acme");
    }
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
    morning.outbox.0.lock().unwrap().rejected.clear();
    assert_eq!((morning.process_jobs().await, morning.mailed()), (0, vec!["bad@acme.example".to_owned()]));
    // The endpoint is disabled again later, which is another notice.
    morning.resume(acme, endpoint).await;
    morning.wait(Duration::from_hours(1));
    let job = morning.disable(acme, endpoint).await;
    morning.queues.mail_jobs.lock().unwrap().push(job);
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 2));
}

#[tokio::test]
async fn no_notice_is_mailed_if_the_endpoint_was_resumed_or_deleted_in_the_meantime() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let (resumed, deleted) = (morning.endpoint(acme).await, morning.endpoint(acme).await);
    let jobs = [morning.disable(acme, resumed).await, morning.disable(acme, deleted).await];
    morning.resume(acme, resumed).await;
    morning.database.store.endpoints.delete(acme, deleted).await.unwrap();
    morning.queues.mail_jobs.lock().unwrap().extend(jobs);
    assert_eq!((morning.process_jobs().await, morning.mailed()), (0, vec![]));
}

#[tokio::test]
async fn an_unreadable_message_does_not_stop_the_others() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let job = json!({ "report": { "projectId": acme, "day": "2026-11-21" } }).to_string();
    let records = json!([
        { "messageId": "not-json", "body": "nonsense" },
        { "messageId": "no-body" },
        { "messageId": "good", "body": job },
    ]);
    let result = morning.digest.handle(json!({ "Records": records })).await.unwrap();
    assert_eq!(failed_messages(result), ["not-json", "no-body"]);
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
}

#[tokio::test]
async fn every_mail_contains_an_unsubscribe_link_of_its_recipient() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let ada = morning.reader(acme, "ada@acme.example").await;
    let endpoint = morning.endpoint(acme).await;
    morning.schedule().await;
    let job = morning.disable(acme, endpoint).await;
    morning.queues.mail_jobs.lock().unwrap().push(job);
    assert_eq!(morning.process_jobs().await, 0);

    let key = morning.database.store.link_keys.get(acme).await.unwrap().unwrap();
    let mails = morning.outbox.0.lock().unwrap();
    assert_eq!(mails.sent.len(), 2);
    for (_, mail) in &mails.sent {
        let url = mail.unsubscribe_url.as_deref().unwrap();
        let token = url.strip_prefix("https://api.example/unsubscribe/").unwrap();
        let key = key.open(&ring()).unwrap();
        let now = morning.clock.now();
        let link = MailLink::open(LinkPurpose::Unsubscribe, token, Some(&key), &ring(), now).unwrap();
        assert_eq!((link.project_id, link.user_id), (acme, ada));
    }
}

#[tokio::test]
async fn unsubscribed_suppressed_and_unconfirmed_users_get_no_mail() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.user(acme, "ada@acme.example", NotificationUserState::Unsubscribed).await;
    morning.user(acme, "bob@acme.example", NotificationUserState::Suppressed).await;
    morning.user(acme, "eve@acme.example", NotificationUserState::Unconfirmed).await;
    morning.schedule().await;
    assert_eq!((morning.process_jobs().await, morning.mailed()), (0, vec![]));
}

#[tokio::test]
async fn a_suppressed_address_gets_no_reports_or_notices_in_any_state_of_its_users() {
    let morning = Morning::new().await;
    let (acme, other) = (morning.project("Acme").await, morning.project("Other").await);
    for (email, reason) in [
        ("ada@acme.example", SuppressionReason::Complained),
        ("bob@acme.example", SuppressionReason::Bounced),
        ("eve@acme.example", SuppressionReason::Unsubscribed),
    ] {
        for project in [acme, other] {
            morning.reader(project, email).await;
        }
        let hashes = EmailAddress::try_from(email.to_owned()).unwrap().hashes();
        let suppression = Suppression { at: morning.clock.now(), reason };
        morning.database.store.suppressions.add(&hashes, acme, suppression).await.unwrap();
    }
    morning.reader(acme, "mia@acme.example").await;
    let endpoint = morning.endpoint(acme).await;
    let notice = morning.disable(acme, endpoint).await;
    morning.queues.mail_jobs.lock().unwrap().push(notice);
    morning.schedule().await;
    assert_eq!(morning.process_jobs().await, 0);
    // Eve has unsubscribed from Acme only.
    assert_eq!(morning.mailed(), ["eve@acme.example", "mia@acme.example", "mia@acme.example"]);
}

#[tokio::test]
async fn a_user_who_unsubscribes_during_the_run_gets_no_mail() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bob@acme.example").await;
    let users = morning.database.store.users.list(acme).await.unwrap();
    morning.outbox.0.lock().unwrap().unsubscribe = Some((morning.database.users.clone(), users));
    morning.schedule().await;
    assert_eq!((morning.process_jobs().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn two_concurrent_runs_mail_each_user_once() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    for number in 0..20 {
        morning.reader(acme, &format!("reader{number}@acme.example")).await;
    }
    let job = json!({ "report": { "projectId": acme, "day": "2026-11-21" } }).to_string();
    let batch = || json!({ "Records": [{ "messageId": "one", "body": job }] });
    let (first, second) = tokio::join!(morning.digest.handle(batch()), morning.digest.handle(batch()));
    assert!(first.is_ok() && second.is_ok());
    let mut mailed = morning.mailed();
    assert_eq!(mailed.len(), 20);
    mailed.dedup();
    assert_eq!(mailed.len(), 20);
    // A message returns to the queue if one run found mails claimed by the other. Its next run sends nothing.
    assert_eq!(failed_messages(morning.digest.handle(batch()).await.unwrap()), [""; 0]);
    assert_eq!(morning.mailed(), [""; 0]);
}

#[tokio::test]
async fn mails_that_exceed_the_rate_limit_of_ses_are_sent_later_and_each_user_gets_one() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    for number in 0..50 {
        morning.reader(acme, &format!("reader{number}@acme.example")).await;
    }
    morning.schedule().await;
    let mut mailed = Vec::new();
    for _ in 0..5 {
        morning.outbox.0.lock().unwrap().quota = Some(12);
        morning.process_jobs().await;
        mailed.extend(morning.mailed());
    }
    let mails = mailed.len();
    mailed.sort_unstable();
    mailed.dedup();
    assert_eq!((mails, mailed.len()), (50, 50));
}

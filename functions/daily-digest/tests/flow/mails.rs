//! One mail a reader about each thing, whatever goes wrong.

use std::time::Duration;

use daily_digest::Answer;
use serde_json::json;
use shared::aws::store::Mailing;
use shared::clock::Clock as _;
use shared::digest::DigestJob;
use shared::mail_link::{LinkPurpose, MailLink};
use shared::notification_user::NotificationUserState;
use shared::report::MAIL_LEASE;

use crate::morning::{Morning, day, failed_messages, ring};

#[tokio::test]
async fn a_reader_gets_one_mail_however_often_the_schedule_fires() {
    let morning = Morning::new().await;
    let (acme, other) = (morning.project("Acme").await, morning.project("Other").await);
    morning.project("Without readers").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bob@acme.example").await;
    morning.user(other, "eve@other.example", NotificationUserState::Unconfirmed).await;
    morning.half_delivered(acme, "2026-11-21T23:59:59.999Z").await;
    morning.half_delivered(acme, "2026-11-22T00:00:00.000Z").await;

    assert_eq!(morning.schedule().await, Answer::Queued { days: vec![day("2026-11-21")], reports: 2 });
    assert_eq!(morning.schedule().await, Answer::Queued { days: vec![], reports: 0 });
    morning.ask_for("2026-11-21").await.unwrap();
    assert_eq!(morning.work().await, 0);
    {
        let mails = morning.outbox.0.lock().unwrap();
        let subjects: Vec<&str> = mails.sent.iter().map(|(_, mail)| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["⚠ 1 of 2 webhooks not delivered yet · Acme · 2026-11-21"; 2]);
    }
    assert_eq!(morning.mailed(), ["ada@acme.example", "bob@acme.example"]);

    morning.wait(MAIL_LEASE * 2);
    morning.ask_for("2026-11-21").await.unwrap();
    assert_eq!(morning.work().await, 0);
    assert_eq!(morning.mailed(), [""; 0]);
}

#[tokio::test]
async fn the_mail_of_a_run_that_died_is_taken_over_after_the_lease() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let ada = morning.reader(acme, "ada@acme.example").await;
    morning.schedule().await;
    // The other run died between claiming the mail and sending it.
    let DigestJob::Report(job) = morning.jobs.mails.lock().unwrap()[0] else { panic!("a report is queued") };
    morning.database.activity.claim_mail(&Mailing::from(&job), ada, morning.clock.now()).await.unwrap();

    assert_eq!((morning.work().await, morning.mailed()), (1, vec![]));
    morning.wait(MAIL_LEASE);
    assert_eq!((morning.work().await, morning.mailed()), (0, vec!["ada@acme.example".to_owned()]));
}

#[tokio::test]
async fn one_failing_address_does_not_stop_the_others() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    for email in ["ada@acme.example", "bad@acme.example", "eve@acme.example"] {
        morning.reader(acme, email).await;
    }
    morning.outbox.0.lock().unwrap().refuses.insert("bad@acme.example".to_owned());
    morning.schedule().await;

    assert_eq!(morning.work().await, 1);
    assert_eq!(morning.mailed(), ["ada@acme.example", "eve@acme.example"]);
    morning.outbox.0.lock().unwrap().refuses.clear();
    assert_eq!((morning.work().await, morning.mailed()), (0, vec!["bad@acme.example".to_owned()]));
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_not_sent_again_before_the_lease_is_over() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.outbox.0.lock().unwrap().does_not_answer.insert("ada@acme.example".to_owned());
    morning.schedule().await;

    assert_eq!((morning.work().await, morning.mailed().len()), (1, 1));
    morning.outbox.0.lock().unwrap().does_not_answer.clear();
    assert_eq!((morning.work().await, morning.mailed().len()), (1, 0));
    // This is the one window in which a mail comes twice: nobody can tell whether SES had taken the first.
    morning.wait(MAIL_LEASE);
    assert_eq!((morning.work().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn what_happened_to_an_endpoint_is_mailed_to_each_confirmed_user_once() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let endpoint = morning.endpoint(acme).await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bad@acme.example").await;
    morning.user(acme, "eve@acme.example", NotificationUserState::Unconfirmed).await;
    morning.outbox.0.lock().unwrap().refuses.insert("bad@acme.example".to_owned());
    let job = morning.disable(acme, endpoint).await;
    morning.jobs.mails.lock().unwrap().extend([job, job]);

    assert_eq!(morning.work().await, 2);
    {
        let mails = morning.outbox.0.lock().unwrap();
        assert_eq!(mails.sent[0].1.subject, "✗ Webhooks to hooks.acme.example are stopped · Acme");
    }
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
    morning.outbox.0.lock().unwrap().refuses.clear();
    assert_eq!((morning.work().await, morning.mailed()), (0, vec!["bad@acme.example".to_owned()]));
    // What happens to it later is another matter.
    morning.resume(acme, endpoint).await;
    morning.wait(Duration::from_hours(1));
    let job = morning.disable(acme, endpoint).await;
    morning.jobs.mails.lock().unwrap().push(job);
    assert_eq!((morning.work().await, morning.mailed().len()), (0, 2));
}

#[tokio::test]
async fn nobody_is_told_of_an_endpoint_that_was_resumed_or_deleted_meanwhile() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let (resumed, deleted) = (morning.endpoint(acme).await, morning.endpoint(acme).await);
    let jobs = [morning.disable(acme, resumed).await, morning.disable(acme, deleted).await];
    morning.resume(acme, resumed).await;
    morning.database.settings.delete_endpoint(acme, deleted).await.unwrap();
    morning.jobs.mails.lock().unwrap().extend(jobs);
    assert_eq!((morning.work().await, morning.mailed()), (0, vec![]));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_spares_the_others() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    let job = json!({ "report": { "projectId": acme, "day": "2026-11-21" } }).to_string();
    let records = json!([
        { "messageId": "not-json", "body": "nonsense" },
        { "messageId": "no-body" },
        { "messageId": "good", "body": job },
    ]);
    let answer = morning.digest.handle(json!({ "Records": records })).await.unwrap();
    assert_eq!(failed_messages(answer), ["not-json", "no-body"]);
    assert_eq!(morning.mailed(), ["ada@acme.example"]);
}

#[tokio::test]
async fn every_mail_can_be_unsubscribed_by_its_reader() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    let ada = morning.reader(acme, "ada@acme.example").await;
    let endpoint = morning.endpoint(acme).await;
    morning.schedule().await;
    let job = morning.disable(acme, endpoint).await;
    morning.jobs.mails.lock().unwrap().push(job);
    assert_eq!(morning.work().await, 0);

    let mails = morning.outbox.0.lock().unwrap();
    assert_eq!(mails.sent.len(), 2);
    for (_, mail) in &mails.sent {
        let url = mail.unsubscribe_url.as_deref().unwrap();
        let token = url.strip_prefix("https://api.example/unsubscribe/").unwrap();
        let link = MailLink::open(LinkPurpose::Unsubscribe, token, &ring(), morning.clock.now()).unwrap();
        assert_eq!((link.project_id, link.user_id), (acme, ada));
    }
}

#[tokio::test]
async fn whoever_does_not_want_mails_gets_none() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.user(acme, "ada@acme.example", NotificationUserState::Unsubscribed).await;
    morning.user(acme, "bob@acme.example", NotificationUserState::Suppressed).await;
    morning.user(acme, "eve@acme.example", NotificationUserState::Unconfirmed).await;
    morning.schedule().await;
    assert_eq!((morning.work().await, morning.mailed()), (0, vec![]));
}

#[tokio::test]
async fn whoever_unsubscribes_while_others_are_mailed_gets_none() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    morning.reader(acme, "bob@acme.example").await;
    let users = morning.database.settings.notification_users(acme).await.unwrap();
    morning.outbox.0.lock().unwrap().unsubscribe = Some((morning.database.settings.clone(), users));
    morning.schedule().await;
    assert_eq!((morning.work().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn two_runs_at_once_mail_everybody_once() {
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
    // What one of them found claimed by the other comes again, and then there is nothing left to do.
    assert_eq!(failed_messages(morning.digest.handle(batch()).await.unwrap()), [""; 0]);
    assert_eq!(morning.mailed(), [""; 0]);
}

#[tokio::test]
async fn when_ses_takes_no_more_the_others_are_mailed_later_and_nobody_twice() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    for number in 0..50 {
        morning.reader(acme, &format!("reader{number}@acme.example")).await;
    }
    morning.schedule().await;
    let mut mailed = Vec::new();
    for _ in 0..5 {
        morning.outbox.0.lock().unwrap().takes = Some(12);
        morning.work().await;
        mailed.extend(morning.mailed());
    }
    let mails = mailed.len();
    mailed.sort_unstable();
    mailed.dedup();
    assert_eq!((mails, mailed.len()), (50, 50));
}

//! A morning's run from the schedule to the mails, against a real table; queue and mails are stood in for.

#![expect(clippy::unwrap_used, reason = "what a test needs and cannot have ends it")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daily_digest::{Answer, Digest, DigestError, DigestMailer, DigestQueue};
use serde_json::{Value, json};
use shared::address::AddressGuard;
use shared::aws::mail::MailError;
use shared::aws::queue::QueueError;
use shared::aws::store::Mailing;
use shared::aws::store::testing::Database;
use shared::clock::Clock;
use shared::delivery::{Attempt, Delivery, FailureReason, HoldReason, Nudge, Phases};
use shared::digest::{DigestJob, NoticeJob};
use shared::draft::Draft;
use shared::endpoint::NewEndpoint;
use shared::event::{Event, EventData, EventType};
use shared::id::{EndpointId, EventId, NotificationUserId, ProjectId};
use shared::key_ring::KeyRing;
use shared::notification_user::{EmailAddress, Language, NotificationUser, NotificationUserState};
use shared::project::{Mode, Name, Project};
use shared::random::SystemRandom;
use shared::report::MAIL_LEASE;
use shared::report_mail::Mail;
use shared::signature::SigningSecret;
use shared::time::Timestamp;

/// A clock that moves when a test says so.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Queues that keep what they were sent. Of jobs, only those that mail; the others are worked through when a test says so.
#[derive(Clone, Default)]
struct Jobs {
    mails: Arc<Mutex<Vec<DigestJob>>>,
    looks: Arc<Mutex<Vec<DigestJob>>>,
    nudges: Arc<Mutex<Vec<Nudge>>>,
}

impl DigestQueue for Jobs {
    async fn send(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        let is_look = |job: &&DigestJob| matches!(job, DigestJob::Reconcile(_));
        let (looks, mails): (Vec<&DigestJob>, Vec<&DigestJob>) = jobs.iter().partition(is_look);
        self.mails.lock().unwrap().extend(mails);
        self.looks.lock().unwrap().extend(looks);
        Ok(())
    }

    async fn nudge(&self, nudges: Vec<Nudge>) -> Result<(), QueueError> {
        self.nudges.lock().unwrap().extend(nudges);
        Ok(())
    }
}

/// A mail service that refuses some addresses, and sends to others without saying so.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Mails>>);

#[derive(Default)]
struct Mails {
    sent: Vec<(String, Mail)>,
    refuses: BTreeSet<String>,
    does_not_answer: BTreeSet<String>,
}

impl DigestMailer for Outbox {
    async fn send(&self, to: &EmailAddress, mail: &Mail) -> Result<(), MailError> {
        let mut mails = self.0.lock().unwrap();
        if mails.refuses.contains(to.as_str()) {
            return Err(MailError::Refused("MessageRejected".to_owned()));
        }
        mails.sent.push((to.as_str().to_owned(), mail.clone()));
        if mails.does_not_answer.contains(to.as_str()) {
            return Err(MailError::Unanswered("connection lost".into()));
        }
        Ok(())
    }
}

/// The morning of 22 November, ten past midnight.
struct Morning {
    database: Database,
    digest: Digest<Jobs, Outbox>,
    jobs: Jobs,
    outbox: Outbox,
    clock: Arc<HandClock>,
}

impl Morning {
    async fn new() -> Self {
        let (database, jobs, outbox) = (Database::start().await, Jobs::default(), Outbox::default());
        let clock = Arc::new(HandClock(AtomicI64::new(moment("2026-11-22T00:10:00Z").as_millis())));
        let digest = Digest::new(
            database.settings.clone(),
            database.activity.clone(),
            "30".parse().unwrap(),
            jobs.clone(),
            outbox.clone(),
            clock.clone(),
        );
        Self { database, digest, jobs, outbox, clock }
    }

    async fn project(&self, name: &str) -> ProjectId {
        let now = moment("2026-11-01T00:00:00Z");
        let name = Name::try_from(name.to_owned()).unwrap();
        let project = Project {
            id: ProjectId::new(now, &SystemRandom),
            name,
            mode: Mode::Live,
            logo_color: None,
            created_at: now,
            revision: 0,
        };
        self.database.settings.put_project(&project).await.unwrap();
        project.id
    }

    async fn user(&self, project_id: ProjectId, email: &str, state: NotificationUserState) -> NotificationUserId {
        let now = moment("2026-11-01T00:00:00Z");
        let user = NotificationUser {
            id: NotificationUserId::new(now, &SystemRandom),
            project_id,
            name: Name::try_from("Ada".to_owned()).unwrap(),
            email: EmailAddress::try_from(email.to_owned()).unwrap(),
            language: Language::En,
            state,
            created_at: now,
        };
        self.database.settings.put_notification_user(&user).await.unwrap();
        user.id
    }

    async fn reader(&self, project_id: ProjectId, email: &str) -> NotificationUserId {
        self.user(project_id, email, NotificationUserState::Confirmed).await
    }

    async fn endpoint(&self, project_id: ProjectId) -> EndpointId {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let draft = Draft::parse(br#"{"url":"https://hooks.acme.example/secret-path"}"#).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let (id, secret) = (EndpointId::new(self.clock.now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        self.database.settings.put_endpoint(&new.create(id, project_id, &secret, &ring, &SystemRandom)).await.unwrap();
        id
    }

    /// Has the endpoint's receiver say that it is gone, and answers what daily-digest is to tell of that.
    async fn disable(&self, project_id: ProjectId, endpoint_id: EndpointId) -> DigestJob {
        let gone = attempt(self.clock.now(), Some(410), Some(FailureReason::Status));
        let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
        let stored = self.database.activity.health_now(project_id, endpoint_id).await.unwrap();
        let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), None);
        self.database.activity.put_health(&disabled).await.unwrap();
        DigestJob::Notice(NoticeJob { project_id, endpoint_id, notice: *disabled.health.notices.last().unwrap() })
    }

    async fn resume(&self, project_id: ProjectId, endpoint_id: EndpointId) {
        let stored = self.database.activity.health_now(project_id, endpoint_id).await.unwrap();
        let resumed = stored.next(stored.health.clone().enabled(), None);
        self.database.activity.put_health(&resumed).await.unwrap();
    }

    /// An event of `at` for two endpoints, of which one has taken it; answers what is still to be delivered.
    async fn half_delivered(&self, project_id: ProjectId, at: &str) -> Delivery {
        let event = Event {
            id: EventId::new(moment(at), &SystemRandom),
            project_id,
            event_type: EventType::Approved,
            submission_id: None,
            occurred_at: moment(at),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        let endpoints = [1, 2].map(|_| EndpointId::new(moment(at), &SystemRandom));
        self.database.activity.put_event(&event, &endpoints).await.unwrap();
        let taken = attempt(moment(at), Some(204), None);
        let delivered = Delivery::queued(&event, endpoints[0]).after(taken, None);
        self.database.activity.record(&delivered, None).await.unwrap();
        Delivery::queued(&event, endpoints[1])
    }

    async fn schedule(&self) -> Answer {
        let event = include_str!("../../../events/daily-digest-schedule.json");
        self.digest.handle(serde_json::from_str(event).unwrap()).await.unwrap()
    }

    async fn ask_for(&self, day: &str) -> Result<Answer, DigestError> {
        self.digest.handle(json!({ "day": day })).await
    }

    /// Hands all queued jobs over in one batch, and puts back those that must come again. Tells how many did.
    async fn work(&self) -> usize {
        let jobs = std::mem::take(&mut *self.jobs.mails.lock().unwrap());
        let record = |(index, job): (usize, &DigestJob)| json!({ "messageId": index.to_string(), "body": json!(job).to_string() });
        let records: Vec<Value> = jobs.iter().enumerate().map(record).collect();
        let failed = failed_messages(self.digest.handle(json!({ "Records": records })).await.unwrap());
        let again = failed.iter().map(|message_id| jobs[message_id.parse::<usize>().unwrap()]);
        self.jobs.mails.lock().unwrap().extend(again);
        failed.len()
    }

    /// Works through the queued looks for lost deliveries; answers the nudges that were sent.
    async fn reconcile(&self) -> Vec<Nudge> {
        loop {
            let Some(look) = self.jobs.looks.lock().unwrap().pop() else { break };
            let records = json!([{ "messageId": "look", "body": json!(look).to_string() }]);
            let answer = self.digest.handle(json!({ "Records": records })).await.unwrap();
            assert_eq!(failed_messages(answer), [""; 0]);
        }
        std::mem::take(&mut *self.jobs.nudges.lock().unwrap())
    }

    /// Whom mails went to since the last time, by the alphabet.
    fn mailed(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.outbox.0.lock().unwrap().sent);
        let mut addresses: Vec<String> = sent.into_iter().map(|(to, _)| to).collect();
        addresses.sort_unstable();
        addresses
    }

    fn wait(&self, duration: Duration) {
        self.clock.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn attempt(at: Timestamp, status: Option<u16>, reason: Option<FailureReason>) -> Attempt {
    Attempt { number: 1, at, duration_ms: 80, phases: Phases::default(), status, reason, response: None }
}

fn failed_messages(answer: Answer) -> Vec<String> {
    let Answer::Worked(response) = answer else { panic!("messages were worked through") };
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

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

    let day = "2026-11-21".parse().unwrap();
    assert_eq!(morning.schedule().await, Answer::Queued { day, projects: 2 });
    assert_eq!(morning.schedule().await, Answer::Queued { day, projects: 2 });
    assert_eq!(morning.work().await, 0);
    {
        let mails = morning.outbox.0.lock().unwrap();
        let subjects: Vec<&str> = mails.sent.iter().map(|(_, mail)| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["⚠ 1 of 2 webhooks not delivered yet · Acme · 2026-11-21"; 2]);
    }
    assert_eq!(morning.mailed(), ["ada@acme.example", "bob@acme.example"]);

    morning.wait(MAIL_LEASE * 2);
    morning.schedule().await;
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
async fn a_preview_of_today_is_mailed_each_time_and_leaves_the_real_mail_to_come() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    for _ in 0..2 {
        morning.ask_for("2026-11-22").await.unwrap();
        assert_eq!((morning.work().await, morning.mailed().len()), (0, 1));
        morning.wait(Duration::from_mins(1));
    }

    morning.wait(Duration::from_hours(24));
    morning.schedule().await;
    assert_eq!((morning.work().await, morning.mailed().len()), (0, 1));
}

#[tokio::test]
async fn a_day_that_was_missed_is_caught_up_once() {
    let morning = Morning::new().await;
    let acme = morning.project("Acme").await;
    morning.reader(acme, "ada@acme.example").await;
    for mails in [1, 0] {
        morning.ask_for("2026-11-19").await.unwrap();
        assert_eq!((morning.work().await, morning.mailed().len()), (0, mails));
    }
    assert!(matches!(morning.ask_for("2026-11-23").await, Err(DigestError::Trigger(_))));
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
async fn first_messages_that_were_lost_are_sent_anew() {
    let morning = Morning::new().await;
    let (acme, without_readers) = (morning.project("Acme").await, morning.project("Without readers").await);
    morning.reader(acme, "ada@acme.example").await;
    let lost = morning.half_delivered(acme, "2026-11-21T23:59:59.999Z").await;
    let also_lost = morning.half_delivered(without_readers, "2026-11-20T00:00:00.000Z").await;
    morning.half_delivered(acme, "2026-11-22T00:00:00.001Z").await;

    morning.schedule().await;
    let mut sent = morning.reconcile().await;
    sent.sort_by_key(|nudge| nudge.delivery_id);
    assert_eq!(sent, [also_lost.next_nudge(), lost.next_nudge()]);

    // Once they are recorded, there is nothing left to send.
    for delivery in [lost, also_lost] {
        morning.database.activity.record_cancelled(&delivery.cancelled()).await.unwrap();
    }
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

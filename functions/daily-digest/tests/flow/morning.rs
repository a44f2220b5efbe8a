//! The morning of 22 November, ten past midnight, against a real table; queues and mails are stood in for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daily_digest::{Answer, Digest, DigestError, DigestMailer, DigestQueue};
use serde_json::{Value, json};
use shared::address::AddressGuard;
use shared::aws::mail::MailError;
use shared::aws::queue::QueueError;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Settings;
use shared::aws::store::testing::Database;
use shared::clock::Clock;
use shared::delivery::{Attempt, Delivery, FailureReason, Nudge, Phases};
use shared::digest::{DigestJob, NoticeJob};
use shared::draft::Draft;
use shared::endpoint::NewEndpoint;
use shared::event::{Event, EventData, EventType};
use shared::id::{EndpointId, EventId, NotificationUserId, ProjectId};
use shared::key_ring::KeyRing;
use shared::notification_user::{EmailAddress, Language, NotificationUser, NotificationUserState};
use shared::project::{Mode, Name, Project, QuietDays};
use shared::random::SystemRandom;
use shared::report_mail::Mail;
use shared::signature::SigningSecret;
use shared::time::{Timestamp, UtcDay};

/// A clock that moves when a test says so.
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Queues that keep what they were sent. Of jobs, only those that mail; the others are worked through when a test says so.
#[derive(Clone, Default)]
pub(crate) struct Jobs {
    pub(crate) mails: Arc<Mutex<Vec<DigestJob>>>,
    looks: Arc<Mutex<Vec<DigestJob>>>,
    nudges: Arc<Mutex<Vec<Nudge>>>,
    /// The number of the call that fails, counted from the next one as 1; zero if none does.
    fails: Arc<AtomicUsize>,
}

impl Jobs {
    /// Has a call fail: the next one is number 1.
    pub(crate) fn fail_call(&self, number: usize) {
        self.fails.store(number, Ordering::SeqCst);
    }
}

impl DigestQueue for Jobs {
    async fn send(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |number| number.checked_sub(1)) == Ok(1) {
            return Err(QueueError::Refused(jobs.len()));
        }
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
pub(crate) struct Outbox(pub(crate) Arc<Mutex<Mails>>);

#[derive(Default)]
pub(crate) struct Mails {
    pub(crate) sent: Vec<(String, Mail)>,
    pub(crate) refuses: BTreeSet<String>,
    pub(crate) does_not_answer: BTreeSet<String>,
    /// How many mails are taken before the next ones are too many.
    pub(crate) takes: Option<usize>,
    /// Who unsubscribes while the next mail is sent, and where that is noted.
    pub(crate) unsubscribe: Option<(Settings, Vec<NotificationUser>)>,
}

impl DigestMailer for Outbox {
    async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        let unsubscribe = self.0.lock().unwrap().unsubscribe.take();
        if let Some((settings, users)) = unsubscribe {
            for mut user in users {
                user.unsubscribe();
                settings.put_notification_user(&user).await.unwrap();
            }
        }
        let (mut mails, to) = (self.0.lock().unwrap(), to.email.as_str());
        if mails.takes == Some(0) {
            return Err(MailError::Refused("TooManyRequestsException".to_owned()));
        }
        mails.takes = mails.takes.map(|left| left - 1);
        if mails.refuses.contains(to) {
            return Err(MailError::Refused("MessageRejected".to_owned()));
        }
        mails.sent.push((to.to_owned(), mail.clone()));
        if mails.does_not_answer.contains(to) {
            return Err(MailError::Unanswered("connection lost".into()));
        }
        Ok(())
    }
}

/// The morning of 22 November, ten past midnight.
pub(crate) struct Morning {
    pub(crate) database: Database,
    pub(crate) digest: Digest<Jobs, Outbox>,
    pub(crate) jobs: Jobs,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<HandClock>,
}

impl Morning {
    pub(crate) async fn new() -> Self {
        let (database, jobs, outbox) = (Database::start().await, Jobs::default(), Outbox::default());
        let clock = Arc::new(HandClock(AtomicI64::new(moment("2026-11-22T00:10:00Z").as_millis())));
        let digest = Digest {
            settings: database.settings.clone(),
            activity: database.activity.clone(),
            retention: "30".parse().unwrap(),
            queue: jobs.clone(),
            mailer: outbox.clone(),
            key_ring: KeyRingSecret::known(ring()),
            api_base_url: "https://api.example".to_owned(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        Self { database, digest, jobs, outbox, clock }
    }

    pub(crate) async fn project(&self, name: &str) -> ProjectId {
        self.project_with(name, QuietDays::Mail).await
    }

    pub(crate) async fn project_with(&self, name: &str, quiet_days: QuietDays) -> ProjectId {
        let now = moment("2026-11-01T00:00:00Z");
        let name = Name::try_from(name.to_owned()).unwrap();
        let project = Project {
            id: ProjectId::new(now, &SystemRandom),
            name,
            mode: Mode::Live,
            logo_color: None,
            quiet_days,
            created_at: now,
            revision: 0,
        };
        self.database.settings.put_project(&project).await.unwrap();
        project.id
    }

    pub(crate) async fn user(
        &self,
        project_id: ProjectId,
        email: &str,
        state: NotificationUserState,
    ) -> NotificationUserId {
        let now = moment("2026-11-01T00:00:00Z");
        let user = NotificationUser {
            id: NotificationUserId::new(now, &SystemRandom),
            project_id,
            name: Name::try_from("Ada".to_owned()).unwrap(),
            email: EmailAddress::try_from(email.to_owned()).unwrap(),
            language: Language::En,
            state,
            suppression: None,
            asked_at: now,
            created_at: now,
        };
        self.database.settings.put_notification_user(&user).await.unwrap();
        user.id
    }

    pub(crate) async fn reader(&self, project_id: ProjectId, email: &str) -> NotificationUserId {
        self.user(project_id, email, NotificationUserState::Confirmed).await
    }

    pub(crate) async fn endpoint(&self, project_id: ProjectId) -> EndpointId {
        let draft = Draft::parse(br#"{"url":"https://hooks.acme.example/secret-path"}"#).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let (id, secret) = (EndpointId::new(self.clock.now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        self.database
            .settings
            .put_endpoint(&new.create(id, project_id, &secret, &ring(), &SystemRandom))
            .await
            .unwrap();
        id
    }

    /// Has the endpoint's receiver say that it is gone, and answers what daily-digest is to tell of that.
    pub(crate) async fn disable(&self, project_id: ProjectId, endpoint_id: EndpointId) -> DigestJob {
        let gone = attempt(self.clock.now(), Some(410), Some(FailureReason::Status));
        let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
        let stored = self.database.activity.health_now(project_id, endpoint_id).await.unwrap();
        let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), None);
        self.database.activity.put_health(&disabled).await.unwrap();
        DigestJob::Notice(NoticeJob { project_id, endpoint_id, notice: *disabled.health.notices.last().unwrap() })
    }

    pub(crate) async fn resume(&self, project_id: ProjectId, endpoint_id: EndpointId) {
        let stored = self.database.activity.health_now(project_id, endpoint_id).await.unwrap();
        let resumed = stored.next(stored.health.clone().enabled(), None);
        self.database.activity.put_health(&resumed).await.unwrap();
    }

    /// An event of `at` for two endpoints, of which one has taken it; answers what is still to be delivered.
    pub(crate) async fn half_delivered(&self, project_id: ProjectId, at: &str) -> Delivery {
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

    pub(crate) async fn schedule(&self) -> Answer {
        self.try_schedule().await.unwrap()
    }

    pub(crate) async fn try_schedule(&self) -> Result<Answer, DigestError> {
        let event = include_str!("../../../../events/daily-digest-schedule.json");
        self.digest.handle(serde_json::from_str(event).unwrap()).await
    }

    pub(crate) async fn ask_for(&self, day: &str) -> Result<Answer, DigestError> {
        self.digest.handle(json!({ "day": day })).await
    }

    /// Hands all queued jobs over in one batch, and puts back those that must come again. Tells how many did.
    pub(crate) async fn work(&self) -> usize {
        let jobs = std::mem::take(&mut *self.jobs.mails.lock().unwrap());
        let record = |(index, job): (usize, &DigestJob)| json!({ "messageId": index.to_string(), "body": json!(job).to_string() });
        let records: Vec<Value> = jobs.iter().enumerate().map(record).collect();
        let failed = failed_messages(self.digest.handle(json!({ "Records": records })).await.unwrap());
        let again = failed.iter().map(|message_id| jobs[message_id.parse::<usize>().unwrap()]);
        self.jobs.mails.lock().unwrap().extend(again);
        failed.len()
    }

    /// Works through the queued looks for lost deliveries; answers the nudges that were sent.
    pub(crate) async fn reconcile(&self) -> Vec<Nudge> {
        loop {
            let Some(look) = self.jobs.looks.lock().unwrap().pop() else { break };
            let records = json!([{ "messageId": "look", "body": json!(look).to_string() }]);
            let answer = self.digest.handle(json!({ "Records": records })).await.unwrap();
            assert_eq!(failed_messages(answer), [""; 0]);
        }
        std::mem::take(&mut *self.jobs.nudges.lock().unwrap())
    }

    /// Whom mails went to since the last time, by the alphabet.
    pub(crate) fn mailed(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.outbox.0.lock().unwrap().sent);
        let mut addresses: Vec<String> = sent.into_iter().map(|(to, _)| to).collect();
        addresses.sort_unstable();
        addresses
    }

    pub(crate) fn wait(&self, duration: Duration) {
        self.clock.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn attempt(at: Timestamp, status: Option<u16>, reason: Option<FailureReason>) -> Attempt {
    Attempt { number: 1, at, duration_ms: 80, phases: Phases::default(), status, reason, response: None }
}

pub(crate) fn failed_messages(answer: Answer) -> Vec<String> {
    let Answer::Worked(response) = answer else { panic!("messages were worked through") };
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

pub(crate) fn day(text: &str) -> UtcDay {
    text.parse().unwrap()
}

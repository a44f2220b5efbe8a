//! Fixtures: 00:10 UTC on 22 November, with an in-memory database, fake queues and a fake mailer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::queue::QueueError;
use aws::secrets::KeyRingSecret;
use aws::ses::MailError;
use aws::store::UserStore;
use aws::store::testing::Database;
use daily_digest::{Digest, DigestError, DigestMailer, DigestQueue, RunResult};
use domain::foundation::clock::{Clock as _, ManualClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, NotificationUserId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::language::Language;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::name::Name;
use domain::projects::project::{Mode, Project, ProjectChange, QuietDays};
use domain::reports::digest::{DigestJob, NoticeJob};
use domain::reports::email_address::EmailAddress;
use domain::reports::notification_user::{NotificationUser, NotificationUserState};
use domain::reports::report::MAX_SLICE_ROWS;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::delivery::{AttemptTask, Delivery};
use domain::webhooks::endpoint::NewEndpoint;
use domain::webhooks::event::{Event, EventData, EventType};
use domain::webhooks::signature::SigningSecret;
use mail::Mail;
use serde_json::{Value, json};

/// Queues that keep the jobs and tasks sent to them until a test processes them.
#[derive(Clone, Default)]
pub(crate) struct FakeQueues {
    /// Jobs of reports and notices.
    pub(crate) mail_jobs: Arc<Mutex<Vec<DigestJob>>>,
    reconciliations: Arc<Mutex<Vec<DigestJob>>>,
    tasks: Arc<Mutex<Vec<AttemptTask>>>,
    /// Number of the call of `send_jobs` that fails: 1 is the next call, 0 is none.
    failing_call: Arc<AtomicUsize>,
}

impl FakeQueues {
    /// Makes a call of `send_jobs` fail. Number 1 is the next call.
    pub(crate) fn fail_call(&self, number: usize) {
        self.failing_call.store(number, Ordering::SeqCst);
    }
}

impl DigestQueue for FakeQueues {
    async fn send_jobs(&self, jobs: &[DigestJob]) -> Result<(), QueueError> {
        if self.failing_call.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |number| number.checked_sub(1)) == Ok(1) {
            return Err(QueueError::Refused(jobs.len()));
        }
        let is_reconciliation = |job: &&DigestJob| matches!(job, DigestJob::Reconcile(_));
        let (reconciliations, mail_jobs): (Vec<&DigestJob>, Vec<&DigestJob>) = jobs.iter().partition(is_reconciliation);
        self.mail_jobs.lock().unwrap().extend(mail_jobs);
        self.reconciliations.lock().unwrap().extend(reconciliations);
        Ok(())
    }

    async fn send_tasks(&self, tasks: Vec<AttemptTask>) -> Result<(), QueueError> {
        self.tasks.lock().unwrap().extend(tasks);
        Ok(())
    }
}

/// A mail service that keeps the mails sent through it.
#[derive(Clone, Default)]
pub(crate) struct Outbox(pub(crate) Arc<Mutex<Mails>>);

#[derive(Default)]
pub(crate) struct Mails {
    pub(crate) sent: Vec<(String, Mail)>,
    /// Addresses that the service rejects.
    pub(crate) rejected: BTreeSet<String>,
    /// Addresses to which the service sends a mail and then loses the connection.
    pub(crate) unanswered: BTreeSet<String>,
    /// Number of mails that the service accepts before it throttles; `None` for no limit.
    pub(crate) quota: Option<usize>,
    /// Users who unsubscribe while the next mail is being sent, and the store that records it.
    pub(crate) unsubscribe: Option<(UserStore, Vec<NotificationUser>)>,
}

impl DigestMailer for Outbox {
    async fn send(&self, to: &NotificationUser, mail: &Mail) -> Result<(), MailError> {
        let unsubscribe = self.0.lock().unwrap().unsubscribe.take();
        if let Some((store, users)) = unsubscribe {
            for mut user in users {
                user.unsubscribe();
                store.put(&user).await.unwrap();
            }
        }
        let (mut mails, to) = (self.0.lock().unwrap(), to.email.as_str());
        if mails.quota == Some(0) {
            return Err(MailError::Refused("TooManyRequestsException".to_owned()));
        }
        mails.quota = mails.quota.map(|left| left - 1);
        if mails.rejected.contains(to) {
            return Err(MailError::Refused("MessageRejected".to_owned()));
        }
        mails.sent.push((to.to_owned(), mail.clone()));
        if mails.unanswered.contains(to) {
            return Err(MailError::Unanswered("connection lost".into()));
        }
        Ok(())
    }
}

/// daily-digest at 00:10 UTC on 22 November.
pub(crate) struct Morning {
    pub(crate) database: Database,
    pub(crate) digest: Digest<FakeQueues, Outbox>,
    pub(crate) queues: FakeQueues,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<ManualClock>,
}

impl Morning {
    pub(crate) async fn new() -> Self {
        let (database, queues, outbox) = (Database::start().await, FakeQueues::default(), Outbox::default());
        let clock = Arc::new(ManualClock::new(timestamp("2026-11-22T00:10:00Z")));
        let digest = Digest {
            store: database.store.clone(),
            retention: "30".parse().unwrap(),
            queue: queues.clone(),
            mailer: outbox.clone(),
            key_ring: KeyRingSecret::known(ring()),
            max_slice_rows: MAX_SLICE_ROWS,
            api_base_url: "https://api.example".to_owned(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        Self { database, digest, queues, outbox, clock }
    }

    pub(crate) async fn project(&self, name: &str) -> ProjectId {
        self.project_with(name, QuietDays::Mail).await
    }

    pub(crate) async fn project_with(&self, name: &str, quiet_days: QuietDays) -> ProjectId {
        let now = timestamp("2026-11-01T00:00:00Z");
        let name = Name::try_from(name.to_owned()).unwrap();
        let project = Project {
            id: ProjectId::new(now, &SystemRandom),
            name,
            mode: Mode::Live,
            logo_color: None,
            quiet_days,
            report_hour: None,
            report_hour_changed_at: None,
            created_at: now,
            revision: 0,
            changed_in: 0,
        };
        self.database.store.projects.put(&project).await.unwrap();
        project.id
    }

    /// Changes the hour of the project's report now.
    pub(crate) async fn set_report_hour(&self, project: ProjectId, hour: Option<u8>) {
        let body = json!({ "reportHour": hour }).to_string();
        let mut project = self.database.store.projects.get_now(project).await.unwrap().unwrap();
        let change = ProjectChange::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        project.apply(change, self.clock.now());
        self.database.store.projects.put(&project).await.unwrap();
    }

    pub(crate) async fn user(
        &self,
        project_id: ProjectId,
        email: &str,
        state: NotificationUserState,
    ) -> NotificationUserId {
        let now = timestamp("2026-11-01T00:00:00Z");
        let user = NotificationUser {
            id: NotificationUserId::new(now, &SystemRandom),
            project_id,
            name: Name::try_from("Ada".to_owned()).unwrap(),
            email: EmailAddress::try_from(email.to_owned()).unwrap(),
            language: Language::English,
            state,
            suppression: None,
            asked_at: now,
            confirmed_at: None,
            created_at: now,
            changed_in: 0,
        };
        self.database.store.users.put(&user).await.unwrap();
        user.id
    }

    pub(crate) async fn reader(&self, project_id: ProjectId, email: &str) -> NotificationUserId {
        self.user(project_id, email, NotificationUserState::Confirmed).await
    }

    pub(crate) async fn endpoint(&self, project_id: ProjectId) -> EndpointId {
        let draft = Draft::parse(br#"{"url":"https://hooks.acme.example/secret-path"}"#).unwrap();
        let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
        let (id, secret) = (EndpointId::new(self.clock.now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        self.database.store.endpoints.put(&new.create(id, project_id, &secret, &ring(), &SystemRandom)).await.unwrap();
        id
    }

    /// Disables the endpoint as if its receiver had answered 410, and returns the job that mails the notice.
    pub(crate) async fn disable(&self, project_id: ProjectId, endpoint_id: EndpointId) -> DigestJob {
        let gone = attempt(self.clock.now(), Some(410), Some(FailureReason::Status));
        let policy = "failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
        let stored = self.database.store.health.get_now(project_id, endpoint_id).await.unwrap();
        let disabled = stored.next(stored.health.clone().after(&gone, None, &policy), None);
        self.database.store.health.put(&disabled).await.unwrap();
        DigestJob::Notice(NoticeJob { project_id, endpoint_id, notice: *disabled.health.notices.last().unwrap() })
    }

    pub(crate) async fn resume(&self, project_id: ProjectId, endpoint_id: EndpointId) {
        let stored = self.database.store.health.get_now(project_id, endpoint_id).await.unwrap();
        let resumed = stored.next(stored.health.clone().enabled(), None);
        self.database.store.health.put(&resumed).await.unwrap();
    }

    /// An event of a submission.
    pub(crate) fn event_of(project_id: ProjectId, submission: &str, at: &str) -> Event {
        Event {
            id: EventId::new(timestamp(at), &SystemRandom),
            project_id,
            event_type: EventType::Approved,
            submission_id: Some(submission.to_owned().try_into().unwrap()),
            sequence: None,
            occurred_at: timestamp(at),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        }
    }

    /// Stores an event of `at` for two endpoints, delivered to the first one, and returns the delivery to the second.
    pub(crate) async fn half_delivered(&self, project_id: ProjectId, at: &str) -> Delivery {
        let event = Event { submission_id: None, ..Self::event_of(project_id, "none", at) };
        let endpoints = [1, 2].map(|_| EndpointId::new(timestamp(at), &SystemRandom));
        self.database.store.events.put(&event, &endpoints).await.unwrap();
        let succeeded = attempt(timestamp(at), Some(204), None);
        let delivered = Delivery::queued(&event, endpoints[0]).after(succeeded, None);
        self.database.store.deliveries.record(&delivered, None).await.unwrap();
        Delivery::queued(&event, endpoints[1])
    }

    pub(crate) async fn schedule(&self) -> RunResult {
        self.try_schedule().await.unwrap()
    }

    pub(crate) async fn try_schedule(&self) -> Result<RunResult, DigestError> {
        let event = include_str!("../../../../events/daily-digest-schedule.json");
        self.digest.handle(serde_json::from_str(event).unwrap()).await
    }

    pub(crate) async fn request_day(&self, day: &str) -> Result<RunResult, DigestError> {
        self.digest.handle(json!({ "day": day })).await
    }

    /// Processes all queued mail jobs in one batch, puts the failed ones back onto the queue, and returns their number.
    pub(crate) async fn process_jobs(&self) -> usize {
        let jobs = std::mem::take(&mut *self.queues.mail_jobs.lock().unwrap());
        let record = |(index, job): (usize, &DigestJob)| json!({ "messageId": index.to_string(), "body": json!(job).to_string() });
        let records: Vec<Value> = jobs.iter().enumerate().map(record).collect();
        let failed = failed_messages(self.digest.handle(json!({ "Records": records })).await.unwrap());
        let again = failed.iter().map(|message_id| jobs[message_id.parse::<usize>().unwrap()]);
        self.queues.mail_jobs.lock().unwrap().extend(again);
        failed.len()
    }

    /// Processes the queued reconciliations, and returns the tasks that they sent.
    pub(crate) async fn reconcile(&self) -> Vec<AttemptTask> {
        loop {
            let Some(job) = self.queues.reconciliations.lock().unwrap().pop() else { break };
            let records = json!([{ "messageId": "reconciliation", "body": json!(job).to_string() }]);
            let result = self.digest.handle(json!({ "Records": records })).await.unwrap();
            assert_eq!(failed_messages(result), [""; 0]);
        }
        std::mem::take(&mut *self.queues.tasks.lock().unwrap())
    }

    /// Addresses of the mails sent since the last call, sorted.
    pub(crate) fn mailed(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.outbox.0.lock().unwrap().sent);
        let mut addresses: Vec<String> = sent.into_iter().map(|(to, _)| to).collect();
        addresses.sort_unstable();
        addresses
    }

    pub(crate) fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
    }
}

/// Pseudorandom numbers that are the same in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub(crate) fn timestamp(value: &str) -> Timestamp {
    value.parse().unwrap()
}

pub(crate) fn attempt(at: Timestamp, status: Option<u16>, reason: Option<FailureReason>) -> Attempt {
    Attempt { number: 1, at, duration_ms: 80, phases: Phases::default(), status, reason, response: None }
}

pub(crate) fn failed_messages(result: RunResult) -> Vec<String> {
    let RunResult::Processed(response) = result else { panic!("messages were processed") };
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

pub(crate) fn day(value: &str) -> UtcDay {
    value.parse().unwrap()
}

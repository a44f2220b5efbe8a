//! Bounces, with an in-memory database.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends the test")]

use std::sync::Arc;
use std::time::Duration;

use aws::store::testing::Database;
use aws_lambda_events::sqs::SqsEvent;
use domain::foundation::clock::FixedClock;
use domain::foundation::draft::Draft;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::audit::Actor;
use domain::projects::project::NewProject;
use domain::reports::email_address::EmailAddress;
use domain::reports::notification_user::{NewNotificationUser, NotificationUser, NotificationUserState};
use domain::reports::suppression::{Suppression, SuppressionReason};
use mail_feedback::FeedbackHandler;
use serde_json::{Value, json};

/// A project with one confirmed user.
struct Scene {
    database: Database,
    handler: FeedbackHandler,
    user: NotificationUser,
}

impl Scene {
    async fn new() -> Self {
        let database = Database::start().await;
        let handler = FeedbackHandler::new(
            (database.projects.clone(), database.users.clone(), database.suppressions.clone()),
            Arc::new(FixedClock(now())),
            Arc::new(SystemRandom),
        );
        let draft = |json: &str| Draft::parse(json.as_bytes()).unwrap();
        let project = NewProject::try_from(draft(r#"{"name":"Acme"}"#)).unwrap();
        let project = project.create(ProjectId::new(now(), &SystemRandom));
        database.store.projects.put(&project).await.unwrap();
        let new = NewNotificationUser::try_from(draft(r#"{"name":"Ada","email":"ada@acme.example"}"#)).unwrap();
        let mut user = new.create(NotificationUserId::new(now(), &SystemRandom), project.id);
        user.confirm(now().minus(Duration::from_hours(1)));
        database.store.users.put(&user).await.unwrap();
        Self { database, handler, user }
    }

    /// Processes the bodies as one batch. Returns the ids of the messages that return to the queue: `"0"` is the first.
    async fn handle(&self, bodies: &[String]) -> Vec<String> {
        let record = |(index, body): (usize, &String)| json!({"messageId": index.to_string(), "body": body});
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let batch: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
        let failures = self.handler.handle(batch).await.batch_item_failures;
        failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    fn mail(&self, user: NotificationUserId) -> Value {
        json!({"destination": ["ada@acme.example"], "tags": {"project": [self.user.project_id], "user": [user]}})
    }

    fn bounce(&self, user: NotificationUserId) -> String {
        let bounce = json!({"bounceType": "Permanent", "timestamp": now()});
        json!({"eventType": "Bounce", "bounce": bounce, "mail": self.mail(user)}).to_string()
    }

    fn complaint(&self, user: NotificationUserId, at: Timestamp) -> String {
        json!({"eventType": "Complaint", "complaint": {"timestamp": at}, "mail": self.mail(user)}).to_string()
    }

    /// Why another project must not mail an address.
    async fn reason_elsewhere(&self, email: &str) -> Option<SuppressionReason> {
        let hashes = EmailAddress::try_from(email.to_owned()).unwrap().hashes();
        let other_project = ProjectId::new(now(), &SystemRandom);
        let listing = self.database.suppressions.find(&hashes, other_project).await.unwrap();
        listing.suppression.map(|suppression| suppression.reason)
    }

    async fn stored(&self) -> NotificationUser {
        let stored = self.database.store.users.get(self.user.project_id, self.user.id).await;
        stored.unwrap().unwrap()
    }
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_user_whose_mail_bounces_is_suppressed_and_the_audit_log_records_it_once() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        assert_eq!(scene.handle(&[scene.bounce(scene.user.id)]).await, [""; 0]);
    }
    let stored = scene.stored().await;
    let suppression = Some(Suppression { at: now(), reason: SuppressionReason::Bounced });
    assert_eq!((stored.state, stored.suppression), (NotificationUserState::Suppressed, suppression));
    assert_eq!(scene.reason_elsewhere("ada@acme.example").await, Some(SuppressionReason::Bounced));
    let entries = scene.database.store.audit.list(scene.user.project_id, 10, None).await.unwrap().items;
    assert_eq!((entries.len(), &entries[0].author.actor), (1, &Actor::System));
    let fields: Vec<&str> = entries[0].change.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["state", "suppressedAt", "suppressedBecause"]);
}

#[tokio::test]
async fn an_unreadable_message_does_not_stop_the_others_and_a_removed_user_stays_removed() {
    let scene = Scene::new().await;
    let removed = NotificationUserId::new(now(), &SystemRandom);
    let bodies = ["nonsense".to_owned(), scene.bounce(removed), scene.bounce(scene.user.id)];
    assert_eq!(scene.handle(&bodies).await, ["0"]);
    assert_eq!(scene.stored().await.state, NotificationUserState::Suppressed);
}

#[tokio::test]
async fn a_complaint_about_a_mail_to_a_removed_user_suppresses_the_person() {
    let scene = Scene::new().await;
    let removed = NotificationUserId::new(now(), &SystemRandom);
    assert_eq!(scene.handle(&[scene.complaint(removed, now())]).await, [""; 0]);
    assert_eq!(scene.reason_elsewhere("Ada+again@acme.example").await, Some(SuppressionReason::Complained));
    assert_eq!(scene.reason_elsewhere("eve@acme.example").await, None);
}

#[tokio::test]
async fn a_late_complaint_does_not_suppress_a_person_who_confirmed_after_it() {
    let scene = Scene::new().await;
    let before = now().minus(Duration::from_hours(2));
    assert_eq!(scene.handle(&[scene.complaint(scene.user.id, before)]).await, [""; 0]);
    assert_eq!(scene.stored().await.state, NotificationUserState::Confirmed);
    assert_eq!(scene.reason_elsewhere("ada@acme.example").await, None);
}

#[tokio::test]
async fn the_sample_events_are_processed() {
    let scene = Scene::new().await;
    for sample in [
        include_str!("../../../events/mail-feedback-bounce.json"),
        include_str!("../../../events/mail-feedback-greeting.json"),
    ] {
        let batch = serde_json::from_str(sample).unwrap();
        assert!(scene.handler.handle(batch).await.batch_item_failures.is_empty(), "{sample}");
    }
}

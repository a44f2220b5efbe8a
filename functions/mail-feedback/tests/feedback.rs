//! What becomes of notification users whose mails come back.

#![expect(clippy::unwrap_used, reason = "what a test needs and cannot have ends it")]

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use mail_feedback::MailFeedback;
use serde_json::{Value, json};
use shared::audit::Actor;
use shared::aws::store::testing::Database;
use shared::clock::FixedClock;
use shared::draft::Draft;
use shared::id::{NotificationUserId, ProjectId};
use shared::notification_user::{
    NewNotificationUser, NotificationUser, NotificationUserState, Suppression, SuppressionReason,
};
use shared::project::NewProject;
use shared::random::SystemRandom;
use shared::time::Timestamp;

/// A project with one confirmed user.
struct Scene {
    database: Database,
    feedback: MailFeedback,
    user: NotificationUser,
}

impl Scene {
    async fn new() -> Self {
        let database = Database::start().await;
        let feedback =
            MailFeedback::new(database.settings.clone(), Arc::new(FixedClock(now())), Arc::new(SystemRandom));
        let draft = |json: &str| Draft::parse(json.as_bytes()).unwrap();
        let project = NewProject::try_from(draft(r#"{"name":"Acme"}"#)).unwrap();
        let project = project.create(ProjectId::new(now(), &SystemRandom));
        database.settings.put_project(&project).await.unwrap();
        let new = NewNotificationUser::try_from(draft(r#"{"name":"Ada","email":"ada@acme.example"}"#)).unwrap();
        let mut user = new.create(NotificationUserId::new(now(), &SystemRandom), project.id);
        user.confirm();
        database.settings.put_notification_user(&user).await.unwrap();
        Self { database, feedback, user }
    }

    /// Hands reports over; answers which of them must come again.
    async fn take(&self, bodies: &[String]) -> Vec<String> {
        let record = |(index, body): (usize, &String)| json!({"messageId": index.to_string(), "body": body});
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let batch: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
        let failures = self.feedback.take(batch).await.batch_item_failures;
        failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    fn bounce(&self, user: NotificationUserId) -> String {
        let tags = json!({"project": [self.user.project_id], "user": [user]});
        let bounce = json!({"bounceType": "Permanent", "timestamp": now()});
        json!({"eventType": "Bounce", "bounce": bounce, "mail": {"tags": tags}}).to_string()
    }

    async fn stored(&self) -> NotificationUser {
        let stored = self.database.settings.notification_user(self.user.project_id, self.user.id).await;
        stored.unwrap().unwrap()
    }
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

#[tokio::test]
async fn an_address_that_bounces_gets_no_more_mails_and_the_audit_log_says_so_once() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        assert_eq!(scene.take(&[scene.bounce(scene.user.id)]).await, [""; 0]);
    }
    let stored = scene.stored().await;
    let suppression = Some(Suppression { at: now(), because: SuppressionReason::Bounced });
    assert_eq!((stored.state, stored.suppression), (NotificationUserState::Suppressed, suppression));
    let entries = scene.database.settings.audit(scene.user.project_id, 10, None).await.unwrap().items;
    assert_eq!((entries.len(), &entries[0].author.actor), (1, &Actor::System));
    let fields: Vec<&str> = entries[0].deed.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["state", "suppressedAt", "suppressedBecause"]);
}

#[tokio::test]
async fn what_cannot_be_read_spares_the_others_and_who_is_gone_is_nobodys_loss() {
    let scene = Scene::new().await;
    let removed = NotificationUserId::new(now(), &SystemRandom);
    let bodies = ["nonsense".to_owned(), scene.bounce(removed), scene.bounce(scene.user.id)];
    assert_eq!(scene.take(&bodies).await, ["0"]);
    assert_eq!(scene.stored().await.state, NotificationUserState::Suppressed);
}

#[tokio::test]
async fn the_sample_events_are_understood() {
    let scene = Scene::new().await;
    for sample in [
        include_str!("../../../events/mail-feedback-bounce.json"),
        include_str!("../../../events/mail-feedback-greeting.json"),
    ] {
        let batch = serde_json::from_str(sample).unwrap();
        assert!(scene.feedback.take(batch).await.batch_item_failures.is_empty(), "{sample}");
    }
}

//! Notification users: adding, confirming, changing, unsubscribing and deleting them.

use std::time::Duration;

use aws::queue::testing::MAILS;
use aws::store::testing::SETTINGS;
use domain::foundation::draft::Draft;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::reports::mail_link::{LinkPurpose, MailLink};
use domain::reports::notification_user::{
    MAX_CONFIRMATIONS_PER_DAY, NewNotificationUser, NotificationUser, NotificationUserState, Suppression,
    SuppressionReason,
};
use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::{KEY_RING, NOW, Options, TestApi, key_ring, now};

/// The notification users of a project.
struct Users {
    api: TestApi,
    project: Resource,
    /// Calls paths below the list of users.
    client: Client,
}

impl Users {
    async fn start() -> Self {
        let (api, project) = TestApi::with_project().await;
        Self { api, client: project.at("/notification-users"), project }
    }

    fn project_id(&self) -> ProjectId {
        self.project.id()
    }

    /// Stores a user who was added an hour ago.
    async fn store(&self, email: &str, state: NotificationUserState) -> NotificationUser {
        let body = json!({"name": "Ada", "email": email}).to_string();
        let new = NewNotificationUser::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let id = NotificationUserId::new(now().minus(Duration::from_hours(1)), &SystemRandom);
        let user = NotificationUser { state, ..new.create(id, self.project_id()) };
        self.api.store.users.put(&user).await.unwrap();
        user
    }

    async fn store_unconfirmed(&self) -> NotificationUser {
        self.store("ada@acme.example", NotificationUserState::Unconfirmed).await
    }

    async fn state_of(&self, user: &NotificationUser) -> NotificationUserState {
        self.api.store.users.get(self.project_id(), user.id).await.unwrap().unwrap().state
    }

    /// Opens a page (`GET`) or presses its button (`POST`). Returns the status and the page.
    async fn page(&self, method: &str, path: &str) -> (u16, String) {
        let response = self.api.without_key().send(method, path, "").await;
        (response.status, response.text)
    }

    /// Returns and removes the mails that were sent: the recipient, and the path of the first link to the API.
    fn take_mails(&self) -> Vec<(String, String)> {
        let mails = self.api.queue.take_from::<Value>(MAILS).into_iter();
        let read = |(mail, _): (Value, _)| {
            let recipient = mail["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
            let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
            let link = text.split_whitespace().find_map(|word| word.strip_prefix("https://api.signpost.example.com"));
            (recipient, link.unwrap().to_owned())
        };
        mails.map(read).collect()
    }

    /// The path of a link in a mail.
    fn link(&self, purpose: LinkPurpose, user: NotificationUserId, created_at: Timestamp) -> String {
        MailLink::new(purpose, self.project_id(), user, created_at).url("", &key_ring(KEY_RING), &SystemRandom)
    }
}

#[tokio::test]
async fn a_new_user_gets_a_mail_and_confirms_by_its_button_only() {
    let users = Users::start().await;
    let user = users.client.create("", json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!(user.created["state"], "unconfirmed");
    let mails = users.take_mails();
    let [(recipient, link)] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(recipient, "ada@acme.example");

    let (status, page) = users.page("GET", link).await;
    assert!(status == 200 && page.contains("Confirm my address") && page.contains("Acme"), "{page}");
    assert_eq!(user.get("").await.body["state"], "unconfirmed");
    for _ in 0..2 {
        let (status, page) = users.page("POST", link).await;
        assert!(status == 200 && page.contains("Your address is confirmed"), "{page}");
        assert_eq!(user.get("").await.body["state"], "confirmed");
    }
    assert!(users.page("GET", link).await.1.contains("Your address is confirmed"));
    let audit = users.project.list("/audit").await;
    assert_eq!(audit[0]["actor"], json!({"type": "mail-link"}));
    assert_eq!(audit[0]["changes"], json!([{"field": "state", "before": "unconfirmed", "after": "confirmed"}]));
    assert_eq!(audit.len(), 3, "confirming twice is one change");
}

#[tokio::test]
async fn adding_and_deleting_a_user_does_not_raise_the_daily_limit_of_mails_to_its_address() {
    let users = Users::start().await;
    let ada = json!({"name": "Ada", "email": "ada@acme.example"});
    for _ in 0..MAX_CONFIRMATIONS_PER_DAY {
        users.client.create("", &ada).await.delete("").await.expect(204);
    }
    let mails = users.take_mails().len();
    let refused = users.client.post("", &ada).await;
    assert_eq!(refused.problem(), (429, "too-many-mails"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!((mails, users.take_mails()), (MAX_CONFIRMATIONS_PER_DAY as usize, vec![]));
    let settings = users.api.store.dump(SETTINGS).await;
    assert!(!settings.contains("ada@acme.example"), "a deleted user is still stored: {settings}");
}

#[tokio::test]
async fn one_click_unsubscribes_and_opening_the_page_does_not() {
    let users = Users::start().await;
    let user = users.store("ada@acme.example", NotificationUserState::Confirmed).await;
    let link = users.link(LinkPurpose::Unsubscribe, user.id, now());

    let (_, page) = users.page("GET", &link).await;
    assert!(page.contains("Do you want to unsubscribe?") && page.contains("<button"), "{page}");
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
    // Mail programs send this form (RFC 8058).
    let mail_program = users.api.without_key().with_header("content-type", "application/x-www-form-urlencoded");
    let response = mail_program.post(&link, "List-Unsubscribe=One-Click").await;
    assert!(response.status == 200 && response.text.contains("You are unsubscribed"), "{}", response.text);
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unsubscribed);
    assert!(users.page("GET", &link).await.1.contains("You are unsubscribed"));

    // An unsubscribed user can confirm again.
    users.client.post(&format!("/{}/resend-confirmation", user.id), "").await.expect(200);
    let mails = users.take_mails();
    users.page("POST", &mails[0].1).await;
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
}

#[tokio::test]
async fn links_that_are_expired_invalid_or_for_another_purpose_do_not_work() {
    let users = Users::start().await;
    let user = users.store_unconfirmed().await;
    let link = |purpose, user, days: u64| users.link(purpose, user, now().minus(Duration::from_hours(24 * days)));
    let unknown_user = NotificationUserId::new(now(), &SystemRandom);
    let other_purpose = link(LinkPurpose::Unsubscribe, user.id, 0).replace("/unsubscribe/", "/confirm/");
    for path in [
        link(LinkPurpose::Confirm, user.id, 7),
        link(LinkPurpose::Unsubscribe, user.id, 400),
        link(LinkPurpose::Confirm, unknown_user, 0),
        other_purpose,
        "/confirm/nonsense".to_owned(),
        "/unsubscribe/nonsense".to_owned(),
    ] {
        for method in ["GET", "POST"] {
            let (status, page) = users.page(method, &path).await;
            assert!(status == 404 && page.contains("This link does not work"), "{page}");
        }
    }
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unconfirmed);
}

#[tokio::test]
async fn a_user_with_a_known_or_invalid_address_or_over_the_limit_is_rejected_and_gets_no_mail() {
    let users = Users::start().await;
    users.store_unconfirmed().await;
    for email in ["ADA@acme.example", "ada"] {
        let refused = users.client.post("", json!({"name": "Ada", "email": email})).await;
        assert_eq!(refused.bad_fields(), ["/email"]);
    }
    for number in 2..=50 {
        users.store(&format!("user{number}@acme.example"), NotificationUserState::Unconfirmed).await;
    }
    let refused = users.client.post("", json!({"name": "Eve", "email": "eve@acme.example"})).await;
    assert_eq!(refused.problem(), (422, "limit-reached"));
    assert_eq!(users.take_mails(), []);
}

#[tokio::test]
async fn a_user_whose_mail_cannot_be_sent_is_not_added() {
    let api = TestApi::start_with(&Options { has_queue: false, ..Options::default() }).await;
    let project = api.create_project().await;
    let ada = json!({"name": "Ada", "email": "ada@acme.example"});
    project.post("/notification-users", ada).await.expect(503);
    assert_eq!(project.get("/notification-users").await.body, json!({"items": []}));
}

#[tokio::test]
async fn users_are_read_changed_and_deleted() {
    let users = Users::start().await;
    let user = users.store_unconfirmed().await;
    let client = users.client.at(&format!("/{}", user.id));
    let shown = json!({
        "id": user.id, "name": "Ada", "email": "ada@acme.example", "language": "en", "state": "unconfirmed",
        "confirmationAskedAt": user.created_at, "createdAt": user.created_at,
    });
    assert_eq!(client.get("").await.expect(200), shown);
    assert_eq!(users.client.get("").await.expect(200), json!({"items": [shown]}));

    for language in ["ko", "es"] {
        let changed = client.patch("", json!({"name": "Ada L.", "language": language})).await.expect(200);
        assert_eq!((&changed["name"], &changed["language"]), (&json!("Ada L."), &json!(language)));
    }
    client.patch("", json!({"email": "eve@acme.example"})).await.expect(422);

    for _ in 0..2 {
        client.delete("").await.expect(204);
    }
    client.get("").await.expect(404);
}

#[tokio::test]
async fn a_confirmation_is_sent_again_at_most_once_a_minute_and_not_to_a_confirmed_user() {
    let users = Users::start().await;
    let user = users.store_unconfirmed().await;
    let resend = format!("/{}/resend-confirmation", user.id);
    users.client.with_header("if-match", "\"stale\"").post(&resend, "").await.expect(412);
    assert_eq!(users.take_mails(), []);
    users.client.post(&resend, "").await.expect(200);
    let refused = users.client.post(&resend, "").await;
    assert_eq!(refused.problem(), (429, "too-many-mails"));
    assert!(refused.headers.contains_key("retry-after"));
    users.api.clock.advance(Duration::from_mins(1));
    users.client.post(&resend, "").await.expect(200);
    assert_eq!(users.take_mails().len(), 2);

    let confirmed = users.store("eve@acme.example", NotificationUserState::Confirmed).await;
    let refused = users.client.post(&format!("/{}/resend-confirmation", confirmed.id), "").await;
    assert_eq!(refused.problem(), (409, "already-confirmed"));
}

#[tokio::test]
async fn a_suppressed_user_shows_the_reason() {
    let users = Users::start().await;
    let user = users.store_unconfirmed().await;
    let suppression = Some(Suppression { at: now(), reason: SuppressionReason::Bounced });
    let suppressed = NotificationUser { state: NotificationUserState::Suppressed, suppression, ..user };
    users.api.store.users.put(&suppressed).await.unwrap();
    let shown = users.client.get(&format!("/{}", suppressed.id)).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["suppressedBecause"], &shown["suppressedAt"]),
        (&json!("suppressed"), &json!("bounced"), &json!(NOW))
    );
}

//! Notification users: added, asked, confirmed, changed, unsubscribed, removed.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::aws::queue::testing::MAILS;
use shared::aws::store::testing::SETTINGS;
use shared::clock::{Clock as _, SystemClock};
use shared::draft::Draft;
use shared::id::{NotificationUserId, ProjectId};
use shared::mail_link::{LinkPurpose, MailLink};
use shared::notification_user::{
    MOST_CONFIRMATIONS_A_DAY, NewNotificationUser, NotificationUser, NotificationUserState, Suppression,
    SuppressionReason,
};
use shared::random::SystemRandom;
use shared::time::Timestamp;

use crate::scene::Scene;
use crate::site::ring;

/// A project's users: a scene, and its path.
struct Users {
    scene: Scene,
    project: ProjectId,
    path: String,
}

impl Users {
    async fn none() -> Self {
        let scene = Scene::new().await;
        let project = scene.project().await;
        Self { path: format!("/v1/projects/{project}/notification-users"), project: project.parse().unwrap(), scene }
    }

    /// A user who was added an hour ago, and is in a state.
    async fn user(&self, email: &str, state: NotificationUserState) -> NotificationUser {
        let body = json!({ "name": "Ada", "email": email }).to_string();
        let new = NewNotificationUser::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap();
        let id = NotificationUserId::new(SystemClock.now().minus(Duration::from_hours(1)), &SystemRandom);
        let user = NotificationUser { state, ..new.create(id, self.project) };
        self.scene.store.settings.put_notification_user(&user).await.unwrap();
        user
    }

    async fn unconfirmed(&self) -> NotificationUser {
        self.user("ada@acme.example", NotificationUserState::Unconfirmed).await
    }

    async fn state_of(&self, user: &NotificationUser) -> NotificationUserState {
        self.stored(user).await.state
    }

    async fn stored(&self, user: &NotificationUser) -> NotificationUser {
        self.scene.store.settings.notification_user(self.project, user.id).await.unwrap().unwrap()
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.scene.operator(method, &format!("{}{path}", self.path), &body).await;
        (answer.status, answer.body)
    }

    /// Opens a page, or presses its button.
    async fn page(&self, method: &str, path: &str) -> (StatusCode, String) {
        let answer = self.scene.call(method, path, "", "").await;
        (answer.status, answer.text)
    }

    /// The mails that were sent since the last time: to whom, and the paths of the links in them.
    fn mailed(&self) -> Vec<(String, String)> {
        let mails = self.scene.queue.take_from::<Value>(MAILS).into_iter();
        let seen = mails.map(|(mail, _)| {
            let to = mail["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
            let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap().to_owned();
            let link = text.split_whitespace().find_map(|word| word.strip_prefix("https://api.signpost.example.com"));
            (to, link.unwrap().to_owned())
        });
        seen.collect()
    }

    fn link(&self, purpose: LinkPurpose, user: NotificationUserId, made_at: Timestamp) -> String {
        MailLink::new(purpose, self.project, user, made_at).url("", &ring(), &SystemRandom)
    }
}

#[tokio::test]
async fn whoever_is_added_is_asked_and_confirms_by_the_button_alone() {
    let users = Users::none().await;
    let (status, user) = users.call("POST", "", json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!((status, &user["state"]), (StatusCode::CREATED, &json!("unconfirmed")));
    let mails = users.mailed();
    assert_eq!((mails.len(), mails[0].0.as_str()), (1, "ada@acme.example"));
    let id = format!("/{}", user["id"].as_str().unwrap());

    let (status, page) = users.page("GET", &mails[0].1).await;
    assert!(status == StatusCode::OK && page.contains("Confirm my address") && page.contains("Acme"), "{page}");
    assert_eq!(users.call("GET", &id, Value::Null).await.1["state"], "unconfirmed");
    for _ in 0..2 {
        let (status, page) = users.page("POST", &mails[0].1).await;
        assert!(status == StatusCode::OK && page.contains("Thank you"), "{page}");
        assert_eq!(users.call("GET", &id, Value::Null).await.1["state"], "confirmed");
    }
    assert!(users.page("GET", &mails[0].1).await.1.contains("Thank you"));
    let audit = users.scene.operator("GET", &format!("/v1/projects/{}/audit", users.project), &Value::Null).await.body;
    assert_eq!(audit["items"][0]["actor"], json!({"type": "mail-link"}));
    assert_eq!(
        audit["items"][0]["changes"],
        json!([{"field": "state", "before": "unconfirmed", "after": "confirmed"}])
    );
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(3), "confirming twice is one change");
}

#[tokio::test]
async fn an_address_is_asked_so_often_a_day_however_often_it_is_added() {
    let users = Users::none().await;
    let ada = json!({"name": "Ada", "email": "ada@acme.example"});
    for _ in 0..MOST_CONFIRMATIONS_A_DAY {
        let (status, user) = users.call("POST", "", ada.clone()).await;
        assert_eq!(status, StatusCode::CREATED);
        let id = user["id"].as_str().unwrap();
        assert_eq!(users.call("DELETE", &format!("/{id}"), Value::Null).await.0, StatusCode::NO_CONTENT);
    }
    let mails = users.mailed().len();
    let refused = users.scene.operator("POST", &users.path, &ada).await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/too-many-mails"))
    );
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!((mails, users.mailed()), (MOST_CONFIRMATIONS_A_DAY as usize, vec![]));
    let settings = users.scene.store.dump(SETTINGS).await;
    assert!(!settings.contains("ada@acme.example"), "whoever was removed is still there: {settings}");
}

#[tokio::test]
async fn one_click_unsubscribes_and_looking_does_not() {
    let users = Users::none().await;
    let user = users.user("ada@acme.example", NotificationUserState::Confirmed).await;
    let link = users.link(LinkPurpose::Unsubscribe, user.id, SystemClock.now());

    let (_, page) = users.page("GET", &link).await;
    assert!(page.contains("No more mails?") && page.contains("<button"), "{page}");
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
    // What RFC 8058 has mail programs send.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let request = users.scene.call_with("POST", &link, "", &form, &json!("List-Unsubscribe=One-Click")).await;
    assert!(request.status == StatusCode::OK && request.text.contains("You get no more mails"), "{}", request.text);
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unsubscribed);
    assert!(users.page("GET", &link).await.1.contains("You get no more mails"));

    // They can come back, if they agree once more.
    let (status, _) = users.call("POST", &format!("/{}/resend-confirmation", user.id), Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let mails = users.mailed();
    users.page("POST", &mails[0].1).await;
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
}

#[tokio::test]
async fn links_that_are_old_made_up_or_for_something_else_lead_nowhere() {
    let users = Users::none().await;
    let (user, now) = (users.unconfirmed().await, SystemClock.now());
    let link = |purpose, user, days: u64| users.link(purpose, user, now.minus(Duration::from_hours(24 * days)));
    let nobody = NotificationUserId::new(now, &SystemRandom);
    let other_purpose = link(LinkPurpose::Unsubscribe, user.id, 0).replace("/unsubscribe/", "/confirm/");
    for path in [
        link(LinkPurpose::Confirm, user.id, 7),
        link(LinkPurpose::Unsubscribe, user.id, 400),
        link(LinkPurpose::Confirm, nobody, 0),
        other_purpose,
        "/confirm/nonsense".to_owned(),
        "/unsubscribe/nonsense".to_owned(),
    ] {
        for method in ["GET", "POST"] {
            let (status, page) = users.page(method, &path).await;
            assert!(status == StatusCode::NOT_FOUND && page.contains("This link does not work"), "{page}");
        }
    }
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unconfirmed);
}

#[tokio::test]
async fn who_is_there_already_or_has_no_address_is_neither_added_nor_asked() {
    let users = Users::none().await;
    users.unconfirmed().await;
    for email in ["ADA@acme.example", "ada"] {
        let answer = users.scene.operator("POST", &users.path, &json!({"name": "Ada", "email": email})).await;
        assert_eq!((answer.status, answer.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/email"]));
    }
    for number in 2..=50 {
        users.user(&format!("user{number}@acme.example"), NotificationUserState::Unconfirmed).await;
    }
    let (_, problem) = users.call("POST", "", json!({"name": "Eve", "email": "eve@acme.example"})).await;
    assert_eq!(problem["type"], "/problems/limit-reached");
    assert_eq!(users.mailed(), []);
}

#[tokio::test]
async fn a_user_who_could_not_be_asked_can_be_added_again() {
    let scene = Scene::without_queue().await;
    let path = format!("/v1/projects/{}/notification-users", scene.project().await);
    let added = scene.operator("POST", &path, &json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!(added.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(scene.operator("GET", &path, &Value::Null).await.body, json!({ "items": [] }));
}

#[tokio::test]
async fn users_are_read_changed_and_removed() {
    let users = Users::none().await;
    let user = users.unconfirmed().await;
    let path = format!("/{}", user.id);
    let shown = json!({
        "id": user.id, "name": "Ada", "email": "ada@acme.example", "language": "en", "state": "unconfirmed",
        "confirmationAskedAt": user.created_at, "createdAt": user.created_at,
    });
    assert_eq!(users.call("GET", &path, Value::Null).await, (StatusCode::OK, shown.clone()));
    assert_eq!(users.call("GET", "", Value::Null).await, (StatusCode::OK, json!({ "items": [shown] })));

    let (_, changed) = users.call("PATCH", &path, json!({"name": "Ada L.", "language": "ko"})).await;
    assert_eq!((&changed["name"], &changed["language"]), (&json!("Ada L."), &json!("ko")));
    let (status, _) = users.call("PATCH", &path, json!({"email": "eve@acme.example"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    for _ in 0..2 {
        assert_eq!(users.call("DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(users.call("GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn people_are_asked_again_once_a_minute_and_not_once_they_agreed() {
    let users = Users::none().await;
    let user = users.unconfirmed().await;
    let resend = format!("/{}/resend-confirmation", user.id);
    let stale = [("if-match", "\"stale\"")];
    let refused = users.scene.operator_with("POST", &format!("{}{resend}", users.path), &stale, &Value::Null).await;
    assert_eq!((refused.status, users.mailed()), (StatusCode::PRECONDITION_FAILED, vec![]));
    assert_eq!(users.call("POST", &resend, Value::Null).await.0, StatusCode::OK);
    let refused = users.scene.operator("POST", &format!("{}{resend}", users.path), &Value::Null).await;
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/too-many-mails"))
    );
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(users.mailed().len(), 1);

    let confirmed = users.user("eve@acme.example", NotificationUserState::Confirmed).await;
    let (status, problem) = users.call("POST", &format!("/{}/resend-confirmation", confirmed.id), Value::Null).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/already-confirmed")));
}

#[tokio::test]
async fn why_mails_stopped_is_shown() {
    let users = Users::none().await;
    let user = users.unconfirmed().await;
    let at: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
    let suppression = Some(Suppression { at, because: SuppressionReason::Bounced });
    let suppressed = NotificationUser { state: NotificationUserState::Suppressed, suppression, ..user };
    users.scene.store.settings.put_notification_user(&suppressed).await.unwrap();
    let (_, shown) = users.call("GET", &format!("/{}", suppressed.id), Value::Null).await;
    assert_eq!(
        (&shown["state"], &shown["suppressedBecause"], &shown["suppressedAt"]),
        (&json!("suppressed"), &json!("bounced"), &json!(at))
    );
}

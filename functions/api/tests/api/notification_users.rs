//! Notification users: adding, confirming, changing, unsubscribing and deleting them.

use std::time::Duration;

use aws::queue::testing::MAILS;
use aws::store::testing::SETTINGS;
use domain::foundation::draft::Draft;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::reports::confirmation::MAX_CONFIRMATIONS_PER_DAY;
use domain::reports::email_address::EmailAddress;
use domain::reports::mail_link::{LinkPurpose, MailLink, StoredLinkKey};
use domain::reports::notification_user::{NewNotificationUser, NotificationUser, NotificationUserState};
use domain::reports::suppression::{Suppression, SuppressionReason};
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
    async fn link(&self, purpose: LinkPurpose, user: &NotificationUser, created_at: Timestamp) -> String {
        let (ring, keys) = (key_ring(KEY_RING), &self.api.store.link_keys);
        let first = StoredLinkKey::generate(self.project_id(), &ring, &SystemRandom);
        let key = keys.create(first).await.unwrap().open(&ring).unwrap();
        MailLink::new(purpose, user, created_at).path(&key, &SystemRandom)
    }

    /// Records that the person complained about a mail, as mail-feedback does.
    async fn complain(&self, email: &str) {
        let hashes = EmailAddress::try_from(email.to_owned()).unwrap().hashes();
        let suppression = Suppression { at: now(), reason: SuppressionReason::Complained };
        self.api.store.suppressions.add(&hashes, self.project_id(), suppression).await.unwrap();
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
    let link = users.link(LinkPurpose::Unsubscribe, &user, now()).await;

    let (_, page) = users.page("GET", &link).await;
    assert!(page.contains("Do you want to unsubscribe?") && page.contains("<button"), "{page}");
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
    // Mail programs send this form (RFC 8058).
    let mail_program = users.api.without_key().with_header("content-type", "application/x-www-form-urlencoded");
    let response = mail_program.post(&link, "List-Unsubscribe=One-Click").await;
    assert!(response.status == 200 && response.text.contains("You are unsubscribed"), "{}", response.text);
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unsubscribed);
    assert!(users.page("GET", &link).await.1.contains("You are unsubscribed"));

    // The page has a button that subscribes the person again. It uses another link.
    let page = users.page("GET", &link).await.1;
    let (_, back) = page.split_once("action=\"https://api.signpost.example.com").unwrap();
    let back = back.split_once('"').unwrap().0;
    assert_eq!(users.state_of(&user).await, NotificationUserState::Unsubscribed);
    users.page("POST", back).await;
    assert_eq!(users.state_of(&user).await, NotificationUserState::Confirmed);
    let listing = users.api.store.suppressions.find(&user.email.hashes(), users.project_id()).await.unwrap();
    assert_eq!((listing.suppression, users.take_mails()), (None, vec![]));
}

#[tokio::test]
async fn an_unsubscribed_person_gets_no_mail_if_it_is_resent_or_the_address_is_added_again() {
    let users = Users::start().await;
    let user = users.store("ada+work@acme.example", NotificationUserState::Confirmed).await;
    let link = users.link(LinkPurpose::Unsubscribe, &user, now()).await;
    users.page("POST", &link).await;

    let client = users.client.at(&format!("/{}", user.id));
    let shown = client.post("/resend-confirmation", "").await.expect(200);
    assert_eq!(shown["state"], "unsubscribed");
    client.delete("").await.expect(204);
    for email in ["ada+work@acme.example", "Ada+2@acme.example", "ada@ACME.example"] {
        let again = users.client.create("", json!({"name": "Ada", "email": email})).await;
        assert_eq!(
            (&again.created["state"], &again.created["suppressedBecause"]),
            (&json!("suppressed"), &json!("unsubscribed"))
        );
        // The next day, because the daily limit would also stop the mails.
        users.api.clock.advance(Duration::from_hours(24));
        let shown = again.post("/resend-confirmation", "").await.expect(200);
        assert_eq!(shown["state"], "suppressed");
        again.delete("").await.expect(204);
    }
    assert_eq!(users.take_mails(), []);

    // Another project may send a confirmation mail, because the person has not unsubscribed from its mails.
    let other = users.api.create_project().await;
    other.create("/notification-users", json!({"name": "Ada", "email": "ada+work@acme.example"})).await;
    assert_eq!(users.take_mails().len(), 1);
}

#[tokio::test]
async fn a_person_who_complained_gets_no_mail_of_any_project() {
    let users = Users::start().await;
    let ada = users.client.create("", json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!(users.take_mails().len(), 1);
    users.complain("ada@acme.example").await;
    users.api.clock.advance(Duration::from_mins(1));
    let shown = ada.post("/resend-confirmation", "").await.expect(200);
    assert_eq!((&shown["state"], &shown["suppressedBecause"]), (&json!("suppressed"), &json!("complained")));
    ada.delete("").await.expect(204);

    let other = users.api.create_project().await;
    for client in [&users.client, &other.at("/notification-users")] {
        let again = client.create("", json!({"name": "Ada", "email": "ada+1@acme.example"})).await;
        assert_eq!(
            (&again.created["state"], &again.created["suppressedBecause"]),
            (&json!("suppressed"), &json!("complained"))
        );
        assert_eq!(again.created["suppressedAt"], again.created["createdAt"], "the time of the complaint is not shown");
    }
    assert_eq!(users.take_mails(), []);
}

#[tokio::test]
async fn a_suppressed_person_can_confirm_with_an_earlier_link_even_if_the_user_was_added_again() {
    let users = Users::start().await;
    let ada = json!({"name": "Ada", "email": "ada@acme.example"});
    let first = users.client.create("", &ada).await;
    let (_, link) = users.take_mails().remove(0);
    users.complain("ada@acme.example").await;
    first.delete("").await.expect(204);
    assert!(users.page("GET", &link).await.1.contains("This link does not work"));

    let again = users.client.create("", &ada).await;
    assert_eq!(again.created["state"], "suppressed");
    let (status, page) = users.page("POST", &link).await;
    assert!(status == 200 && page.contains("Your address is confirmed"), "{page}");
    let shown = again.get("").await.expect(200);
    assert_eq!((&shown["state"], &shown["suppressedBecause"]), (&json!("confirmed"), &Value::Null));
}

#[tokio::test]
async fn a_link_confirms_only_the_mailbox_that_it_was_sent_to() {
    let users = Users::start().await;
    let first = users.client.create("", json!({"name": "Ada", "email": "ada+1@acme.example"})).await;
    let (_, link) = users.take_mails().remove(0);
    first.delete("").await.expect(204);
    let other = users.client.create("", json!({"name": "Ada", "email": "ada+2@acme.example"})).await;
    assert_eq!(users.page("POST", &link).await.0, 404);
    assert_eq!(other.get("").await.expect(200)["state"], "unconfirmed");
}

#[tokio::test]
async fn a_person_can_unsubscribe_after_the_user_was_removed() {
    let users = Users::start().await;
    let user = users.store("ada@acme.example", NotificationUserState::Confirmed).await;
    let link = users.link(LinkPurpose::Unsubscribe, &user, now()).await;
    users.client.delete(&format!("/{}", user.id)).await.expect(204);
    assert!(users.page("GET", &link).await.1.contains("Do you want to unsubscribe?"));
    let (status, page) = users.page("POST", &link).await;
    assert!(status == 200 && page.contains("You are unsubscribed") && !page.contains("<button"), "{page}");
    let again = users.client.create("", json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!((&again.created["state"], users.take_mails()), (&json!("suppressed"), vec![]));
}

#[tokio::test]
async fn a_user_unsubscribed_by_an_earlier_version_gets_no_mail_when_added_again() {
    let users = Users::start().await;
    let user = users.store("ada@acme.example", NotificationUserState::Unsubscribed).await;
    let client = users.client.at(&format!("/{}", user.id));
    assert_eq!(client.post("/resend-confirmation", "").await.expect(200)["state"], "unsubscribed");
    client.delete("").await.expect(204);
    let again = users.client.create("", json!({"name": "Ada", "email": "ada@acme.example"})).await;
    assert_eq!((&again.created["state"], users.take_mails()), (&json!("suppressed"), vec![]));
}

#[tokio::test]
async fn the_operator_lifts_the_suppression_of_an_address() {
    let users = Users::start().await;
    users.complain("ada@acme.example").await;
    let ada = users.client.create("", json!({"name": "Ada", "email": "ada+1@acme.example"})).await;
    let earlier = users.store("eve@acme.example", NotificationUserState::Unsubscribed).await;
    let lift = |email: &str| users.api.post("/v1/suppressions/lift", json!({"email": email}));
    assert_eq!(lift("Ada+1@acme.example").await.expect(200), json!({"lifted": 1}));
    assert_eq!(lift("eve@acme.example").await.expect(200), json!({"lifted": 0}));
    assert_eq!(lift("nonsense").await.bad_fields(), ["/email"]);
    assert_eq!(users.take_mails(), [], "lifting a suppression sends no mail");

    users.api.clock.advance(Duration::from_mins(1));
    for path in [format!("/{}", ada.string("id")), format!("/{}", earlier.id)] {
        let shown = users.client.post(&format!("{path}/resend-confirmation"), "").await.expect(200);
        assert_eq!(shown["state"], "unconfirmed");
    }
    assert_eq!(users.take_mails().len(), 2);
}

#[tokio::test]
async fn plus_tags_do_not_raise_the_daily_limit_of_mails_to_a_person() {
    let users = Users::start().await;
    for tag in 0..15 {
        let body = json!({"name": "Ada", "email": format!("Victim+{tag}@x.example")});
        let response = users.client.post("", body).await;
        if tag < MAX_CONFIRMATIONS_PER_DAY {
            let id = response.expect(201)["id"].as_str().unwrap().to_owned();
            users.client.delete(&format!("/{id}")).await.expect(204);
        } else {
            assert_eq!(response.problem(), (429, "too-many-mails"));
        }
    }
    assert_eq!(users.take_mails().len(), MAX_CONFIRMATIONS_PER_DAY as usize);
}

#[tokio::test]
async fn a_project_and_the_deployment_have_a_daily_limit_of_confirmation_mails() {
    let options = Options { confirmation_limits: [2, 3], ..Options::default() };
    let api = TestApi::start_with(&options).await;
    let (ours, theirs) = (api.create_project().await, api.create_project().await);
    let add = async |project: &Resource, number: u32| {
        let body = json!({"name": "Ada", "email": format!("user{number}@acme.example")});
        project.post("/notification-users", body).await
    };
    for (project, number, is_admitted) in
        [(&ours, 1, true), (&ours, 2, true), (&ours, 3, false), (&theirs, 1, true), (&theirs, 2, false)]
    {
        let response = add(project, number).await;
        if is_admitted {
            response.expect(201);
        } else {
            assert_eq!(response.problem(), (429, "too-many-mails"));
            // The clock shows 08:30 UTC.
            assert_eq!(response.header("retry-after"), "55801");
        }
    }
    api.clock.advance(Duration::from_hours(16));
    add(&ours, 3).await.expect(201);
}

#[tokio::test]
async fn an_unsubscribe_link_works_after_the_key_ring_was_rotated_and_the_old_key_was_removed() {
    const ROTATED: &str =
        r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;
    const OLD_KEY_REMOVED: &str = r#"{"current":"k2","k2":"fedcba9876543210fedcba9876543210"}"#;
    let users = Users::start().await;
    let user = users.store("ada@acme.example", NotificationUserState::Confirmed).await;
    let link = users.link(LinkPurpose::Unsubscribe, &user, now()).await;
    let (project, store) = (users.project_id(), users.api.store.users.clone());

    let api = users.api.restart_with(&Options { key_ring: ROTATED, ..Options::default() });
    assert_eq!(api.post("/v1/key-ring/reseal", "").await.expect(200), json!({"resealed": 1, "unreadable": 0}));
    let api = api.restart_with(&Options { key_ring: OLD_KEY_REMOVED, ..Options::default() });
    api.clock.advance(Duration::from_hours(399 * 24));
    let response = api.without_key().post(&link, "List-Unsubscribe=One-Click").await;
    assert_eq!(response.status, 200, "{}", response.text);
    assert_eq!(store.get(project, user.id).await.unwrap().unwrap().state, NotificationUserState::Unsubscribed);
}

#[tokio::test]
async fn removing_a_user_leaves_no_name_or_address_of_the_person() {
    let users = Users::start().await;
    let user = users.client.create("", json!({"name": "Ada Lovelace", "email": "ada@acme.example"})).await;
    let (_, link) = users.take_mails().remove(0);
    let person = users.api.without_key().with_source_ip("198.51.100.77");
    assert_eq!(person.post(&link, "").await.status, 200);
    user.patch("", json!({"name": "Ada King", "language": "ko"})).await.expect(200);
    let changed = &users.project.list("/audit?limit=1").await[0];
    assert_eq!(
        changed["changes"],
        json!([{"field": "language", "before": "en", "after": "ko"}, {"field": "name", "secret": true}])
    );
    let number = &changed["number"];
    let refused = users.project.post(&format!("/audit/{number}/revert"), "").await;
    assert_eq!(refused.problem(), (409, "not-revertible"));
    user.delete("").await.expect(204);

    let rows = users.api.store.dump(SETTINGS).await;
    for trace in ["Ada", "Lovelace", "King", "ada@acme", "198.51.100.77"] {
        assert!(!rows.contains(trace), "{trace} is still stored: {rows}");
    }
}

#[tokio::test]
async fn a_name_with_a_web_address_or_hidden_characters_is_rejected_and_an_international_domain_is_accepted() {
    let users = Users::start().await;
    for name in
        ["https://evil.example", "www.evil.example", "evil.example/login", "a\u{202E}b", "a\u{2028}b", "\u{200B}"]
    {
        let refused = users.client.post("", json!({"name": name, "email": "ada@acme.example"})).await;
        assert_eq!(refused.bad_fields(), ["/name"], "{name:?}");
        assert_eq!(users.api.post("/v1/projects", json!({"name": name})).await.bad_fields(), ["/name"], "{name:?}");
        assert_eq!(users.project.patch("", json!({"name": name})).await.bad_fields(), ["/name"], "{name:?}");
    }
    let user = users.client.create("", json!({"name": "Ada", "email": "ada@bücher.example"})).await;
    assert_eq!(user.created["email"], "ada@xn--bcher-kva.example");
    assert_eq!(users.take_mails()[0].0, "ada@xn--bcher-kva.example");
}

#[tokio::test]
async fn links_that_are_expired_invalid_or_for_another_purpose_do_not_work() {
    let users = Users::start().await;
    let user = users.store_unconfirmed().await;
    let link = async |purpose, user: &NotificationUser, days: u64| {
        users.link(purpose, user, now().minus(Duration::from_hours(24 * days))).await
    };
    let unknown_user = NotificationUser {
        id: NotificationUserId::new(now(), &SystemRandom),
        email: EmailAddress::try_from("eve@acme.example".to_owned()).unwrap(),
        ..user.clone()
    };
    let other_purpose = link(LinkPurpose::Unsubscribe, &user, 0).await.replace("/unsubscribe/", "/confirm/");
    for path in [
        link(LinkPurpose::Confirm, &user, 7).await,
        link(LinkPurpose::Unsubscribe, &user, 400).await,
        link(LinkPurpose::Confirm, &unknown_user, 0).await,
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

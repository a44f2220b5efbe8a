//! Notification users: the list, adding, changing, sending the confirmation mail again, deleting.

use std::time::Duration;

use aws::queue::testing::MAILS;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::console::TestConsole;

const LIST: &str = "/notification-users";

async fn with_user(role: &str) -> (TestConsole, Browser, String) {
    let console = TestConsole::start().await;
    let user = console.project.create(LIST, json!({"name": "Ada <b>", "email": "ada@acme.example"})).await;
    let path = format!("{LIST}/{}", user.string("id"));
    console.clock.advance(Duration::from_mins(2));
    let browser = console.sign_in(role).await;
    (console, browser, path)
}

async fn users(console: &TestConsole) -> Vec<Value> {
    console.project.list(LIST).await
}

#[tokio::test]
async fn a_developer_adds_a_user_who_gets_a_confirmation_mail() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let list = browser.get(LIST).await;
    assert!(list.says("Nobody gets the daily report yet"), "{}", list.text());
    let form = browser.get(&list.link("/notification-users/new")).await;
    let page = browser.submit(&form, "", &[("name", " Ada "), ("email", "ada@acme.example"), ("language", "ko")]).await;
    assert_eq!((page.status, page.url.as_str()), (200, "/notification-users?done=added"));
    assert!(page.says("The confirmation mail is on its way") && page.says("not confirmed yet"), "{}", page.text());
    let [user] = &*users(&console).await else { panic!("not one user") };
    assert_eq!((&user["name"], &user["language"]), (&json!("Ada"), &json!("ko")));
    assert_eq!(console.queue.take_from::<Value>(MAILS).len(), 1);
    let audit = console.project.list("/audit").await;
    assert_eq!(audit[0]["actor"]["type"], "console-user", "{}", audit[0]);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_adds_one_user() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let form = browser.get("/notification-users/new").await;
    for _ in 0..2 {
        let page = browser.submit(&form, "", &[("name", "Ada"), ("email", "ada@acme.example")]).await;
        assert!(page.says("Added."), "{}", page.text());
    }
    assert_eq!((users(&console).await.len(), console.queue.take_from::<Value>(MAILS).len()), (1, 1));
    let page = browser.submit(&form, "", &[("name", "Eve"), ("email", "eve@acme.example")]).await;
    assert!(page.status == 422 && page.says("This form was already sent with other entries"), "{}", page.text());
    let page = browser.submit(&page, "", &[]).await;
    assert!(page.says("Added."), "{}", page.text());
    assert_eq!(users(&console).await.len(), 2);
}

#[tokio::test]
async fn errors_are_beside_their_fields_and_what_was_typed_stays() {
    let console = TestConsole::start().await;
    for (language, name, email) in [
        ("en", "Is required.", "Must be an e-mail address"),
        ("ko", "필수 항목입니다.", "이메일 주소"),
        ("es", "Es obligatorio.", "correo"),
    ] {
        let (mut browser, _) = console.sign_in_with("developer", json!({"language": language})).await;
        let form = browser.get("/notification-users/new").await;
        let page = browser.submit(&form, "", &[("name", " "), ("email", "<ada>")]).await;
        assert_eq!(page.status, 422);
        assert!(page.error("email").contains(email), "{}", page.error("email"));
        assert_eq!((page.error("name").as_str(), page.error("language").as_str()), (name, ""));
        let kept = page.form("").values;
        assert!(kept.contains(&("email".to_owned(), "<ada>".to_owned())), "{kept:?}");
        assert!(page.html.contains(r#"aria-invalid="true" aria-describedby="f-email-error"#), "{}", page.html);
        assert!(page.html.contains("<title>Error: ") || language != "en");
    }
    assert_eq!(users(&console).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_user_is_changed_only_if_nobody_changed_it_meanwhile() {
    let (console, mut browser, path) = with_user("developer").await;
    let form = browser.get(&path).await;
    assert!(form.html.contains("Ada &#60;b&#62;") && !form.html.contains("Ada <b>"));
    console.project.patch(&path, json!({"language": "es"})).await.expect(200);

    let page = browser.submit(&form, &path, &[("name", "Ada L."), ("language", "ko")]).await;
    assert!(page.status == 412 && page.says("Somebody changed this meanwhile"), "{}", page.text());
    assert_eq!(users(&console).await[0]["language"], "es");
    let page = browser.submit(&page, &path, &[]).await;
    assert!(page.says("Saved."), "{}", page.text());
    let user = &users(&console).await[0];
    assert_eq!((&user["name"], &user["language"]), (&json!("Ada L."), &json!("ko")));
}

#[tokio::test]
async fn the_confirmation_mail_is_sent_again_at_most_once_a_minute() {
    let (console, mut browser, path) = with_user("developer").await;
    console.queue.take_from::<Value>(MAILS);
    let resend = format!("{path}/resend");
    let form = browser.get(&path).await;
    let page = browser.submit(&form, &resend, &[]).await;
    assert!(page.says("The confirmation mail is on its way."), "{}", page.text());
    let page = browser.submit(&page, &resend, &[]).await;
    assert!(page.status == 429 && page.says("Try again in 61 s."), "{}", page.text());
    assert_eq!(console.queue.take_from::<Value>(MAILS).len(), 1);
    assert!(page.form(&path).values.iter().any(|(name, value)| name == "name" && value == "Ada <b>"));
}

#[tokio::test]
async fn a_user_is_deleted_after_one_question() {
    let (console, mut browser, path) = with_user("developer").await;
    let page = browser.get(&path).await;
    let question = browser.get(&page.link(&format!("{path}/delete"))).await;
    assert!(question.says("Delete Ada <b>?") && question.says("ada@acme.example gets no more reports"));
    assert_eq!(users(&console).await.len(), 1);
    let page = browser.submit(&question, "", &[]).await;
    assert_eq!(page.url, "/notification-users?done=deleted");
    assert_eq!(users(&console).await.len(), 0);
    for gone in [path.clone(), format!("{path}/delete")] {
        let page = browser.open(&gone).await;
        assert!(page.status == 404 && page.says("Page not found"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_viewer_sees_users_and_who_may_change_them() {
    let (console, mut browser, path) = with_user("viewer").await;
    for url in [LIST, &path, "/notification-users/new", &format!("{path}/delete")] {
        let page = browser.get(url).await;
        assert!(page.says("Only developers and admins can do this."), "{url}: {}", page.text());
        assert!(!page.html.contains("method=\"post\" class") && !page.html.contains("class=\"danger\""), "{url}");
    }
    for url in [path.clone(), format!("{path}/delete"), format!("{path}/resend"), format!("{LIST}/new")] {
        let page = browser.post(&url, "name=Eve&email=eve%40acme.example&language=en").await;
        assert!(page.status == 403 && page.says("Your role does not allow this"), "{url}: {}", page.text());
    }
    assert_eq!(users(&console).await[0]["name"], "Ada <b>");
}

#[tokio::test]
async fn an_id_that_cannot_exist_has_no_page_and_the_text_of_a_notice_never_comes_from_the_url() {
    let (_console, mut browser, path) = with_user("admin").await;
    for id in ["nonsense", "019ab5e0-0000-7000-8000-000000000000"] {
        assert_eq!(browser.open(&format!("{LIST}/{id}")).await.status, 404);
    }
    for url in [format!("{LIST}?done=hello"), format!("{path}?done=%3Cb%3E")] {
        let page = browser.get(&url).await;
        assert!(!page.html.contains("role=\"status\"") && !page.says("hello"), "{url}");
    }
}

//! The pages about who uses the console.

use serde_json::{Value, json};

use crate::console::TestConsole;

async fn sessions(console: &TestConsole) -> Vec<Value> {
    console.project.list("/console-sessions").await
}

#[tokio::test]
async fn an_admin_ends_the_session_of_another_person_after_one_question() {
    let console = TestConsole::start().await;
    let eve = json!({"user": {"id": "eve", "name": "Eve <b>"}});
    let mut other = console.sign_in_with("viewer", eve).await.0;
    let mut browser = console.sign_in("admin").await;
    let page = browser.get("/access").await;
    assert!(page.says("Eve <b>") && page.says("viewer") && page.says("your session"), "{}", page.text());
    assert!(!page.html.contains("Eve <b>"), "{}", page.html);

    let eve = sessions(&console).await.into_iter().find(|session| session["user"]["id"] == "eve").unwrap();
    let end = format!("/access/{}/end", eve["id"].as_str().unwrap());
    let question = browser.get(&page.link(&end)).await;
    assert!(question.says("signed out within ten seconds"), "{}", question.text());
    assert_eq!(sessions(&console).await.len(), 2);
    let page = browser.submit(&question, "", &[]).await;
    assert!(
        page.url == "/access?done=ended" && page.says("The session is over.") && !page.says("Eve"),
        "{}",
        page.text()
    );
    assert_eq!(sessions(&console).await.len(), 1);
    assert_eq!(other.open("/").await.status, 401);
    let audit = console.project.list("/audit").await;
    assert_eq!(audit[0]["actor"]["type"], "console-user", "{}", audit[0]);
}

#[tokio::test]
async fn ending_all_sessions_ends_the_own_session_and_unopened_links() {
    let console = TestConsole::start().await;
    let unopened = console.link("viewer", json!({})).await;
    let mut browser = console.sign_in("admin").await;
    let question = browser.get("/access/end-all").await;
    assert!(question.says("you included") && question.says("Links that were not opened yet"), "{}", question.text());
    let page = browser.submit(&question, "", &[]).await;
    assert_eq!(page.status, 401, "{}", page.text());
    assert_eq!(console.browser().open(&unopened).await.status, 401);
    assert_eq!(sessions(&console).await.len(), 0);
}

#[tokio::test]
async fn other_roles_see_who_may_end_sessions_and_cannot() {
    let console = TestConsole::start().await;
    let admin = console.sign_in("admin").await;
    for role in ["viewer", "developer"] {
        let mut browser = console.sign_in(role).await;
        let page = browser.get("/access").await;
        assert!(page.says("Only admins can do this.") && !page.html.contains("/end\""), "{}", page.html);
        for session in sessions(&console).await {
            let path = format!("/access/{}/end", session["id"].as_str().unwrap());
            assert!(browser.get(&path).await.says("Only admins can do this."));
            assert_eq!(browser.post(&path, "").await.status, 403);
        }
        assert_eq!(browser.post("/access/end-all", "").await.status, 403);
    }
    assert_eq!(sessions(&console).await.len(), 3);
    drop(admin);
}

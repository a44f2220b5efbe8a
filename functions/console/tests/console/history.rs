//! The pages about changes of settings.

use serde_json::json;

use crate::console::TestConsole;

async fn with_changes() -> TestConsole {
    let console = TestConsole::start().await;
    let first = json!({"url": "https://acme.example/done", "fields": ["userid"]});
    console.project.put("/return-url", first).await.expect(200);
    let second = json!({"url": "https://acme.example/new", "fields": ["userid", "kycStatus"]});
    console.project.put("/return-url", second).await.expect(200);
    console
}

#[tokio::test]
async fn a_change_shows_who_made_it_and_the_values_before_and_after() {
    let console = with_changes().await;
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/history").await;
    assert!(page.says("your provider") && page.says("Return URL") && page.says("created"), "{}", page.text());
    let page = browser.get(&page.link("/history/3")).await;
    assert!(page.says("https://acme.example/done") && page.says("userid, kycStatus"), "{}", page.text());
    assert!(page.says("https://acme.example/new"), "{}", page.text());
    assert!(page.says("Only developers and admins can do this."), "{}", page.text());
    assert_eq!(browser.post("/history/3/revert", "").await.status, 403);
    for unknown in ["/history/99", "/history/x", "/history/-1"] {
        assert_eq!(browser.open(unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn a_change_is_reverted_after_one_question_and_again() {
    let console = with_changes().await;
    let mut browser = console.sign_in("developer").await;
    let url = || async { console.project.get("/return-url").await.expect(200)["url"].clone() };
    let page = browser.get("/history/3").await;
    let question = browser.get(&page.link("/history/3/revert")).await;
    assert!(question.says("url becomes: https://acme.example/done"), "{}", question.text());
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.url == "/history?done=reverted" && page.says("The change is reverted."), "{}", page.text());
    assert_eq!(url().await, "https://acme.example/done");
    let page = browser.get("/history/4").await;
    assert!(page.says("This change reverted an earlier one.") && page.says("Ada Kim"), "{}", page.text());
    assert_eq!(page.link("/history/3"), "/history/3");

    let question = browser.get("/history/2/revert").await;
    assert!(question.says("The return URL is removed."), "{}", question.text());
    browser.submit(&question, "", &[]).await;
    assert_eq!(console.project.get("/return-url").await.problem().0, 404);
}

#[tokio::test]
async fn a_change_that_cannot_be_reverted_says_so() {
    let console = TestConsole::start().await;
    console.project.post("/api-keys", json!({"name": "server"})).await.expect(201);
    let mut browser = console.sign_in("admin").await;
    let page = browser.get("/history/2").await;
    assert!(page.says("API key") && !page.html.contains("/revert"), "{}", page.html);
    let question = browser.get("/history/2/revert").await;
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.status == 409 && page.html.contains("role=\"alert\""), "{}", page.html);
}

#[tokio::test]
async fn a_long_history_has_pages() {
    let console = TestConsole::start().await;
    for number in 0..30 {
        console.project.patch("", json!({"name": format!("Acme {number}")})).await.expect(200);
    }
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/history").await;
    let count = |page: &crate::browser::Page| page.links().iter().filter(|link| link.starts_with("/history/")).count();
    assert_eq!(count(&page), 25);
    let older = browser.get(&page.link("/history?cursor=")).await;
    assert_eq!(count(&older), 6);
    assert!(older.says("Newest") && !older.says("Older"), "{}", older.text());
}

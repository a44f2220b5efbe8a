//! The overview.

use serde_json::json;

use crate::console::TestConsole;

#[tokio::test]
async fn a_new_project_shows_the_steps_that_are_missing() {
    let console = TestConsole::start().await;
    for (language, step) in [
        ("en", "No server gets webhooks yet."),
        ("ko", "아직 웹훅을 받는 서버가 없습니다."),
        ("es", "Ningún servidor recibe webhooks"),
    ] {
        let (_, page) = console.sign_in_with("viewer", json!({"language": language})).await;
        assert!(page.status == 200 && page.url == "/" && page.says(step), "{}", page.text());
        for link in ["/endpoints/new", "/return-url", "/notification-users/new", "/addresses", "/reports/today"] {
            assert!(page.links().iter().any(|one| one == link), "{link}: {:?}", page.links());
        }
        assert!(page.says("198.51.100.1"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_project_that_is_set_up_and_well_says_so() {
    let console = TestConsole::start().await;
    console.project.create_endpoint().await;
    console.project.put("/return-url", json!({"url": "https://acme.example/x", "fields": []})).await.expect(200);
    let user = json!({"name": "Ada", "email": "ada@acme.example", "language": "en"});
    console.project.post("/notification-users", user).await.expect(201);
    let key = json!({"name": "old", "expiresAt": "2027-12-06T08:30:00Z"});
    console.project.post("/api-keys", key).await.expect(201);
    let (_, page) = console.sign_in_with("viewer", json!({})).await;
    assert!(page.says("All is well") && !page.says("Still to set up"), "{}", page.text());
}

#[tokio::test]
async fn keys_that_end_soon_are_trouble() {
    let console = TestConsole::start().await;
    let key = json!({"name": "<b>old", "expiresAt": "2026-12-06T08:29:00Z"});
    console.project.post("/api-keys", key).await.expect(201);
    console.project.post("/api-keys", json!({"name": "fine", "expiresAt": "2026-12-07T08:30:00Z"})).await.expect(201);
    let (mut browser, page) = console.sign_in_with("admin", json!({})).await;
    assert!(page.says("API key “<b>old” ends soon") && !page.says("“fine”") && !page.html.contains("<b>old"));
    let page = browser.get(&page.link("/api-keys/0")).await;
    assert!(page.says("Rotate <b>old"), "{}", page.text());
}

//! The pages about API keys.

use serde_json::json;

use crate::browser::{Browser, Page};
use crate::console::TestConsole;
use crate::html::Form;

/// The key on the page that shows it once.
fn shown_key(page: &Page) -> String {
    let at = page.html.find("sp_live_").unwrap_or_else(|| panic!("no key: {}", page.text()));
    page.html[at..].split('<').next().unwrap().to_owned()
}

async fn add(browser: &mut Browser, name: &str) -> Page {
    let form = browser.get("/api-keys/new").await;
    browser.submit(&form, "", &[("name", name)]).await
}

#[tokio::test]
async fn an_admin_creates_a_key_and_sees_it_once() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let page = browser.get("/api-keys").await;
    assert!(page.says("There is no API key yet."), "{}", page.text());
    let form = browser.get(&page.link("/api-keys/new")).await;
    let changes = [
        ("name", "back <b>office"),
        ("expiresAt", "2026-12-31"),
        ("allowedCidrs", "203.0.113.0/24\r\n\r\n198.51.100.7"),
    ];
    let page = browser.submit(&form, "", &changes).await;
    assert!(page.status == 200 && page.url == "/api-keys/new" && page.says("Copy the key now"), "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    let key = shown_key(&page);
    let client = console.project.with_key(&key).with_source_ip("203.0.113.9");
    client.get("/endpoints").await.expect(200);
    assert_eq!(client.post("/endpoints", json!({})).await.problem().0, 403, "a new key may only read");

    let stored = &console.project.list("/api-keys").await[0];
    assert_eq!(stored["expiresAt"], "2026-12-31T23:59:59.000Z");
    assert_eq!(stored["allowedCidrs"], json!(["203.0.113.0/24", "198.51.100.7/32"]));
    assert_eq!(stored["scopes"], json!(["settings:read", "deliveries:read"]));
    for path in ["/api-keys", &format!("/api-keys/{}", stored["id"].as_str().unwrap())] {
        let page = browser.get(path).await;
        assert!(page.says("back <b>office") && !page.html.contains("<b>office") && !page.html.contains(&key));
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_creates_one_key() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let form = browser.get("/api-keys/new").await;
    let first = browser.submit(&form, "", &[("name", "server")]).await;
    let again = browser.submit(&form, "", &[("name", "server")]).await;
    assert_eq!(shown_key(&first), shown_key(&again));
    assert_eq!(console.project.list("/api-keys").await.len(), 1);
}

#[tokio::test]
async fn errors_are_beside_their_fields_and_what_was_typed_stays() {
    let console = TestConsole::start().await;
    for (language, name, expiry) in [
        ("en", "Is required.", "Must be in the future."),
        ("ko", "필수 항목입니다.", "미래여야 합니다."),
        ("es", "Es obligatorio.", "Debe estar en el futuro."),
    ] {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let form = browser.get("/api-keys/new").await;
        let page = browser.submit(&form, "", &[("name", ""), ("scopes", "settings:read")]).await;
        assert_eq!((page.status, page.error("name").as_str()), (422, name));
        let changes = [("name", "server"), ("expiresAt", "2026-01-01"), ("allowedCidrs", "10.0.0.0/8")];
        let page = browser.submit(&form, "", &changes).await;
        assert_eq!((page.status, page.error("expiresAt").as_str()), (422, expiry));
        let Form { values, .. } = page.form("");
        for kept in [("name", "server"), ("expiresAt", "2026-01-01"), ("allowedCidrs", "10.0.0.0/8")] {
            assert!(values.contains(&(kept.0.to_owned(), kept.1.to_owned())), "{kept:?} of {values:?}");
        }
        let page = browser.submit(&form, "", &[("name", "server"), ("allowedCidrs", "10.0.0.0/33")]).await;
        assert!(page.status == 422 && !page.error("allowedCidrs").is_empty(), "{}", page.text());
    }
    assert_eq!(console.project.list("/api-keys").await.len(), 0);
}

#[tokio::test]
async fn an_admin_gives_a_key_scopes_of_the_product() {
    let console = TestConsole::start().await;
    for (language, label) in
        [("en", "Use the product's own API"), ("ko", "제품 API 사용"), ("es", "Usar la API propia del producto")]
    {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let form = browser.get("/api-keys/new").await;
        assert!(form.says(label) && form.says("submissions:review"), "{}", form.text());
        browser.submit(&form, "", &[("name", "server"), ("scopes", "submissions:read")]).await;
        let key = browser.get("/api-keys").await.link("/api-keys/0");
        let page = browser.get(&key).await;
        assert!(
            page.says(label) && page.says("submissions:read") && !page.says("submissions:review"),
            "{}",
            page.text()
        );
    }
    let scopes = &console.project.list("/api-keys").await[0]["scopes"];
    assert!(scopes.to_string().contains("submissions:read"), "{scopes}");
    let mut browser = console.sign_in("admin").await;
    let history = browser.get("/history").await.link("/history/");
    assert!(browser.get(&history).await.says("submissions:read"));
}

#[tokio::test]
async fn a_rotated_key_keeps_working_during_the_overlap() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let old = shown_key(&add(&mut browser, "server").await);
    let path = browser.get("/api-keys").await.link("/api-keys/0");
    let page = browser.get(&path).await;
    assert!(page.says("The key never expires.") && page.says("works from all networks"), "{}", page.text());
    let form = browser.get(&page.link(&format!("{path}/rotate"))).await;
    let refused = browser.submit(&form, "", &[("overlapDays", "31")]).await;
    assert!(refused.status == 422 && !refused.error("overlapDays").is_empty(), "{}", refused.text());
    let page = browser.submit(&refused, "", &[("overlapDays", "1"), ("expiresAt", "2026-12-31")]).await;
    let new = shown_key(&page);
    for key in [&old, &new] {
        console.project.with_key(key).get("/endpoints").await.expect(200);
    }
    let days = console.project.list("/api-keys").await;
    let mut ends: Vec<_> = days.iter().map(|key| key["expiresAt"].as_str().unwrap().to_owned()).collect();
    ends.sort();
    assert_eq!(ends, ["2026-11-23T08:30:00.000Z", "2026-12-31T23:59:59.000Z"]);
}

#[tokio::test]
async fn a_key_is_revoked_after_one_question() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let key = shown_key(&add(&mut browser, "server").await);
    let path = browser.get("/api-keys").await.link("/api-keys/0");
    let question = browser.get(&format!("{path}/revoke")).await;
    assert!(question.says("Revoke server?") && question.says("The key was never used."), "{}", question.text());
    console.project.with_key(&key).get("/endpoints").await.expect(200);
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.url == "/api-keys?done=revoked" && page.says("The key is revoked."), "{}", page.text());
    assert_eq!(console.project.list("/api-keys").await.len(), 0);
    assert_eq!(browser.open(&path).await.status, 404);
}

#[tokio::test]
async fn other_roles_see_who_may_change_keys_and_cannot() {
    let console = TestConsole::start().await;
    let mut admin = console.sign_in("admin").await;
    add(&mut admin, "server").await;
    let path = admin.get("/api-keys").await.link("/api-keys/0");
    for role in ["viewer", "developer"] {
        let mut browser = console.sign_in(role).await;
        for page in ["/api-keys", "/api-keys/new", &path, &format!("{path}/rotate"), &format!("{path}/revoke")] {
            assert!(browser.get(page).await.says("Only admins can do this."), "{role} {page}");
        }
        for form in ["/api-keys/new", &format!("{path}/rotate"), &format!("{path}/revoke")] {
            assert_eq!(browser.post(form, "name=x&overlapDays=0").await.status, 403, "{role} {form}");
        }
    }
    assert_eq!(console.project.list("/api-keys").await.len(), 1);
}

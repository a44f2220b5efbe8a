//! The pages about the return URL.

use axum::http::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, FORM, Page};
use crate::console::TestConsole;

async fn settings(console: &TestConsole) -> Value {
    console.project.get("/return-url").await.expect(200)
}

/// Creates a key with the browser, and returns the page that shows it.
async fn create_key(browser: &mut Browser) -> Page {
    let form = browser.get("/return-url/keys/new").await;
    let page = browser.submit(&form, "", &[]).await;
    assert!(page.status == 200 && page.says("Copy the secretKey now"), "{}", page.text());
    page
}

const URL: (&str, &str) = ("url", "https://acme.example/done?lang=en");

#[tokio::test]
async fn a_developer_sets_a_return_url_and_sees_what_a_site_gets() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let page = browser.get("/return-url").await;
    assert!(page.says("No return URL is set.") && page.says("The preview appears when"), "{}", page.text());
    let changes = [URL, ("fields", "userid"), ("fields", "errorCode"), ("skipResultPage", "true")];
    let page = browser.submit(&page, "/return-url", &changes).await;
    assert!(page.url == "/return-url?done=saved" && page.says("Saved."), "{}", page.text());
    assert!(page.says("https://acme.example/done?lang=en&userid={userid} "), "{}", page.text());
    assert!(page.says("&userid={userid}&errorCode={errorCode}"), "{}", page.text());
    assert!(page.says("Anybody can change the result in this URL."), "{}", page.text());
    let stored = settings(&console).await;
    assert_eq!(stored["fields"], json!(["userid", "errorCode"]));
    assert_eq!((&stored["skipResultPage"], &stored["signed"]), (&json!(true), &json!(false)));

    let page = browser.submit(&page, "/return-url", &[("fields", "kycStatus")]).await;
    assert!(page.says("Nothing in this URL names the person.") && page.says("no button back"), "{}", page.text());
    assert_eq!(settings(&console).await["skipResultPage"], true);
}

#[tokio::test]
async fn the_preview_follows_the_form_and_stores_nothing() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let body = "url=https%3A%2F%2Facme.example%2Fdone%3Flang%3Den&fields=kycStatus&encryption=aes-256-ecb";
    let page = browser.post("/return-url/preview", body).await;
    assert!(page.status == 200 && page.says("lang=en&encrypted={encrypted}"), "{}", page.text());
    assert!(page.form("/return-url").values.contains(&(URL.0.to_owned(), URL.1.to_owned())));
    let page = browser.post("/return-url/preview", "url=http%3A%2F%2Facme.example&encryption=none").await;
    assert_eq!((page.status, page.error("url").is_empty()), (422, false));

    let fragment = [FORM[0], FORM[1], ("x-fragment", "1")];
    let body = "url=https%3A%2F%2Facme.example&fields=email&encryption=none&signed=true";
    let part = browser.send(Method::POST, "/return-url/preview", body, &fragment).await;
    assert!(part.html.contains("https://acme.example?email={email}&#38;ts={ts}&#38;nonce={nonce}&#38;sig={sig}"));
    assert!(part.html.trim_start().starts_with("<h2>") && !part.html.contains("<html"), "{}", part.html);
    let part = browser.send(Method::POST, "/return-url/preview", "url=x&encryption=none", &fragment).await;
    assert!(part.status == 200 && part.says("The preview appears when the URL is valid."), "{}", part.text());
    console.project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn errors_are_beside_their_fields_and_what_was_typed_stays() {
    let console = TestConsole::start().await;
    for (language, wrong) in [("en", "Must be https;"), ("ko", "https여야 합니다."), ("es", "Debe ser https")] {
        let (mut browser, _) = console.sign_in_with("developer", json!({"language": language})).await;
        let form = browser.get("/return-url").await;
        let changes = [("url", "http://acme.example/<b>"), ("fields", "email"), ("signed", "true")];
        let page = browser.submit(&form, "/return-url", &changes).await;
        assert!(page.status == 422 && !page.html.contains("<b>\""), "{}", page.html);
        let page = browser.submit(&form, "/return-url", &[("url", "http://acme.example"), ("signed", "true")]).await;
        assert!(page.error("url").starts_with(wrong), "{}", page.error("url"));
        let kept = page.form("/return-url").values;
        for (name, value) in [("url", "http://acme.example"), ("signed", "true")] {
            assert!(kept.contains(&(name.to_owned(), value.to_owned())), "{name}: {kept:?}");
        }
        let page = browser.submit(&form, "/return-url", &[URL, ("signed", "true")]).await;
        assert!(
            page.status == 422 && !page.error("signed").is_empty() && !page.html.contains("POST …"),
            "{}",
            page.html
        );
    }
    console.project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn an_admin_creates_a_key_that_is_shown_once_and_signs() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    assert!(browser.get("/return-url/keys").await.says("There is no secretKey yet."));
    let page = create_key(&mut browser).await;
    let key = page.html.split("id=\"secret-key\"").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().to_owned();
    assert_eq!(key.len(), 32, "{key}");
    assert_eq!(page.header("cache-control"), "no-store");
    let list = browser.get("/return-url/keys").await;
    assert!(list.says("current") && !list.html.contains(&key), "{}", list.html);

    let form = browser.get("/return-url").await;
    let page = browser.submit(&form, "/return-url", &[URL, ("fields", "userid"), ("signed", "true")]).await;
    assert!(page.says("&ts={ts}&nonce={nonce}&sig={sig}") && !page.says("Anybody can change"), "{}", page.text());
}

#[tokio::test]
async fn a_next_key_is_activated_and_the_previous_one_deleted_each_after_one_question() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    create_key(&mut browser).await;
    create_key(&mut browser).await;
    let list = browser.get("/return-url/keys").await;
    assert!(list.says("next") && list.says("current"), "{}", list.text());
    let activate = list.links().into_iter().find(|link| link.ends_with("/activate")).unwrap();
    let question = browser.get(&activate).await;
    let list = browser.submit(&question, "", &[]).await;
    assert!(list.says("The secretKey is in use.") && list.says("previous") && !list.says("next"), "{}", list.text());
    let delete = list.links().into_iter().find(|link| link.ends_with("/delete")).unwrap();
    let question = browser.get(&delete).await;
    assert!(question.says("A deleted secretKey cannot be brought back."), "{}", question.text());
    let list = browser.submit(&question, "", &[]).await;
    assert!(list.says("The secretKey is deleted.") && !list.says("previous"), "{}", list.text());
    let refused = browser.post(&delete, "").await;
    assert_eq!(refused.status, 404, "{}", refused.text());
}

#[tokio::test]
async fn a_key_of_ones_own_is_accepted_and_never_shown_again_after_a_mistake() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let form = browser.get("/return-url/keys/new").await;
    let page = browser.submit(&form, "", &[("secretKey", "too-short-secret")]).await;
    assert!(page.status == 422 && !page.error("secretKey").is_empty(), "{}", page.text());
    assert!(!page.html.contains("too-short-secret"), "{}", page.html);
    let own = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY";
    let page = browser.submit(&page, "", &[("secretKey", own)]).await;
    assert!(page.status == 200 && page.html.contains(own), "{}", page.text());
}

#[tokio::test]
async fn a_pasted_url_is_checked_in_words() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    create_key(&mut browser).await;
    let form = browser.get("/return-url").await;
    browser
        .submit(&form, "/return-url", &[("url", "https://acme.example"), ("fields", "userid"), ("signed", "true")])
        .await;
    let form = browser.get("/return-url/check").await;
    for (url, says) in [
        ("https://acme.example?userid=%3Cb%3E", "It has no signature"),
        ("https://other.example", "It does not begin with your return URL."),
        (
            "https://acme.example?userid=a&ts=1795336200&nonce=AAAAAAAAAAAAAAAAAAAAAA&sig=v1,AAAA",
            "Do not trust this URL.",
        ),
    ] {
        let page = browser.submit(&form, "", &[("url", url)]).await;
        assert!(page.status == 200 && page.says(says), "{url}: {}", page.text());
    }
    let mut viewer = console.sign_in("viewer").await;
    assert!(viewer.get("/return-url/check").await.says("Only developers and admins can do this."));
    assert_eq!(viewer.post("/return-url/check", "url=https%3A%2F%2Facme.example").await.status, 403);
}

#[tokio::test]
async fn without_a_return_url_the_check_says_that_there_is_none() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let form = browser.get("/return-url/check").await;
    assert!(!form.says("No return URL is set."), "{}", form.text());
    let page = browser.submit(&form, "", &[("url", "https://acme.example?userid=1")]).await;
    assert!(page.status == 200 && page.says("No return URL is set."), "{}", page.text());
    assert!(page.html.contains("https://acme.example?userid=1"), "what was pasted stays");
}

#[tokio::test]
async fn the_return_url_is_deleted_after_one_question() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let form = browser.get("/return-url").await;
    let page = browser.submit(&form, "/return-url", &[URL]).await;
    let question = browser.get(&page.link("/return-url/delete")).await;
    assert!(question.says("People then stay on the result page."), "{}", question.text());
    settings(&console).await;
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.says("The return URL is deleted."), "{}", page.text());
    console.project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn a_change_by_another_person_is_not_overwritten() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let form = browser.get("/return-url").await;
    let page = browser.submit(&form, "/return-url", &[URL]).await;
    console.project.put("/return-url", json!({"url": "https://acme.example/other", "fields": []})).await.expect(200);
    let refused = browser.submit(&page, "/return-url", &[URL]).await;
    assert!(refused.status == 412 && refused.says("Somebody changed this meanwhile"), "{}", refused.text());
    let page = browser.submit(&refused, "/return-url", &[]).await;
    assert!(page.says("Saved."), "{}", page.text());
    assert_eq!(settings(&console).await["url"], URL.1);
}

#[tokio::test]
async fn roles_see_who_may_change_what_and_cannot() {
    let console = TestConsole::start().await;
    console.project.put("/return-url", json!({"url": "https://acme.example/x", "fields": ["email"]})).await.expect(200);
    let key = console.project.post("/return-url/keys", json!({})).await.expect(201);
    let key = format!("/return-url/keys/{}", key["id"].as_str().unwrap());
    let mut viewer = console.sign_in("viewer").await;
    let page = viewer.get("/return-url").await;
    assert!(
        page.says("https://acme.example/x?email={email}") && page.says("Only developers and admins"),
        "{}",
        page.text()
    );
    assert_eq!(viewer.post("/return-url", "url=https%3A%2F%2Fevil.example").await.status, 403);
    assert_eq!(viewer.post("/return-url/delete", "").await.status, 403);
    for role in ["viewer", "developer"] {
        let mut browser = console.sign_in(role).await;
        for page in ["/return-url/keys", "/return-url/keys/new", &format!("{key}/activate"), &format!("{key}/delete")] {
            assert!(browser.get(page).await.says("Only admins can do this."), "{role} {page}");
        }
        for form in ["/return-url/keys/new", &format!("{key}/activate"), &format!("{key}/delete")] {
            assert_eq!(browser.post(form, "").await.status, 403, "{role} {form}");
        }
    }
    assert_eq!(settings(&console).await["url"], "https://acme.example/x");
}

//! The secrets of an endpoint: the signing secret and the key pair.

use serde_json::json;

use crate::console::TestConsole;
use crate::endpoints::Site;

#[tokio::test]
async fn an_admin_creates_a_new_secret_that_is_shown_once_and_ends_the_old_one() {
    let mut site = Site::start("admin").await;
    let secrets = format!("{}/secrets", site.path);
    let form = site.browser.get(&secrets).await;
    assert!(form.says("It cannot be shown again") && form.says("generated here"), "{}", form.text());
    let page = site.browser.submit(&form, &secrets, &[("overlapDays", "7")]).await;
    assert_eq!((page.status, page.html.matches("whsec_").count()), (200, 1));
    assert!(page.says("The old secret signs too until 2026-11-29 08:30 UTC"), "{}", page.text());
    assert_eq!(page.link(&format!("{}/test", site.path)), format!("{}/test", site.path));
    let again = site.browser.submit(&form, &secrets, &[("overlapDays", "7")]).await;
    assert_eq!(again.html, page.html, "a reload shows the same secret and creates no other");

    let page = site.browser.get(&secrets).await;
    assert!(page.says("The previous secret signs too until 2026-11-29 08:30 UTC"), "{}", page.text());
    let question = site.browser.get(&page.link(&format!("{secrets}/end-previous"))).await;
    assert!(question.says("rejects all webhooks"), "{}", question.text());
    let page = site.browser.submit(&question, "", &[]).await;
    assert_eq!(page.url, format!("{secrets}?done=ended"));
    assert!(page.says("The previous secret no longer signs."), "{}", page.text());
    assert_eq!(site.endpoint_now().await.get("previousSecretsUntil"), None);
}

#[tokio::test]
async fn a_secret_can_be_brought_along_and_a_bad_one_is_refused_beside_its_field() {
    let mut site = Site::start("admin").await;
    let secrets = format!("{}/secrets", site.path);
    let form = site.browser.get(&secrets).await;
    let page =
        site.browser.submit(&form, &secrets, &[("overlapDays", "soon"), ("signingSecret", "whsec_hunter2")]).await;
    assert_eq!(page.status, 422);
    assert!(page.error("signingSecret").starts_with("Must be whsec_"), "{}", page.text());
    assert!(!page.error("overlapDays").is_empty() && !page.html.contains("hunter2"), "{}", page.text());
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let page = site.browser.submit(&page, &secrets, &[("overlapDays", "1"), ("signingSecret", own)]).await;
    assert!(page.says(own) && page.says("The old secret signs too until 2026-11-23 08:30 UTC"), "{}", page.text());
    assert!(site.browser.get(&secrets).await.says("brought along"));
    let form = site.browser.get(&secrets).await;
    let page = site.browser.submit(&form, &secrets, &[("signingSecret", own)]).await;
    assert!(page.error("signingSecret").starts_with("Already signs"), "{}", page.text());
}

#[tokio::test]
async fn a_secret_is_replaced_at_once_only_after_a_question() {
    let mut site = Site::start("admin").await;
    let secrets = format!("{}/secrets", site.path);
    let form = site.browser.get(&secrets).await;
    let before = site.endpoint_now().await;
    let question = site.browser.submit(&form, &secrets, &[("overlapDays", "0")]).await;
    assert_eq!((question.url.clone(), site.endpoint_now().await), (form.link(&format!("{secrets}/replace")), before));
    assert!(question.says("Your server rejects all webhooks until it uses the new secret."), "{}", question.text());

    let page = site.browser.submit(&question, "", &[("signingSecret", "whsec_hunter2")]).await;
    assert!(page.status == 422 && page.error("signingSecret").starts_with("Must be whsec_"), "{}", page.text());
    assert!(!page.html.contains("hunter2"), "{}", page.html);
    let page = site.browser.submit(&page, "", &[]).await;
    assert!(page.says("The old secret no longer signs.") && page.html.contains("whsec_"), "{}", page.text());
    assert_eq!(site.endpoint_now().await.get("previousSecretsUntil"), None);
    let again = site.browser.submit(&question, "", &[]).await;
    assert_eq!(again.html, page.html, "pressing the button twice creates one secret");
}

#[tokio::test]
async fn the_page_leads_to_the_secret_keys_that_encrypt_bodies() {
    let mut site = Site::start("admin").await;
    site.console.project.post("/return-url/keys", json!({})).await.expect(201);
    site.endpoint.patch("", json!({"encryption": "aes-256-gcm"})).await.expect(200);
    let page = site.browser.get(&format!("{}/secrets", site.path)).await;
    let keys = site.browser.get(&page.link("/return-url/")).await;
    assert!(keys.url == "/return-url/keys" && keys.says("current"), "{}", keys.text());
}

#[tokio::test]
async fn the_public_key_is_shown_only_if_the_endpoint_signs_with_it() {
    let mut site = Site::start("admin").await;
    let page = site.browser.get(&format!("{}/secrets", site.path)).await;
    assert!(page.says("This endpoint does not use it.") && !page.says("jwks.json"), "{}", page.text());

    let settings = json!({"signatures": ["v1", "v1a"], "headers": {"x-a": "hunter2"}});
    let mut site = Site::with(TestConsole::start().await, "admin", settings).await;
    let secrets = format!("{}/secrets", site.path);
    let page = site.browser.get(&secrets).await;
    let project = site.console.project.string("id");
    assert!(page.says(&format!("https://api.signpost.example.com/v1/projects/{project}/jwks.json")), "{}", page.text());
    assert!(page.says("x-a") && !page.says("hunter2"), "{}", page.text());
    let question = site.browser.get(&page.link(&format!("{secrets}/rotate-key"))).await;
    assert!(question.says("all endpoints of this project"), "{}", question.text());
    let page = site.browser.submit(&question, "", &[]).await;
    assert!(page.says("The new public key is listed."), "{}", page.text());
    let keys = site.console.project.get("/jwks.json").await.expect(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}

//! The page that explains why a webhook does not verify.

use domain::foundation::id::EventId;
use domain::webhooks::signature::SigningSecret;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::endpoints::Site;
use crate::fixture::now;

/// A published event and its webhook.
struct Webhook {
    headers: String,
    body: String,
    secret: SigningSecret,
    event: EventId,
}

impl Site {
    async fn webhook(&self) -> Webhook {
        let data = json!({"type": "approved", "data": {"name": "Ada <b>", "note": "Zoë"}});
        let published = self.console.project.post("/events", data).await.expect(202);
        let event: EventId = published["id"].as_str().unwrap().parse().unwrap();
        let project = self.console.project.string("id");
        let body = format!(
            r#"{{"type":"approved","timestamp":"{}","id":"{event}","projectId":"{project}","data":{{"name":"Ada <b>","note":"Zoë"}}}}"#,
            now()
        );
        let secret: SigningSecret = self.endpoint.string("signingSecret").parse().unwrap();
        let signature = secret.sign(event, now(), body.as_bytes());
        let headers = format!(
            "webhook-id: {event}\r\nwebhook-timestamp: {}\r\nwebhook-signature: {signature}",
            now().as_seconds()
        );
        Webhook { headers, body, secret, event }
    }

    async fn check(&mut self, headers: &str, body: &str, computed: &str) -> Page {
        let form = self.browser.get(&format!("{}/verify", self.path)).await;
        let fields = [("headers", headers), ("body", body), ("computedSignature", computed)];
        self.browser.submit(&form, "", &fields).await
    }
}

#[tokio::test]
async fn a_developer_learns_what_differs_and_how_to_mend_it() {
    let mut site = Site::start("developer").await;
    let Webhook { headers, body, secret, event } = site.webhook().await;
    let without_id = headers.split_once("\r\n").unwrap().1.to_owned();
    for (headers, body, expected) in [
        (&headers, body.clone(), "so the mistake is in the code"),
        (&headers, body.replace(',', ", "), "the same JSON with other white space"),
        (&headers, format!("{body}\r\n"), "white space around it"),
        (&headers, body[..20].to_owned(), "cut off after 20 of"),
        (&headers, body.replace("Ada", "Eve"), "first at /data/name"),
        (&without_id, body.clone(), "The header webhook-id is missing."),
    ] {
        let page = site.check(headers, &body, "").await;
        assert!(page.status == 200 && page.says(expected), "{expected}: {}", page.text());
        let is_right = expected.starts_with("so the mistake");
        assert_eq!(page.says("the signature is right"), is_right, "{}", page.text());
        let values = &page.form("").values;
        assert!(
            values.contains(&("body".to_owned(), body.clone()))
                && values.contains(&("headers".to_owned(), headers.clone()))
        );
        assert!(!page.html.contains("Ada <b>"), "what was pasted is escaped");
    }
    let computed = secret.sign(event, now(), b"");
    let page = site.check(&headers, &body, &computed).await;
    assert!(page.says("Your code signs an empty body") && page.says("the signature is right"), "{}", page.text());
}

#[tokio::test]
async fn a_body_whose_line_breaks_the_browser_changed_is_still_right() {
    let mut site = Site::start("admin").await;
    let Webhook { secret, event, .. } = site.webhook().await;
    let body = "{\n  \"a\": 1\n}";
    let signature = secret.sign(event, now(), body.as_bytes());
    let headers =
        format!("webhook-id: {event}\nwebhook-timestamp: {}\nwebhook-signature: {signature}", now().as_seconds());
    let page = site.check(&headers, &body.replace('\n', "\r\n"), "").await;
    assert!(page.says("the signature is right"), "{}", page.text());
}

#[tokio::test]
async fn another_endpoint_and_the_secrets_are_one_link_away() {
    let mut site = Site::start("admin").await;
    let Webhook { headers, body, .. } = site.webhook().await;
    let other = site.console.project.create_endpoint().await;
    let first = std::mem::replace(&mut site.path, format!("/endpoints/{}", other.string("id")));
    let page = site.check(&headers, &body, "").await;
    assert!(page.says("The webhook was sent to another endpoint."), "{}", page.text());
    assert!(page.links().contains(&first), "{:?}", page.links());
    site.endpoint.post("/signing-secret/rotate", json!({"overlapDays": 0})).await.expect(200);
    let page = site.check(&headers, &body, "").await;
    assert!(page.says("None of the secrets known here") && page.links().contains(&format!("{}/secrets", site.path)));
}

#[tokio::test]
async fn nothing_that_is_pasted_is_stored_or_too_large_to_be_refused_in_words() {
    let mut site = Site::start("developer").await;
    let audit: Vec<Value> = site.console.project.list("/audit").await;
    let page = site.check("<script>: x", "<script>alert(1)</script>", "hunter2").await;
    assert!(
        page.status == 200 && !page.html.contains("<script>a") && !page.html.contains("<script>:"),
        "{}",
        page.text()
    );
    let page = site.check("", &"x".repeat(512 * 1024 + 1), "").await;
    assert!(page.status == 422 && !page.error("body").is_empty(), "{}", page.text());
    let page = site.check("", &"x".repeat(1024 * 1024), "").await;
    assert!(page.status == 413, "{}", page.text());
    assert_eq!(site.console.project.list("/audit").await, audit);
}

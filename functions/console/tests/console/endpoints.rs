//! Endpoints: the list, adding, changing, pausing, discarding held webhooks, deleting.

use std::time::Duration;

use domain::foundation::id::{EndpointId, ProjectId};
use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::event::EventType;
use domain::webhooks::health::HoldReason;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::client::Resource;
use crate::console::TestConsole;
use crate::fixture::{UNKNOWN_ID, attempt, now};

const LIST: &str = "/endpoints";

/// A console with one endpoint.
pub(crate) struct Site {
    pub(crate) console: TestConsole,
    pub(crate) endpoint: Resource,
    pub(crate) browser: Browser,
    /// The path of the endpoint's page.
    pub(crate) path: String,
}

impl Site {
    pub(crate) async fn start(role: &str) -> Self {
        Self::with(TestConsole::start().await, role, json!({"description": "CRM <b>"})).await
    }

    /// Adds an endpoint with these settings and signs in.
    pub(crate) async fn with(console: TestConsole, role: &str, settings: Value) -> Self {
        let mut body = json!({"url": "https://hooks.example.com/kyc?a=1&b=2"});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let endpoint = console.project.create(LIST, body).await;
        let (path, browser) = (format!("{LIST}/{}", endpoint.string("id")), console.sign_in(role).await);
        Self { console, endpoint, browser, path }
    }

    pub(crate) async fn endpoint_now(&self) -> Value {
        self.endpoint.get("").await.expect(200)
    }

    /// Changes the endpoint's health as an attempt with this result does.
    async fn after(&self, attempt: &Attempt) {
        let (project, endpoint): (ProjectId, EndpointId) = (self.console.project.id(), self.endpoint.id());
        let policy = "failures=1,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".parse().unwrap();
        let stored = self.console.store.health.get_now(project, endpoint).await.unwrap();
        let next = stored.next(stored.health.clone().after(attempt, None, &policy), None);
        self.console.store.health.put(&next).await.unwrap();
    }

    pub(crate) async fn hold(&self, count: usize) {
        let (project, endpoint): (ProjectId, EndpointId) = (self.console.project.id(), self.endpoint.id());
        for _ in 0..count {
            let event = self.console.store_event(EventType::Approved, now(), project, &[endpoint]).await;
            let delivery = Delivery::queued(&event, endpoint).held(HoldReason::Paused);
            self.console.store.deliveries.record_held(&delivery, now()).await.unwrap();
        }
    }
}

fn failed(reason: FailureReason, status: Option<u16>) -> Attempt {
    Attempt { status, ..attempt(Some(reason)) }
}

#[tokio::test]
async fn a_developer_adds_an_endpoint_and_sees_its_secret_once() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("developer").await;
    let list = browser.get(LIST).await;
    assert!(list.says("No server gets webhooks yet"), "{}", list.text());
    let form = browser.get(&list.link("/endpoints/new")).await;
    assert!(form.says("The submission was approved") && form.says("Only admins set headers"), "{}", form.text());
    let fields = [("url", " https://hooks.example.com/kyc "), ("eventTypes", "approved"), ("eventTypes", "rejected")];
    let page = browser.submit(&form, "", &fields).await;
    assert_eq!((page.status, page.url.as_str()), (200, "/endpoints/new"));
    assert!(page.says("The endpoint was added") && page.says("It is shown only now"), "{}", page.text());
    let [endpoint] = &*console.project.list(LIST).await else { panic!("not one endpoint") };
    assert_eq!(endpoint["url"], "https://hooks.example.com/kyc");
    assert_eq!(endpoint["eventTypes"], json!(["approved", "rejected"]));
    let path = format!("{LIST}/{}", endpoint["id"].as_str().unwrap());
    assert_eq!((page.link(&format!("{path}/test")), page.html.matches("whsec_").count()), (format!("{path}/test"), 1));

    // A reload sends the form again and gets the same answer.
    let again = browser.submit(&form, "", &fields).await;
    assert_eq!((again.html == page.html, console.project.list(LIST).await.len()), (true, 1));
    for url in [LIST, &path, &format!("{path}/secrets")] {
        assert!(!browser.get(url).await.says("whsec_C"), "{url}");
    }
}

#[tokio::test]
async fn an_admin_brings_headers_and_a_secret_along() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let form = browser.get("/endpoints/new").await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let fields = [
        ("url", "https://hooks.example.com/"),
        ("headers", "Authorization: Bearer hunter2\r\nx-a: 1"),
        ("signingSecret", secret),
        ("encryption", "none"),
        ("signatures", "v1a"),
    ];
    let page = browser.submit(&form, "", &fields).await;
    assert!(page.says(secret), "{}", page.text());
    let [endpoint] = &*console.project.list(LIST).await else { panic!("not one endpoint") };
    assert_eq!(
        (&endpoint["headerNames"], &endpoint["signatures"]),
        (&json!(["authorization", "x-a"]), &json!(["v1a"]))
    );
    assert_eq!((&endpoint["secretBroughtAlong"], &endpoint["eventTypes"]), (&json!(true), &Value::Null));
    let page = browser.get(&format!("{LIST}/{}", endpoint["id"].as_str().unwrap())).await;
    assert!(page.says("authorization") && !page.says("hunter2"), "{}", page.text());
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let console = TestConsole::start().await;
    for (language, url, header, encryption) in [
        ("en", "Must begin with https://.", "Is a reserved header.", "Requires a secretKey"),
        ("ko", "https://로 시작해야 합니다.", "예약된 헤더입니다.", "secretKey가 필요합니다"),
        ("es", "Debe empezar por https://.", "Es una cabecera reservada.", "Necesita una secretKey"),
    ] {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let form = browser.get("/endpoints/new").await;
        let typed = "http://a.example/?<b>";
        let fields = [("url", typed), ("headers", "host: x"), ("eventTypes", "aml"), ("description", "\"><script>")];
        let page = browser.submit(&form, "", &fields).await;
        assert_eq!((page.status, page.error("url").as_str()), (422, url), "{}", page.text());
        assert_eq!(page.error("headers"), format!("host : {header}"));
        let values = &page.form("").values;
        for field in fields {
            assert!(values.contains(&(field.0.to_owned(), field.1.to_owned())), "{field:?} {values:?}");
        }
        assert!(
            !page.html.contains("<script>\"")
                && !page.html.contains("\"><script>")
                && page.html.contains("<details open>")
        );

        let fields = [("url", "https://a.example/"), ("encryption", "aes-256-gcm")];
        let page = browser.submit(&form, "", &fields).await;
        assert!(page.error("encryption").starts_with(encryption), "{}", page.text());
    }
    assert_eq!(console.project.list(LIST).await.len(), 0);
}

#[tokio::test]
async fn every_kind_of_refusal_is_beside_its_field_in_every_language() {
    let console = TestConsole::start().await;
    console.project.create(LIST, json!({"url": "https://a.example/", "headers": {"x-a": "1"}})).await;
    for language in ["ko", "es"] {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let form = browser.get("/endpoints/new").await;
        for (field, value) in [
            ("url", ""),
            ("url", "a.example"),
            ("url", "https://10.0.0.1/"),
            ("url", "https://localhost/"),
            ("url", "https://a.example:80/"),
            ("url", "https://me@a.example/"),
            ("url", "https://a.example/#x"),
            ("url", "https://a.example/%"),
            ("url", "https://a.example/\\"),
            ("url", "https://console.example/"),
            ("url", "https://private.example.com/"),
            ("headers", "a b: c"),
            ("headers", "x-a: 1\r\nx-a: 2"),
            ("headers", "x-a"),
            ("signingSecret", "hunter2"),
            ("signingSecret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("description", &"x".repeat(201)),
            ("pace", "0"),
            ("pace", "60001"),
            ("oauth2.tokenUrl", "http://login.example/"),
            ("oauth2.clientId", "ä"),
            ("oauth2.clientSecret", "ä"),
            ("oauth2.scope", &"x".repeat(1025)),
            ("oauth2.audience", "ä"),
            ("clientCertificate.certificate", "hello"),
            ("clientCertificate.certificate", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----"),
            ("clientCertificate.certificate", &"x".repeat(16_385)),
            ("clientCertificate.privateKey", "hello"),
            ("clientCertificate.privateKey", "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            ("clientCertificate.privateKey", &"x".repeat(16_385)),
        ] {
            let url = if field == "url" { value } else { "https://a.example/" };
            let page = browser.submit(&form, "", &[("url", url), (field, value)]).await;
            assert_eq!(page.status, 422, "{field} {value}: {}", page.text());
            assert!(field != "signingSecret" || !page.html.contains(value), "a secret is never shown again");
            let is_translated = !page.error(field).is_empty() && !page.html.contains(r#"-error" lang="en""#);
            assert!(is_translated, "{language} {field} {value}: {}", page.error(field));
        }
        let page = browser.submit(&form, "", &[("url", "https://a.example/"), ("signatures", "none")]).await;
        assert!(page.status == 422 && !page.error("signatures").is_empty(), "{}", page.text());
    }
}

#[tokio::test]
async fn the_list_shows_trouble_first_and_how_many_webhooks_are_held() {
    let mut site = Site::start("viewer").await;
    for name in ["Billing", "Archive"] {
        let settings = json!({"url": "https://b.example/", "description": name, "eventTypes": ["approved", "aml"]});
        site.console.project.create(LIST, settings).await;
    }
    site.hold(3).await;
    site.after(&failed(FailureReason::ConnectTimeout, None)).await;
    let page = site.browser.get(LIST).await;
    let text = page.text();
    assert!(text.find("CRM <b>") < text.find("Billing") && text.find("CRM <b>") < text.find("Archive"), "{text}");
    for said in ["failing, webhooks held", "since 2026-11-22 08:30 UTC", "approved, aml", "active"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(page.link("/deliveries?"), format!("/deliveries?state=held&endpoint={}", site.endpoint.string("id")));
    assert!(page.html.contains(r#"aria-label="Held webhooks: 3">3</a>"#), "{}", page.html);
    assert!(page.html.contains("CRM &#60;b&#62;") && !page.html.contains("CRM <b>"));
    assert!(page.html.contains(r#"data-label="Held""#) && page.says("Only developers and admins can do this."));
}

#[tokio::test]
async fn the_page_says_in_words_what_happened_and_what_happens_next() {
    let mut site = Site::start("developer").await;
    assert!(site.browser.get(&site.path).await.says("Webhooks are sent as they occur."));
    site.after(&failed(FailureReason::Status, Some(503))).await;
    let page = site.browser.get(&site.path).await;
    for said in
        ["asked for a pause", "The server answered with status 503.", "Sending continues by itself", "Next attempt"]
    {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    let mut site = Site::start("developer").await;
    site.after(&failed(FailureReason::Tls, None)).await;
    let page = site.browser.get(&site.path).await;
    for said in
        ["failing, webhooks held", "Failing since", "Check that the certificate has not expired", "Try again now"]
    {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    site.after(&failed(FailureReason::Status, Some(410))).await;
    let page = site.browser.get(&site.path).await;
    assert!(page.says("it wants no more webhooks") && page.says("Disabled since"), "{}", page.text());

    let page = site.browser.submit(&page, &format!("{}/resume", site.path), &[]).await;
    assert_eq!(page.url, format!("{}?done=resumed", site.path));
    assert!(page.says("Sending begins again.") && page.says("Webhooks are sent as they occur."), "{}", page.text());
    assert_eq!(site.endpoint_now().await["health"], json!({"failures": 0}));
}

#[tokio::test]
async fn an_endpoint_is_paused_and_resumed_with_one_button_each() {
    let mut site = Site::start("developer").await;
    let page = site.browser.get(&site.path).await;
    let page = site.browser.submit(&page, &format!("{}/pause", site.path), &[]).await;
    assert!(
        page.says("Paused. Within 30 seconds, new webhooks are held.") && page.says("Somebody paused this endpoint."),
        "{}",
        page.text()
    );
    assert_eq!(site.endpoint_now().await["state"], "paused");
    site.hold(2).await;
    let page = site.browser.get(&site.path).await;
    assert!(page.says("Held webhooks 2"), "{}", page.text());
    let page = site.browser.submit(&page, &format!("{}/resume", site.path), &[]).await;
    assert!(page.says("Held webhooks are sent little by little."), "{}", page.text());
    assert_eq!(site.endpoint_now().await["state"], "active");
}

#[tokio::test]
async fn all_settings_can_be_changed_and_a_change_of_somebody_else_is_not_overwritten() {
    let mut site = Site::start("admin").await;
    site.console.project.post("/return-url/keys", json!({})).await.expect(201);
    let form = site.browser.get(&site.path).await;
    let fields = [
        ("url", "https://hooks.example.com/v2"),
        ("description", ""),
        ("eventTypes", "aml"),
        ("format", "argos"),
        ("encryption", "aes-256-ecb"),
        ("signatures", "v1"),
        ("signatures", "v1a"),
        ("ordered", "true"),
        ("headers", "x-a: 1"),
    ];
    let page = site.browser.submit(&form, &site.path, &fields).await;
    assert!(page.says("Order one webhook of a submission at a time"), "{}", page.text());
    assert!(page.says("Saved.") && page.says("AES-256-ECB encrypts equal parts equally"), "{}", page.text());
    let endpoint = site.endpoint_now().await;
    let expected = json!({
        "url": "https://hooks.example.com/v2", "description": null, "eventTypes": ["aml"], "format": "argos",
        "encryption": "aes-256-ecb", "signatures": ["v1", "v1a"], "ordered": true,
        "headerNames": ["x-a"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&endpoint[name], value, "{name}");
    }

    let page = site.browser.submit(&form, &site.path, &[("description", "Mine")]).await;
    assert!(page.status == 412 && page.says("Somebody changed this meanwhile"), "{}", page.text());
    assert_eq!(site.endpoint_now().await, endpoint);
    let page = site.browser.submit(&page, &site.path, &[]).await;
    assert!(page.says("Saved."), "{}", page.text());
    assert_eq!(site.endpoint_now().await["description"], "Mine");
}

#[tokio::test]
async fn an_endpoint_is_changed_to_cloud_events_without_data_and_not_to_settings_that_exclude_each_other() {
    let mut site = Site::start("developer").await;
    let form = site.browser.get(&site.path).await;
    let page = site.browser.submit(&form, &site.path, &[("format", "argos"), ("payload", "thin")]).await;
    assert_eq!(page.error("payload"), "The format argos and the payload thin cannot be combined.", "{}", page.text());
    let page = site.browser.submit(&page, &site.path, &[("format", "cloudevents"), ("payload", "thin")]).await;
    assert!(page.says("Saved.") && page.says("Data of the event not sent"), "{}", page.text());
    let endpoint = site.endpoint_now().await;
    assert_eq!((&endpoint["format"], &endpoint["payload"]), (&json!("cloudevents"), &json!("thin")));
}

#[tokio::test]
async fn header_values_do_not_move_to_another_host_unnoticed() {
    let settings = json!({"headers": {"authorization": "Bearer hunter2"}});
    let mut site = Site::with(TestConsole::start().await, "developer", settings).await;
    let form = site.browser.get(&site.path).await;
    assert!(form.says("Set: authorization. Values are not shown.") && form.says("Only admins set values."));
    let moved = [("url", "https://other.example/")];
    let page = site.browser.submit(&form, &site.path, &moved).await;
    assert!(page.error("headers").starts_with("authorization : Belongs to the current host"), "{}", page.text());
    let with_value = [("url", "https://other.example/"), ("headers", "authorization: Bearer x")];
    let page = site.browser.submit(&form, &site.path, &with_value).await;
    assert!(page.status == 403 && page.says("Your role does not allow this"), "{}", page.text());
    let without = [("url", "https://other.example/"), ("headers", "authorization:")];
    let page = site.browser.submit(&form, &site.path, &without).await;
    assert!(page.says("Saved."), "{}", page.text());
    assert_eq!(site.endpoint_now().await["headerNames"], json!([]));
}

#[tokio::test]
async fn an_endpoint_is_deleted_after_one_question() {
    let mut site = Site::start("developer").await;
    site.hold(2).await;
    let page = site.browser.get(&site.path).await;
    let question = site.browser.get(&page.link(&format!("{}/delete", site.path))).await;
    for said in [
        "Delete CRM <b>?",
        "The held webhooks (2) are cancelled and never sent.",
        "cannot be undone",
        "pause the endpoint instead",
    ] {
        assert!(question.says(said), "{said}: {}", question.text());
    }
    assert_eq!(site.console.project.list(LIST).await.len(), 1);
    let page = site.browser.submit(&question, "", &[]).await;
    assert_eq!(page.url, "/endpoints?done=deleted");
    assert_eq!(site.console.project.list(LIST).await.len(), 0);
    assert_eq!(site.browser.open(&site.path).await.status, 404);
}

#[tokio::test]
async fn held_webhooks_are_discarded_after_one_question() {
    let mut site = Site::start("developer").await;
    assert!(!site.browser.get(&site.path).await.says("Discard the held webhooks"));
    site.hold(3).await;
    site.console.clock.advance(Duration::from_secs(1));
    let page = site.browser.get(&site.path).await;
    let question = site.browser.get(&page.link(&format!("{}/discard-held", site.path))).await;
    assert!(question.says("The webhooks that are held now (3) are cancelled"), "{}", question.text());
    let page = site.browser.submit(&question, "", &[]).await;
    assert_eq!(page.url, format!("{}?done=discarded", site.path));
    assert!(page.says("The held webhooks were discarded."), "{}", page.text());
    assert_eq!(site.endpoint_now().await["heldDeliveries"], 0);
}

/// All pages of an endpoint that show something, and those that do something.
fn urls(path: &str) -> (Vec<String>, Vec<String>) {
    let shown = [
        "",
        "/delete",
        "/discard-held",
        "/secrets",
        "/secrets/end-previous",
        "/secrets/rotate-key",
        "/handshake",
        "/test",
        "/verify",
    ];
    let at = |rest: &str| format!("{path}{rest}");
    let done = shown.into_iter().chain(["/pause", "/resume"]);
    (shown.map(at).to_vec(), done.map(at).collect())
}

#[tokio::test]
async fn a_viewer_sees_everything_and_who_may_change_it() {
    let mut site = Site::start("viewer").await;
    let before = site.endpoint_now().await;
    let (shown, done) = urls(&site.path);
    for url in shown.iter().map(String::as_str).chain([LIST, "/endpoints/new"]) {
        let page = site.browser.get(url).await;
        let may_not = page.says("Only developers and admins can do this.") || page.says("Only admins can do this.");
        assert!(may_not && !page.html.contains("method=\"post\" class"), "{url}: {}", page.text());
    }
    for url in done.iter().map(String::as_str).chain(["/endpoints/new"]) {
        let page = site.browser.post(url, "url=https%3A%2F%2Fevil.example%2F&type=approved&signatures=v1").await;
        assert!(page.status == 403 && page.says("Your role does not allow this"), "{url}: {}", page.text());
    }
    assert_eq!(site.endpoint_now().await, before);
}

#[tokio::test]
async fn a_developer_does_not_touch_secrets() {
    let mut site = Site::start("developer").await;
    let page = site.browser.get(&format!("{}/secrets", site.path)).await;
    assert!(page.says("Only admins can do this."), "{}", page.text());
    for url in ["/secrets", "/secrets/end-previous", "/secrets/rotate-key"] {
        assert_eq!(site.browser.post(&format!("{}{url}", site.path), "overlapDays=1").await.status, 403, "{url}");
    }
}

#[tokio::test]
async fn endpoints_of_another_project_and_unknown_ones_do_not_exist() {
    let mut site = Site::start("admin").await;
    let other = site.console.create_project().await;
    let foreign = other.create_endpoint().await;
    let test = format!("/tests/{UNKNOWN_ID}");
    for id in [foreign.string("id"), UNKNOWN_ID, "nonsense", "..%2Fx"] {
        let (shown, done) = urls(&format!("{LIST}/{id}"));
        for url in shown.iter().cloned().chain([format!("{LIST}/{id}{test}")]) {
            let page = site.browser.open(&url).await;
            assert!(page.status == 404 && page.says("Page not found"), "{url}: {}", page.text());
        }
        for url in done {
            // Deleting an endpoint that does not exist succeeds and changes nothing.
            if url.ends_with("/delete") || url.ends_with("/rotate-key") {
                continue;
            }
            let fields = "url=https%3A%2F%2Fevil.example%2F&type=approved&signatures=v1&overlapDays=1&headers=&body=";
            let page = site.browser.post(&url, fields).await;
            assert_eq!(page.status, 404, "{url}: {}", page.text());
        }
    }
    assert_eq!(site.browser.open(&format!("{}{test}", site.path)).await.status, 404);
    assert_eq!(foreign.get("").await.expect(200)["url"], "https://hooks.example.com/");
}

#[tokio::test]
async fn the_pages_are_in_the_language_of_the_session() {
    let site = Site::start("admin").await;
    for (language, texts) in [
        ("ko", ["엔드포인트", "웹훅을 발생하는 대로 보냅니다.", "서명 시크릿", "이벤트", "서명 검증이 실패하는 이유"]),
        (
            "es",
            [
                "Endpoints",
                "Los webhooks se envían",
                "Secreto de firma",
                "Qué evento",
                "¿Por qué falla mi verificación?",
            ],
        ),
    ] {
        let (mut browser, _) = site.console.sign_in_with("admin", json!({"language": language})).await;
        for (url, text) in ["", "", "/secrets", "/test", "/verify"].iter().zip(texts) {
            let page = browser.get(&format!("{}{url}", site.path)).await;
            assert!(page.says(text), "{language} {url}: {}", page.text());
        }
        assert!(browser.get(LIST).await.html.contains(&format!("<html lang=\"{language}\">")));
    }
}

#[tokio::test]
async fn the_text_of_a_notice_never_comes_from_the_url_and_pages_are_small() {
    let mut site = Site::start("admin").await;
    for url in [LIST.to_owned(), site.path.clone(), format!("{}/secrets", site.path)] {
        let page = site.browser.get(&format!("{url}?done=hello")).await;
        assert!(!page.html.contains("role=\"status\"") && !page.says("hello"), "{url}");
        assert!(page.html.len() < 40 * 1024, "{url}: {} bytes", page.html.len());
    }
}

//! Return links, opened by a client that follows no redirects.

use e2e::{run, stack};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use stack::api_client::ApiClient;

trials! {
    a_single_use_link_works_once_and_other_links_work_again,
    a_link_uses_settings_that_were_changed_a_moment_earlier,
    only_one_of_three_concurrent_requests_for_a_single_use_link_is_redirected,
    urls_made_before_a_key_is_activated_use_the_current_key_and_stay_valid,
    urls_made_after_a_key_is_activated_use_that_key,
}

/// A project with a return URL.
struct Site {
    api: ApiClient,
    base: String,
    browser: Client,
}

impl Site {
    async fn new(name: &str) -> Self {
        let api = stack().await.api();
        let project = api.post("/v1/projects", &json!({ "name": name })).await.unwrap();
        let base = format!("/v1/projects/{}", project["id"].as_str().unwrap());
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { api, base, browser }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.api.post(&format!("{}{path}", self.base), &body).await.unwrap()
    }

    /// Sets the return URL with the default settings and these changes.
    async fn set(&self, changes: &[(&str, Value)]) {
        let mut settings = json!({ "url": "https://app.example/done?lang=ko", "fields": ["userid", "kycStatus"] });
        for (name, value) in changes {
            settings[*name] = value.clone();
        }
        self.api.put(&format!("{}/return-url", self.base), &settings).await.unwrap();
    }

    /// Sets a return URL that is encrypted and signed, without a result page.
    async fn protect(&self) {
        let gcm = json!("aes-256-gcm");
        self.set(&[("skipResultPage", json!(true)), ("encryption", gcm), ("signed", json!(true))]).await;
    }

    async fn link(&self, single_use: bool) -> String {
        let outcome = json!({ "kycStatus": "approved", "userid": "user123", "singleUse": single_use });
        self.post("/return-links", outcome).await["url"].as_str().unwrap().to_owned()
    }

    async fn follow(&self, link: &str) -> Response {
        self.browser.get(link).send().await.unwrap()
    }

    /// Opens a new link that works more than once, and returns the URL to which it redirects.
    async fn location(&self) -> String {
        let response = self.follow(&self.link(false).await).await;
        assert_eq!(response.status(), 303);
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    async fn verify(&self, url: &str) -> Value {
        self.post("/return-url/verify", json!({ "url": url })).await
    }
}

fn a_single_use_link_works_once_and_other_links_work_again() {
    run(async {
        let site = Site::new("once").await;
        site.set(&[]).await;
        let (single_use, reusable) = (site.link(true).await, site.link(false).await);
        let preview = site.browser.head(&single_use).send().await.unwrap();
        assert_eq!(preview.status(), 200);
        let first = site.follow(&single_use).await;
        assert_eq!(first.status(), 200);
        let page = first.text().await.unwrap();
        for of_others in [single_use.clone(), format!("{single_use}?stay=1")] {
            assert_eq!(site.follow(&of_others).await.status(), 410);
        }
        let (_, rest) = page.split_once(r#"<a class="stay" href=""#).unwrap();
        let stayed = site.follow(&format!("{single_use}{}", rest.split_once('"').unwrap().0)).await;
        assert_eq!(stayed.status(), 200);
        assert!(!stayed.text().await.unwrap().contains("http-equiv"));
        for _ in 0..2 {
            assert_eq!(site.follow(&reusable).await.status(), 200);
        }
    });
}

fn a_link_uses_settings_that_were_changed_a_moment_earlier() {
    run(async {
        let site = Site::new("change").await;
        site.set(&[("skipResultPage", json!(true))]).await;
        let plain = site.location().await;
        assert!(plain.contains("&kycStatus=approved"), "{plain}");
        // The settings are cached now. Each change must still affect the next link.
        for _ in 0..3 {
            let key = site.post("/return-url/keys", json!({})).await;
            site.protect().await;
            let verdict = site.verify(&site.location().await).await;
            assert_eq!((&verdict["valid"], &verdict["keyId"]), (&json!(true), &key["id"]));
        }
    });
}

fn only_one_of_three_concurrent_requests_for_a_single_use_link_is_redirected() {
    run(async {
        let site = Site::new("race").await;
        site.set(&[("skipResultPage", json!(true))]).await;
        let link = site.link(true).await;
        let responses = tokio::join!(site.follow(&link), site.follow(&link), site.follow(&link));
        let mut statuses =
            [responses.0.status(), responses.1.status(), responses.2.status()].map(|status| status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410, 410]);
    });
}

fn urls_made_before_a_key_is_activated_use_the_current_key_and_stay_valid() {
    run(async {
        let site = Site::new("overlap").await;
        let first = site.post("/return-url/keys", json!({})).await;
        let second = site.post("/return-url/keys", json!({ "overlapDays": 30 })).await;
        site.protect().await;
        let url = site.location().await;
        assert!(url.contains(&format!("&kid={}&ts=", first["id"].as_str().unwrap())), "{url}");
        site.post(&format!("/return-url/keys/{}/activate", second["id"].as_str().unwrap()), json!({})).await;
        let verdict = site.verify(&url).await;
        assert_eq!((&verdict["valid"], &verdict["keyId"]), (&json!(true), &first["id"]));
        assert_eq!(verdict["fields"], json!({ "userid": "user123", "kycStatus": "approved" }));
        let changed = site.verify(&url.replace("&nonce=", "&nonce=A")).await;
        assert_eq!(changed, json!({ "valid": false, "reason": "signature" }));
    });
}

fn urls_made_after_a_key_is_activated_use_that_key() {
    run(async {
        let site = Site::new("activated").await;
        site.post("/return-url/keys", json!({})).await;
        let second = site.post("/return-url/keys", json!({ "overlapDays": 30 })).await;
        site.post(&format!("/return-url/keys/{}/activate", second["id"].as_str().unwrap()), json!({})).await;
        site.protect().await;
        let verdict = site.verify(&site.location().await).await;
        assert_eq!((&verdict["valid"], &verdict["keyId"]), (&json!(true), &second["id"]));
    });
}

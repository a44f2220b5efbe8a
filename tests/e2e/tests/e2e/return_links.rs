//! Return links, followed as a browser does that stops at every redirect, through the real functions.

use e2e::{run, stack};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use stack::api_client::ApiClient;

/// A project whose people are sent back at once, to a URL that is encrypted and signed.
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

    /// Sets the return URL with the changes given.
    async fn set(&self, changes: &[(&str, Value)]) {
        let mut settings = json!({ "url": "https://app.example/done?lang=ko", "fields": ["userid", "kycStatus"] });
        for (name, value) in changes {
            settings[*name] = value.clone();
        }
        self.api.put(&format!("{}/return-url", self.base), &settings).await.unwrap();
    }

    async fn protect(&self) {
        let gcm = json!("aes-256-gcm");
        self.set(&[("skipResultPage", json!(true)), ("encryption", gcm), ("signed", json!(true))]).await;
    }

    async fn link(&self, single_use: bool) -> String {
        let wish = json!({ "kycStatus": "approved", "userid": "user123", "singleUse": single_use });
        self.post("/return-links", wish).await["url"].as_str().unwrap().to_owned()
    }

    async fn follow(&self, link: &str) -> Response {
        self.browser.get(link).send().await.unwrap()
    }

    /// Where a link leads that works as often as one likes.
    async fn location(&self) -> String {
        let answer = self.follow(&self.link(false).await).await;
        assert_eq!(answer.status(), 303);
        answer.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    async fn verify(&self, url: &str) -> Value {
        self.post("/return-url/verify", json!({ "url": url })).await
    }
}

#[test]
fn a_link_that_works_once_works_once_and_others_go_on_working() {
    run(async {
        let site = Site::new("once").await;
        site.set(&[]).await;
        let (once, usual) = (site.link(true).await, site.link(false).await);
        let look = site.browser.head(&once).send().await.unwrap();
        assert_eq!(look.status(), 200);
        assert_eq!(site.follow(&once).await.status(), 200);
        assert_eq!(site.follow(&once).await.status(), 410);
        let stayed = site.follow(&format!("{once}?stay=1")).await;
        assert_eq!(stayed.status(), 200);
        assert!(!stayed.text().await.unwrap().contains("http-equiv"));
        for _ in 0..2 {
            assert_eq!(site.follow(&usual).await.status(), 200);
        }
    });
}

#[test]
fn of_two_clicks_at_once_one_is_sent_back() {
    run(async {
        let site = Site::new("race").await;
        site.set(&[("skipResultPage", json!(true))]).await;
        let link = site.link(true).await;
        let answers = tokio::join!(site.follow(&link), site.follow(&link), site.follow(&link));
        let mut statuses = [answers.0.status(), answers.1.status(), answers.2.status()].map(|status| status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410, 410]);
    });
}

#[test]
fn a_key_that_waits_does_not_make_urls_and_both_verify() {
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

#[test]
fn a_key_that_was_activated_makes_the_urls() {
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

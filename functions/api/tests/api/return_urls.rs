//! A project sets its return URL and mints links, through the API as callers see it.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use api::{App, router};
use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::Clock;
use shared::random::SystemRandom;
use shared::return_link::ReturnLink;
use shared::return_url::{KycStatus, Outcome, Verification};

use crate::site::{self, HandClock, config, now, operator_key, pointers, ring};

const PLAIN: &str = r#"{"url":"https://argosidentity.com","fields":["errorCode","kycStatus"]}"#;

const NOW: &str = "2026-11-22T08:30:00.000Z";
/// In milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The API on a database of its own, with one project.
struct Site {
    clock: Arc<HandClock>,
    database: Database,
    router: Router,
    operator_key: String,
    project: String,
}

impl Site {
    async fn start() -> Self {
        let database = Database::start().await;
        let operator_key = operator_key();
        let clock = Arc::new(HandClock::starting_now());
        let (config, key_ring) = (config(&operator_key, &[]), KeyRingSecret::known(ring()));
        let app = App::new(config, database.aws(), key_ring, clock.clone(), Arc::new(SystemRandom));
        let operator_key = operator_key.expose().to_owned();
        let site = Self { clock, database, router: router(app), operator_key, project: String::new() };
        let (_, project) = site.call("POST", "/v1/projects", r#"{"name":"Acme"}"#).await;
        Self { project: project["id"].as_str().unwrap().to_owned(), ..site }
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        self.call_as(&self.operator_key, method, path, body).await
    }

    async fn call_as(&self, key: &str, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let answer = site::send(&self.router, method, path, key, body).await;
        (answer.status, answer.body)
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Where somebody who was approved is sent now.
    async fn location(&self) -> String {
        let found = self.database.settings.return_url_now(self.project.parse().unwrap()).await.unwrap().unwrap();
        let key = found.keys.current_at(self.clock.now()).unwrap().open(&ring()).unwrap();
        let approved = Verification::of_nobody(Outcome::Result(KycStatus::Approved));
        let location = found.settings.unwrap().location(&approved, Some(&key), self.clock.now(), &SystemRandom);
        location.unwrap().as_str().to_owned()
    }

    /// Asks whether a URL is one of ours, with `more` in the question.
    async fn verify(&self, url: &str, more: &str) -> (StatusCode, Value) {
        self.on_project("POST", "/return-url/verify", &format!(r#"{{"url":"{url}"{more}}}"#)).await
    }

    /// Calls below the project.
    async fn on_project(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        self.call(method, &format!("/v1/projects/{}{path}", self.project), body).await
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

#[tokio::test]
async fn a_return_url_is_set_shown_previewed_and_taken_away() {
    let site = Site::start().await;
    let settings = json!({
        "url": "https://argosidentity.com", "fields": ["kycStatus", "errorCode"], "skipResultPage": false,
        "encryption": "none", "signed": false, "allowAppScheme": false,
    });
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.on_project("GET", "/return-url/preview", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.on_project("PUT", "/return-url", PLAIN).await, (StatusCode::OK, settings.clone()));
    assert_eq!(site.on_project("GET", "/return-url", "").await, (StatusCode::OK, settings));
    let preview = json!({"url": "https://argosidentity.com?kycStatus={kycStatus}&errorCode={errorCode}"});
    assert_eq!(site.on_project("GET", "/return-url/preview", "").await, (StatusCode::OK, preview));
    assert_eq!(site.on_project("DELETE", "/return-url", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_settings_change_nothing() {
    let site = Site::start().await;
    let bad = r#"{"url":"javascript:alert(1)","fields":["userId"],"allowAppScheme":true,"colour":"red"}"#;
    let (status, problem) = site.on_project("PUT", "/return-url", bad).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pointers(&problem), ["/url", "/fields/0", "/colour"]);
    assert_eq!(site.on_project("GET", "/return-url", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn protection_needs_a_key_which_is_shown_once() {
    let site = Site::start().await;
    let protected = PLAIN.replace('}', r#","encryption":"aes-256-gcm","signed":true}"#);
    let (status, problem) = site.on_project("PUT", "/return-url", &protected).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/encryption", "/signed"]));

    let (status, issued) = site.on_project("POST", "/return-url/keys", "{}").await;
    let secret_key = issued["secretKey"].as_str().unwrap();
    assert_eq!((status, secret_key.len()), (StatusCode::CREATED, 32));
    let (status, shown) = site.on_project("PUT", "/return-url", &protected).await;
    assert_eq!((status, &shown["encryption"]), (StatusCode::OK, &json!("aes-256-gcm")));
    assert!(!shown.to_string().contains(secret_key));
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one() {
    let site = Site::start().await;
    site.on_project("POST", "/return-url/keys", "{}").await;
    site.clock.0.fetch_add(1, Ordering::SeqCst);
    let (_, second) = site.on_project("POST", "/return-url/keys", "{}").await;
    let found = site.database.settings.return_url_now(site.project.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.keys.valid_at(site.clock.now()).count(), 1);
    let current = found.keys.current_at(site.clock.now()).unwrap().open(&ring()).unwrap();
    assert_eq!(
        (current.id.to_string(), current.key.expose()),
        (text(&second, "id"), second["secretKey"].as_str().unwrap())
    );
}

#[tokio::test]
async fn a_key_with_an_overlap_waits_is_listed_and_takes_over() {
    let site = Site::start().await;
    let (_, first) = site.on_project("POST", "/return-url/keys", "").await;
    assert_eq!((&first["activeFrom"], &first["createdAt"]), (&json!(NOW), &json!(NOW)));
    let (status, second) = site.on_project("POST", "/return-url/keys", r#"{"overlapDays":7}"#).await;
    assert_eq!((status, &second["activeFrom"]), (StatusCode::CREATED, &json!("2026-11-29T08:30:00.000Z")));
    let view = |key: &Value, state: &str| {
        json!({
            "id": key["id"], "state": state, "createdAt": key["createdAt"], "activeFrom": key["activeFrom"],
        })
    };
    let (_, list) = site.on_project("GET", "/return-url/keys", "").await;
    assert_eq!(list, json!({"items": [view(&second, "next"), view(&first, "current")]}));

    site.pass(7 * DAY);
    let (_, list) = site.on_project("GET", "/return-url/keys", "").await;
    assert_eq!(list, json!({"items": [view(&second, "current"), view(&first, "previous")]}));
    site.pass(DAY);
    let (_, list) = site.on_project("GET", "/return-url/keys", "").await;
    assert_eq!(list, json!({"items": [view(&second, "current")]}));
}

#[tokio::test]
async fn the_next_key_is_activated_or_dropped_and_there_is_one_at_most() {
    let site = Site::start().await;
    let issue = async |body: &str| site.on_project("POST", "/return-url/keys", body).await;
    let key = |key: &Value| format!("/return-url/keys/{}", text(key, "id"));
    let problem = |(status, problem): (StatusCode, Value)| (status.as_u16(), text(&problem, "type"));
    let first = issue("{}").await.1;
    let dropped = issue(r#"{"overlapDays":30}"#).await.1;
    assert_eq!(problem(issue(r#"{"overlapDays":1}"#).await), (409, "/problems/next-key-exists".to_owned()));
    assert_eq!(problem(site.on_project("DELETE", &key(&first), "").await), (409, "/problems/key-in-use".to_owned()));
    assert_eq!(site.on_project("DELETE", &key(&dropped), "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(site.on_project("DELETE", &key(&dropped), "").await.0, StatusCode::NOT_FOUND);

    let second = issue(r#"{"overlapDays":30}"#).await.1;
    for _ in 0..2 {
        let (status, active) = site.on_project("POST", &format!("{}/activate", key(&second)), "{}").await;
        assert_eq!((status, &active["state"], &active["activeFrom"]), (StatusCode::OK, &json!("current"), &json!(NOW)));
    }
    let again = site.on_project("POST", &format!("{}/activate", key(&first)), "").await;
    assert_eq!(problem(again), (409, "/problems/key-replaced".to_owned()));
    let emergency = issue(r#"{"overlapDays":0}"#).await.1;
    let (_, list) = site.on_project("GET", "/return-url/keys", "").await;
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["id"]), (1, &emergency["id"]));
}

#[tokio::test]
async fn bad_wishes_for_keys_are_named() {
    let site = Site::start().await;
    let (status, problem) = site.on_project("POST", "/return-url/keys", r#"{"overlapDays":31,"days":1}"#).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/overlapDays", "/days"]));
    let (status, _) = site.on_project("DELETE", "/return-url/keys/nonsense", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_two_issues_at_once_every_key_that_was_shown_last_is_in_use() {
    let site = Site::start().await;
    for _ in 0..5 {
        let issue = || site.on_project("POST", "/return-url/keys", "{}");
        let answers = tokio::join!(issue(), issue(), issue());
        let answers = [answers.0, answers.1, answers.2];
        let shown: Vec<&Value> =
            answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).map(|(_, key)| &key["id"]).collect();
        for (_, refused) in answers.iter().filter(|(status, _)| *status != StatusCode::CREATED) {
            assert_eq!(refused["type"], "/problems/changed-meanwhile");
        }
        let (_, list) = site.on_project("GET", "/return-url/keys", "").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert!(shown.contains(&&list["items"][0]["id"]), "{list} {shown:?}");
    }
}

#[tokio::test]
async fn a_url_that_a_browser_brought_is_verified() {
    let site = Site::start().await;
    let (_, first) = site.on_project("POST", "/return-url/keys", "{}").await;
    let protected = PLAIN.replace('}', r#","encryption":"aes-256-gcm","signed":true}"#);
    site.on_project("PUT", "/return-url", &protected).await;
    let url = site.location().await;
    let valid = json!({
        "valid": true, "fields": {"kycStatus": "approved"}, "signedAt": NOW, "keyId": first["id"],
        "nonce": url.split_once("&nonce=").unwrap().1.split_once('&').unwrap().0,
    });
    assert_eq!(site.verify(&url, "").await, (StatusCode::OK, valid.clone()));

    let (_, second) = site.on_project("POST", "/return-url/keys", r#"{"overlapDays":1}"#).await;
    assert_eq!(site.verify(&url, "").await.1, valid);
    site.on_project("POST", &format!("/return-url/keys/{}/activate", text(&second, "id")), "").await;
    assert_eq!(site.verify(&url, "").await.1, valid);
    site.pass(1000);
    let invalid = |reason: &str| json!({"valid": false, "reason": reason});
    assert_eq!(site.verify(&url, r#","maxAgeSeconds":1"#).await.1, valid);
    site.pass(1);
    for (url, more, reason) in [
        (url.clone(), r#","maxAgeSeconds":1"#, "expired"),
        (url.replace("sig=v1,", "sig=v1,A"), "", "signature"),
        (url.replace("&ts=", "&userid=x&ts="), "", "malformed"),
        (url.replace("argosidentity", "evil"), "", "other-url"),
        (url.split_once("&ts=").unwrap().0.to_owned(), "", "not-signed"),
    ] {
        assert_eq!(site.verify(&url, more).await, (StatusCode::OK, invalid(reason)), "{url}");
    }
    site.on_project("DELETE", &format!("/return-url/keys/{}", text(&first, "id")), "").await;
    assert_eq!(site.verify(&url, "").await.1, invalid("signature"));
}

#[tokio::test]
async fn verifying_takes_the_scope_that_reads_deliveries() {
    let site = Site::start().await;
    assert_eq!(site.verify("https://argosidentity.com", "").await.0, StatusCode::NOT_FOUND);
    site.on_project("PUT", "/return-url", PLAIN).await;
    let path = format!("/v1/projects/{}/return-url/verify", site.project);
    for (scope, expected) in [
        ("deliveries:read", StatusCode::OK),
        ("links:write", StatusCode::FORBIDDEN),
        ("settings:read", StatusCode::FORBIDDEN),
    ] {
        let wish = format!(r#"{{"name":"server","scopes":["{scope}"]}}"#);
        let (_, key) = site.on_project("POST", "/api-keys", &wish).await;
        let url = r#"{"url":"https://argosidentity.com?kycStatus=approved"}"#;
        let (status, verdict) = site.call_as(&text(&key, "key"), "POST", &path, url).await;
        assert_eq!(status, expected, "{scope} {verdict}");
    }
    let (status, problem) = site.on_project("POST", "/return-url/verify", r#"{"maxAgeSeconds":86401}"#).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/url", "/maxAgeSeconds"]));
}

#[tokio::test]
async fn a_link_that_works_once_is_minted_on_wish() {
    let site = Site::start().await;
    for (body, works_once) in [
        (r#"{"kycStatus":"approved","singleUse":true}"#, true),
        (r#"{"kycStatus":"approved","singleUse":false}"#, false),
    ] {
        let (_, link) = site.on_project("POST", "/return-links", body).await;
        let token = link["url"].as_str().unwrap().strip_prefix("https://return.example/r/").unwrap();
        assert_eq!(ReturnLink::open(token, &ring(), now()).unwrap().single_use.is_some(), works_once);
    }
}

#[tokio::test]
async fn a_link_is_minted_for_one_person() {
    let site = Site::start().await;
    let body = r#"{"kycStatus":"approved","userid":"user123","expiresInSeconds":600}"#;
    let (status, link) = site.on_project("POST", "/return-links", body).await;
    assert_eq!((status, &link["expiresAt"]), (StatusCode::CREATED, &json!("2026-11-22T08:40:00.000Z")));
    let token = link["url"].as_str().unwrap().strip_prefix("https://return.example/r/").unwrap();
    assert_eq!(ReturnLink::open(token, &ring(), now()).unwrap().project_id.to_string(), site.project);
}

#[tokio::test]
async fn a_link_needs_exactly_one_outcome_and_a_project() {
    let site = Site::start().await;
    let (status, problem) = site.on_project("POST", "/return-links", r#"{"userid":"user123"}"#).await;
    assert_eq!((status, pointers(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/kycStatus"]));
    let nowhere = "/v1/projects/019ab5e0-0000-7000-8000-000000000000";
    for (method, path, body) in [
        ("POST", "return-links", r#"{"kycStatus":"approved"}"#),
        ("PUT", "return-url", PLAIN),
        ("POST", "return-url/keys", "{}"),
        ("GET", "return-url", ""),
    ] {
        assert_eq!(site.call(method, &format!("{nowhere}/{path}"), body).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

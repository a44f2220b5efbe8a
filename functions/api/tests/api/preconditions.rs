//! `ETag`, `If-Match` and `If-None-Match`: a change applies only to the settings that its caller has read.

use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::TestApi;

/// A project with one resource of each kind.
struct Settings {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
    key: Resource,
    user: Resource,
}

impl Settings {
    async fn start() -> Self {
        let (api, project, endpoint) = TestApi::with_endpoint().await;
        endpoint.patch("", json!({"signatures": ["v1", "v1a"], "headers": {"x-token": "1"}})).await.expect(200);
        let key = project.create("/api-keys", json!({"name": "server"})).await;
        let user = project.create("/notification-users", json!({"name": "Ada", "email": "ada@acme.example"})).await;
        project.post("/return-url/keys", "{}").await.expect(201);
        project.put("/return-url", return_url("done")).await.expect(200);
        Self { api, project, endpoint, key, user }
    }

    /// The resources with an `ETag`, each with a call that writes one of their secrets.
    fn changes(&self) -> Vec<(&Client, &'static str, &'static str, String, Value)> {
        let endpoint = |path: &str| format!("{}{path}", self.endpoint.path);
        let project = |path: &str| format!("{}{path}", self.project.path);
        vec![
            (&self.endpoint, "", "POST", endpoint("/signing-secret/rotate"), json!({"overlapDays": 0})),
            (&self.endpoint, "", "PATCH", endpoint(""), json!({"headers": {"x-token": "1"}})),
            (&self.project, "/jwks.json", "POST", project("/jwks/rotate"), json!({})),
            (&self.project, "/return-url/keys", "POST", project("/return-url/keys"), json!({})),
        ]
    }
}

fn return_url(path: &str) -> Value {
    json!({"url": format!("https://app.example/{path}"), "fields": []})
}

#[tokio::test]
async fn every_write_of_a_secret_changes_the_etag() {
    let settings = Settings::start().await;
    let at_root = settings.api.at("");
    for (resource, path, method, write, body) in settings.changes() {
        let first = resource.get(path).await;
        let conditional = at_root.with_header("if-match", first.header("etag"));
        let written = conditional.send(method, &write, &body).await;
        assert!((200..300).contains(&written.status), "{method} {write}: {}", written.text);
        let second = resource.get(path).await;
        assert_ne!(first.header("etag"), second.header("etag"), "{method} {write}");
        assert_eq!(written.header("etag"), second.header("etag"), "{method} {write}");
        let refused = conditional.send(method, &write, &body).await;
        assert_eq!(refused.problem(), (412, "precondition-failed"), "{method} {write}");
        assert_eq!(resource.get(path).await.header("etag"), second.header("etag"), "nothing has changed");
    }
}

#[tokio::test]
async fn settings_that_return_to_earlier_values_have_a_new_etag() {
    let Settings { project, endpoint, user, .. } = &Settings::start().await;
    for (client, path, method, there, back) in [
        (&**project, "", "PATCH", json!({"name": "Other"}), json!({"name": "Acme"})),
        (endpoint, "", "PATCH", json!({"description": "CRM"}), json!({"description": null})),
        (user, "", "PATCH", json!({"language": "ko"}), json!({"language": "en"})),
        (project, "/return-url", "PUT", return_url("other"), return_url("done")),
    ] {
        let before = client.get(path).await;
        client.send(method, path, there).await.expect(200);
        let changed = client.send(method, path, &back).await;
        let after = client.get(path).await;
        assert_eq!(
            (changed.header("etag"), &changed.body),
            (after.header("etag"), &after.body),
            "{}{path}",
            client.path
        );
        assert_ne!(before.header("etag"), after.header("etag"), "{}{path}", client.path);
        let unchanged = client.send(method, path, back).await;
        assert_eq!(unchanged.header("etag"), after.header("etag"), "a call that changes nothing keeps the tag");
    }
    let before = project.get("/return-url").await;
    project.delete("/return-url").await.expect(204);
    project.put("/return-url", return_url("done")).await.expect(200);
    assert_ne!(before.header("etag"), project.get("/return-url").await.header("etag"), "deleted and set again");
}

#[tokio::test]
async fn a_change_of_one_resource_keeps_the_etags_of_the_others() {
    let Settings { project, endpoint, key, user, .. } = &Settings::start().await;
    let tags = async || {
        let mut tags = Vec::new();
        for (client, path) in
            [(&**endpoint, ""), (key, ""), (user, ""), (project, "/return-url"), (project, "/jwks.json")]
        {
            tags.push(client.get(path).await.header("etag").to_owned());
        }
        tags
    };
    let before = tags().await;
    project.patch("", json!({"name": "Other"})).await.expect(200);
    project.create_endpoint().await;
    assert_eq!(before, tags().await);
}

/// All calls that write settings of an existing resource, with path and body.
fn writes(settings: &Settings) -> Vec<(&'static str, String, Value)> {
    let Settings { project, endpoint, key, user, .. } = settings;
    let below = |resource: &Resource, path: &str| format!("{}{path}", resource.path);
    vec![
        ("POST", below(endpoint, "/pause"), json!({})),
        ("POST", below(endpoint, "/resume"), json!({})),
        ("POST", below(endpoint, "/signing-secret/rotate"), json!({})),
        ("DELETE", below(endpoint, "/signing-secret/previous"), json!({})),
        ("PATCH", below(endpoint, ""), json!({"description": "CRM"})),
        ("POST", below(key, "/rotate"), json!({})),
        ("PATCH", below(user, ""), json!({"name": "Eve"})),
        ("POST", below(user, "/resend-confirmation"), json!({})),
        ("POST", below(project, "/jwks/rotate"), json!({})),
        ("POST", below(project, "/return-url/keys"), json!({})),
        ("PUT", below(project, "/return-url"), return_url("other")),
        ("PATCH", below(project, ""), json!({"name": "Other"})),
        ("DELETE", below(project, "/return-url"), json!({})),
        ("DELETE", below(user, ""), json!({})),
        ("DELETE", below(key, ""), json!({})),
        ("DELETE", below(endpoint, ""), json!({})),
        ("DELETE", below(project, ""), json!({})),
    ]
}

#[tokio::test]
async fn every_write_honours_if_match_and_if_none_match() {
    let settings = Settings::start().await;
    let number = settings.project.list("/audit?limit=100").await.len();
    let [stale, any] = [("if-match", "\"stale\""), ("if-none-match", "*")]
        .map(|(name, value)| settings.api.at("").with_header(name, value));
    for (method, path, body) in writes(&settings) {
        for client in [&stale, &any] {
            let refused = client.send(method, &path, &body).await;
            assert_eq!(refused.problem(), (412, "precondition-failed"), "{method} {path}");
        }
    }
    // A call that creates a resource under a new id cannot meet a condition on an existing resource.
    for (path, body) in [
        ("/endpoints", json!({"url": "https://hooks.example.com/"})),
        ("/api-keys", json!({"name": "other"})),
        ("/notification-users", json!({"name": "Eve", "email": "eve@acme.example"})),
    ] {
        let path = format!("{}{path}", settings.project.path);
        assert_eq!(stale.post(&path, &body).await.problem(), (412, "precondition-failed"), "{path}");
        any.post(&path, &body).await.expect(201);
    }
    assert_eq!(stale.post("/v1/projects", json!({"name": "Other"})).await.problem(), (412, "precondition-failed"));
    assert_eq!(settings.project.list("/audit?limit=100").await.len(), number + 3, "nothing else has changed");
}

#[tokio::test]
async fn if_none_match_sets_the_return_url_only_if_there_is_none() {
    let (_api, project) = TestApi::with_project().await;
    let first = project.with_header("if-none-match", "*");
    let set = first.put("/return-url", return_url("one")).await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(first.put("/return-url", return_url("two")).await.problem(), (412, "precondition-failed"));
    assert_eq!(project.get("/return-url").await.body["url"], "https://app.example/one");
    let other_than = |tag: &str| project.with_header("if-none-match", tag);
    let refused = other_than(set.header("etag")).put("/return-url", return_url("two")).await;
    assert_eq!(refused.problem(), (412, "precondition-failed"));
    other_than("\"other\"").put("/return-url", return_url("two")).await.expect(200);

    let first = project.with_header("if-none-match", "*");
    first.post("/return-url/keys", "{}").await.expect(201);
    assert_eq!(first.post("/return-url/keys", "{}").await.problem(), (412, "precondition-failed"));
    first.post("/jwks/rotate", "{}").await.expect(200);
    assert_eq!(first.post("/jwks/rotate", "{}").await.problem(), (412, "precondition-failed"));
}

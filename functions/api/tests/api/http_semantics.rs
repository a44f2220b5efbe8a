//! HTTP semantics of every route of the router: methods, conditions, negotiation, caching and query parameters (RFC 9110, RFC 9111).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Client, Resource, Response};
use crate::fixture::{Options, TestApi};
use crate::response_headers::CACHED;

/// The methods that routes can support.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];

/// Routes whose `GET` needs more than the resources of [`Site`]: an attempt, a link in a mail, a redirect.
const WITHOUT_CONTENT: [&str; 4] =
    ["/confirm/{token}", "/problems/{name}", "/unsubscribe/{token}", "/v1/projects/{pid}/deliveries/{id}/request"];

/// An API with a project that has one resource of each kind.
struct Site {
    api: TestApi,
    project: Resource,
    /// Beginnings of routes with `{id}`, each with the path of a resource.
    resources: Vec<(&'static str, String)>,
    document: Value,
}

impl Site {
    async fn start() -> Self {
        let options = Options { test_result_timeout: std::time::Duration::from_millis(1), ..Options::default() };
        let api = TestApi::start_with(&options).await;
        let project = api.create_project().await;
        let endpoint = project.create_endpoint().await;
        let key = project.create("/api-keys", json!({"name": "server"})).await;
        let user = project.create("/notification-users", json!({"name": "Ada", "email": "ada@acme.example"})).await;
        let secret_key = project.post("/return-url/keys", "{}").await.expect(201);
        project.put("/return-url", json!({"url": "https://app.example/done", "fields": []})).await.expect(200);
        project.post("/jwks/rotate", "{}").await.expect(200);
        let event = project.post("/events", json!({"type": "aml", "data": {}})).await.expect(202);
        let test = endpoint.post("/test", json!({"type": "aml"})).await.body;
        let replay = json!({"from": "2026-11-22T00:00:00Z", "to": "2026-11-22T08:00:00Z", "state": "failed"});
        let replay = project.post("/replays", replay).await.body;
        let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
        let resources = vec![
            ("/v1/projects/{pid}/api-keys/{id}", key.path.clone()),
            ("/v1/projects/{pid}/endpoints/{id}/tests/{test}", format!("{}/tests/{}", endpoint.path, id(&test))),
            ("/v1/projects/{pid}/endpoints/{id}", endpoint.path.clone()),
            ("/v1/projects/{pid}/notification-users/{id}", user.path.clone()),
            (
                "/v1/projects/{pid}/return-url/keys/{id}",
                format!("{}/return-url/keys/{}", project.path, id(&secret_key)),
            ),
            ("/v1/projects/{pid}/events/{id}", format!("{}/events/{}", project.path, id(&event))),
            (
                "/v1/projects/{pid}/deliveries/{id}",
                format!("{}/deliveries/{}", project.path, id(&event["deliveries"][0])),
            ),
            ("/v1/projects/{pid}/replays/{id}", format!("{}/replays/{}", project.path, id(&replay))),
        ];
        let document = api.get("/openapi.json").await.expect(200);
        Self { api, project, resources, document }
    }

    /// The path of a route, with the ids of resources that exist.
    fn path(&self, route: &str) -> String {
        let resource = self.resources.iter().find(|(beginning, _)| route.starts_with(beginning));
        let path = match resource {
            Some((beginning, path)) => route.replace(beginning, path),
            None => route.replace("/v1/projects/{pid}", &self.project.path),
        };
        let path = path.replace("{number}", "1").replace("{day}", "2026-11-22");
        path.replace("{token}", "x").replace("{name}", "not-found").replace("{id}", crate::fixture::UNKNOWN_ID)
    }

    /// The methods that the router reports for a route, without `HEAD`.
    async fn methods(&self, route: &str) -> BTreeSet<String> {
        let refused = self.api.send("TRACE", &self.path(route), "").await;
        assert_eq!(refused.status, 405, "{route}: {}", refused.text);
        let methods = refused.header("allow").split(',').map(|method| method.trim().to_owned());
        methods.filter(|method| method != "HEAD").collect()
    }

    /// The routes that support `GET`, each with its path.
    async fn readable(&self) -> Vec<(&'static str, String)> {
        let mut readable = Vec::new();
        for route in &self.api.paths {
            if self.methods(route).await.contains("GET") {
                readable.push((*route, self.path(route)));
            }
        }
        readable
    }

    /// The operation of a route in the OpenAPI document, if it has one.
    fn operation(&self, route: &str, method: &str) -> Option<&Value> {
        self.document["paths"].get(route)?.get(method.to_ascii_lowercase())
    }
}

async fn get_with(client: &Client, path: &str, name: &'static str, value: &str) -> Response {
    client.with_header(name, value).get(path).await
}

#[tokio::test]
async fn a_method_that_a_route_lacks_is_answered_with_the_methods_that_it_has() {
    let site = Site::start().await;
    for route in &site.api.paths {
        let supported = site.methods(route).await;
        for method in METHODS.iter().filter(|method| !supported.contains(**method) && **method != "HEAD") {
            let refused = site.api.send(method, &site.path(route), "{}").await;
            assert_eq!(refused.problem(), (405, "method-not-allowed"), "{method} {route}");
            let allowed = refused.header("allow").split(',').map(|method| method.trim().to_owned());
            assert_eq!(
                allowed.filter(|method| method != "HEAD").collect::<BTreeSet<_>>(),
                supported,
                "{method} {route}"
            );
        }
    }
}

#[tokio::test]
async fn every_readable_route_has_content_and_its_head_is_the_same_without_it() {
    let site = Site::start().await;
    for (route, path) in site.readable().await {
        let (read, head) = (site.api.get(&path).await, site.api.send("HEAD", &path, "").await);
        let is_found = if WITHOUT_CONTENT.contains(&route) { read.status != 200 } else { read.status == 200 };
        assert!(is_found, "GET {route}: {} {}", read.status, read.text);
        assert_eq!((head.status, head.text.as_str()), (read.status, ""), "HEAD {route}");
        for name in ["content-type", "etag", "cache-control", "vary", "allow"] {
            assert_eq!(head.headers.get(name), read.headers.get(name), "{name} of HEAD {route}");
        }
    }
}

#[tokio::test]
async fn a_read_honours_its_conditions() {
    let site = Site::start().await;
    let mut with_tag = BTreeSet::new();
    for (route, path) in site.readable().await.into_iter().filter(|(route, _)| !WITHOUT_CONTENT.contains(route)) {
        let read = site.api.get(&path).await;
        let Some(tag) = read.headers.get("etag").map(|tag| tag.to_str().unwrap().to_owned()) else {
            // There is nothing to compare, so the content is sent, except that no tag meets `If-Match`.
            for (name, value, expected) in [
                ("if-none-match", "\"x\"", 200),
                ("if-none-match", "*", 200),
                ("if-match", "*", 200),
                ("if-match", "\"x\"", 412),
            ] {
                assert_eq!(get_with(&site.api, &path, name, value).await.status, expected, "{name}: {value} {route}");
            }
            continue;
        };
        with_tag.insert(route);
        let (weak, listed) = (format!("W/{tag}"), format!("\"a,b\", {tag} , \"c\""));
        for (name, value, expected) in [
            ("if-none-match", tag.as_str(), 304),
            ("if-none-match", &weak, 304),
            ("if-none-match", &listed, 304),
            ("if-none-match", "*", 304),
            ("if-none-match", "\"other\"", 200),
            ("if-none-match", "", 200),
            ("if-none-match", "nonsense", 200),
            ("if-match", &tag, 200),
            ("if-match", &listed, 200),
            ("if-match", "*", 200),
            ("if-match", &weak, 412),
            ("if-match", "\"other\"", 412),
            // Without Last-Modified, conditions on a time are ignored.
            ("if-modified-since", "Fri, 31 Dec 9999 23:59:59 GMT", 200),
            ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
            ("range", "bytes=0-0", 200),
        ] {
            let response = get_with(&site.api, &path, name, value).await;
            assert_eq!(response.status, expected, "{name}: {value} {route}");
            let head = site.api.with_header(name, value).send("HEAD", &path, "").await;
            assert_eq!(head.status, expected, "{name}: {value} HEAD {route}");
            if expected == 304 {
                assert_eq!(response.text, "", "{route}");
                assert!(!response.headers.contains_key("content-type"), "{route}");
                for name in ["etag", "cache-control", "vary"] {
                    assert_eq!(response.headers.get(name), read.headers.get(name), "{name} of {route}");
                }
            }
        }
        // `If-Match` comes first (section 13.2.2).
        let both = site.api.with_header("if-match", "\"other\"");
        assert_eq!(
            get_with(&both, &path, "if-none-match", &tag).await.problem(),
            (412, "precondition-failed"),
            "{route}"
        );
    }
    for route in ["/v1/projects/{pid}", "/v1/projects/{pid}/endpoints/{id}", "/v1/projects/{pid}/return-url", "/docs"] {
        assert!(with_tag.contains(route), "{route} has no ETag: {with_tag:?}");
    }
}

#[tokio::test]
async fn conditions_of_a_read_do_not_apply_if_it_fails() {
    let site = Site::start().await;
    for (name, value) in [("if-none-match", "*"), ("if-match", "\"other\"")] {
        let conditional = site.api.with_header(name, value);
        assert_eq!(conditional.get("/v1/nothing").await.status, 404);
        let refused = conditional.without_key().get(&site.project.path).await;
        assert_eq!(refused.status, 401, "{}", refused.text);
    }
}

#[tokio::test]
async fn only_public_documents_are_cacheable_and_errors_never_are() {
    let site = Site::start().await;
    for (route, path) in site.readable().await {
        let expected = if CACHED.contains(&route) { "public, max-age=300" } else { "no-store" };
        let read = site.api.get(&path).await;
        assert_eq!(read.header("cache-control"), expected, "{route}");
        // A cache must not mix up representations, whoever may use it.
        let (html, json) = (
            get_with(&site.api, &path, "accept", "text/html").await,
            get_with(&site.api, &path, "accept", "application/json").await,
        );
        let korean = site.api.with_header("accept", "text/html").with_header("accept-language", "ko").get(&path).await;
        let vary = read.headers.get("vary").map(|vary| vary.to_str().unwrap()).unwrap_or_default();
        let [html_type, json_type] = [&html, &json].map(|response| response.headers.get("content-type").cloned());
        assert_eq!(html_type != json_type, vary.split(", ").any(|name| name == "accept"), "{route}: {vary}");
        if korean.headers.get("content-language") != html.headers.get("content-language") || html_type != json_type {
            assert!(vary.contains("accept-language"), "{route}: {vary}");
        }
    }
}

#[tokio::test]
async fn a_caller_without_a_key_gets_a_challenge() {
    let site = Site::start().await;
    let anonymous = site.api.without_key();
    let wrong = site.api.with_key("sp_live_wrong");
    let mut challenged = 0;
    for route in &site.api.paths {
        for method in site.methods(route).await {
            let takes_key = site.operation(route, &method).is_some_and(|operation| operation["security"].is_array());
            for client in [&anonymous, &wrong] {
                let refused = client.send(&method, &site.path(route), "").await;
                assert_eq!(refused.status == 401, takes_key, "{method} {route}: {}", refused.text);
                assert_eq!(refused.headers.contains_key("www-authenticate"), takes_key, "{method} {route}");
                if takes_key {
                    let challenge = refused.header("www-authenticate");
                    assert_eq!(challenge, r#"ApiKey realm="signpost", header="x-api-key""#, "{method} {route}");
                    assert_eq!(refused.header("cache-control"), "no-store");
                    challenged += 1;
                }
            }
        }
    }
    assert!(challenged > 100, "{challenged} calls were challenged");
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_the_accepted_coding_is_named() {
    let site = Site::start().await;
    let mut refused_calls = 0;
    for route in &site.api.paths {
        for method in site.methods(route).await {
            if !site.operation(route, &method).is_some_and(|operation| operation["requestBody"].is_object()) {
                continue;
            }
            for coding in ["gzip", "GZIP", "br", "deflate", "identity, gzip", "nonsense"] {
                let client = site.api.with_header("content-encoding", coding);
                let refused = client.send(&method, &site.path(route), "\u{1f}\u{8b}\u{8}").await;
                assert_eq!(refused.problem(), (415, "unsupported-media-type"), "{method} {route} {coding}");
                assert_eq!(refused.header("accept-encoding"), "identity", "{method} {route} {coding}");
                assert_eq!(refused.body["detail"], "body must not be compressed; send it without content-encoding");
            }
            let client = site.api.with_header("content-encoding", "identity");
            let response = client.send(&method, &site.path(route), "[]").await;
            assert_ne!(response.status, 415, "{method} {route}: {}", response.text);
            refused_calls += 1;
        }
    }
    assert!(refused_calls > 20, "{refused_calls} calls take a body");
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_refused_as_such_with_any_query() {
    let site = Site::start().await;
    for route in &site.api.paths {
        let methods = site.methods(route).await;
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE"].into_iter().filter(|one| !methods.contains(*one)) {
            let refused = site.api.send(method, &format!("{}?colour=1", site.path(route)), "").await;
            assert_eq!(refused.problem(), (405, "method-not-allowed"), "{method} {route}");
        }
    }
}

#[tokio::test]
async fn every_call_refuses_query_parameters_that_it_does_not_document() {
    let site = Site::start().await;
    for route in &site.api.paths {
        for method in site.methods(route).await {
            let Some(operation) = site.operation(route, &method) else {
                // Pages for people ignore them: mail programs and link trackers add some.
                let plain = site.api.send(&method, &site.path(route), "").await.status;
                let tracked = site.api.send(&method, &format!("{}?utm_source=mail", site.path(route)), "").await.status;
                assert_eq!(tracked, plain, "{method} {route}");
                continue;
            };
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let known: Vec<&str> = parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            for unknown in ["colour", "Limit", "x-api-key", "limit[]"].into_iter().filter(|name| !known.contains(name))
            {
                let refused = site.api.send(&method, &format!("{}?{unknown}=1", site.path(route)), "{}").await;
                assert_eq!(refused.problem(), (400, "bad-query"), "{method} {route}?{unknown}: {}", refused.text);
                let detail = refused.body["detail"].as_str().unwrap();
                assert!(detail.contains(&format!("`{unknown}`")), "{detail}");
            }
            for known in known {
                let twice = site.api.send(&method, &format!("{}?{known}=1&{known}=1", site.path(route)), "").await;
                assert_eq!(twice.problem(), (400, "bad-query"), "{method} {route}?{known} twice: {}", twice.text);
            }
        }
    }
}

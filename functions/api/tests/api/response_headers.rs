//! All responses have the security headers, for every route, method and status.

use std::collections::BTreeSet;

use serde_json::json;

use crate::client::Response;
use crate::fixture::{Options, TestApi};
use crate::matrix::path;

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "DELETE"];

/// Routes with cacheable successful responses. The responses contain nothing that requires a key.
pub(crate) const CACHED: [&str; 10] = [
    "/docs",
    "/docs.md",
    "/event-types.md",
    "/openapi.json",
    "/llms.txt",
    "/.well-known/api-catalog",
    "/.well-known/security.txt",
    "/v1/egress-ips",
    "/v1/event-types",
    "/v1/projects/{pid}/jwks.json",
];

/// Checks the headers of a response. `caching` is the expected value of `Cache-Control`.
#[track_caller]
fn check(response: &Response, caching: &str, request: &str) {
    for (name, expected) in [
        ("cache-control", caching),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=31536000"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        let values: Vec<&str> = response.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(values, [expected], "{name} of {request}, which answers {}", response.status);
    }
}

#[tokio::test]
async fn every_method_of_every_route_responds_with_the_security_headers() {
    let api = TestApi::start().await;
    let mut statuses = BTreeSet::new();
    for route in &api.paths {
        // A project for each route, because a method of another route deletes it.
        let project = api.create_project().await;
        let path = path(route, &project.path).replace("{token}", "x").replace("{name}", "not-found");
        for method in METHODS {
            for client in [&*api, &api.without_key()] {
                let response = client.send(method, &path, "").await;
                let is_cached = CACHED.contains(route) && response.status == 200;
                let caching = if is_cached { "public, max-age=300" } else { "no-store" };
                check(&response, caching, &format!("{method} {route}"));
                statuses.insert(response.status);
            }
        }
    }
    for status in [200, 201, 204, 303, 400, 401, 404, 405] {
        assert!(statuses.contains(&status), "no request got {status}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_refused_or_failed_request_gets_the_security_headers() {
    let rate_limited = Options { rate_limit: 1, ..Options::default() };
    let api = TestApi::start_with(&rate_limited).await;
    let project = api.create_project().await;
    let endpoint = project.create_endpoint().await;
    let scoped = project.with_scopes(&["links:write"]).await;
    let event = json!({"type": "approved", "data": {}});
    let large = json!({"name": "x".repeat(256 * 1024)});
    let with_type = api.with_header("content-type", "text/plain");
    let unmet = endpoint.with_header("if-match", "\"other\"");
    let expected = [
        (400, api.get("/v1/projects?limit=0").await),
        (403, scoped.get("").await),
        (429, scoped.get("").await),
        (404, api.get("/nothing").await),
        (412, unmet.patch("", json!({"description": "x"})).await),
        (413, api.post("/v1/projects", large).await),
        (414, api.get(&format!("/{}", "x".repeat(9000))).await),
        (415, with_type.post("/v1/projects", "x").await),
        (422, api.post("/v1/projects", json!({"name": 7})).await),
    ];
    for (status, response) in &expected {
        assert_eq!(response.status, *status, "{}", response.text);
        check(response, "no-store", &response.text);
    }

    let api = api.restart_with(&Options { has_queue: false, ..Options::default() });
    let unavailable = api.at(&project.path).post("/events", event).await;
    assert_eq!(unavailable.status, 503, "{}", unavailable.text);
    check(&unavailable, "no-store", "an event that cannot be queued");

    let stored = api.store.endpoints.get(project.id(), endpoint.id()).await.unwrap().unwrap();
    api.store.spoil_endpoint(&stored).await;
    let internal = api.at(&endpoint.path).get("").await;
    assert_eq!(internal.status, 500, "{}", internal.text);
    check(&internal, "no-store", "an endpoint that cannot be read");
}

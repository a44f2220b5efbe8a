//! The API behind a proxy, such as `CloudFront`: who may call it, and which address counts as the caller's.

use domain::projects::api_key::KeyHash;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::{Client, Resource, SOURCE_IP};
use crate::fixture::{Options, TestApi};
use crate::matrix::path;

const OLD_SECRET: &str = "the-secret-until-the-rotation";
const SECRET: &str = "the-secret-since-the-rotation";

/// The address of a caller. The proxy calls from [`SOURCE_IP`].
const CALLER: &str = "198.51.100.77";

/// Starts the API behind a proxy that sends one of two secrets, and creates a project through it.
async fn start() -> (TestApi, Resource) {
    let hashes = [OLD_SECRET, SECRET].map(|secret| KeyHash::from_digest(Sha256::digest(secret)).to_string());
    let options = Options { proxy_secret_hashes: hashes.join(","), ..Options::default() };
    let api = TestApi::start_with(&options).await;
    let project = through_proxy(&api, CALLER).create_project().await;
    (api, project)
}

/// The same caller through the proxy, which forwards this list of addresses.
fn through_proxy(client: &Client, addresses: &str) -> Client {
    client.with_header("x-origin-verify", SECRET).with_header("x-forwarded-for", addresses)
}

#[tokio::test]
async fn a_request_that_bypasses_the_proxy_is_rejected_on_every_route() {
    let (api, project) = start().await;
    for route in &api.paths {
        let path = path(route, &project.path).replace("{token}", "x").replace("{name}", "not-found");
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(api.send(method, &path, "").await.problem(), (403, "forbidden"), "{method} {route}");
        }
    }
    assert_eq!(api.get("/nothing").await.problem(), (403, "forbidden"));
    let forwarded = api.with_header("x-forwarded-for", CALLER);
    let guessed = forwarded.with_header("x-origin-verify", "guess");
    for client in [&forwarded, &guessed, &api.with_header("x-origin-verify", "")] {
        let refused = client.get("/v1/projects").await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        assert!(!refused.text.contains("guess"), "{}", refused.text);
    }
}

#[tokio::test]
async fn both_secrets_are_accepted_during_a_rotation() {
    let (api, _) = start().await;
    for secret in [OLD_SECRET, SECRET] {
        api.with_header("x-origin-verify", secret).get("/v1/projects").await.expect(200);
    }
}

#[tokio::test]
async fn allowed_networks_are_compared_with_the_address_of_the_caller() {
    let (api, project) = start().await;
    let key = project.with_new_key(json!({"name": "office", "allowedCidrs": [format!("{CALLER}/32")]})).await;
    let at = |addresses: &str| through_proxy(&api.at(&project.path).with_key(key.key()), addresses);
    for addresses in [CALLER, &format!("10.0.0.1, {CALLER}"), &format!("{CALLER}, {SOURCE_IP}")] {
        at(addresses).get("").await.expect(200);
    }
    for addresses in ["203.0.113.200", &format!("{CALLER}, 203.0.113.200"), "", "unknown", SOURCE_IP] {
        assert_eq!(at(addresses).get("").await.problem(), (403, "forbidden"), "{addresses}");
    }
}

#[tokio::test]
async fn the_audit_log_shows_the_address_of_the_caller_and_not_the_proxy() {
    let (api, project) = start().await;
    let client = through_proxy(&api.at(&project.path), &format!("10.9.9.9, {CALLER}"));
    client.patch("", json!({"name": "Renamed"})).await.expect(200);
    let audit = client.get("/audit").await;
    assert_eq!(audit.body["items"][0]["sourceIp"], CALLER, "{}", audit.text);
    for address in [SOURCE_IP, "10.9.9.9", SECRET] {
        assert!(!audit.text.contains(address), "{}", audit.text);
    }
}

#[tokio::test]
async fn without_a_proxy_the_header_of_a_proxy_changes_nothing() {
    let (api, project) = TestApi::with_project().await;
    let client = through_proxy(&api.at(&project.path), CALLER);
    client.patch("", json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(client.get("/audit").await.body["items"][0]["sourceIp"], SOURCE_IP);
}

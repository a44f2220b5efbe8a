//! The effect of an endpoint's settings on the requests that its receiver gets.

use std::collections::HashMap;

use aws::store::testing::Database;
use domain::foundation::clock::{Clock, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, KeyPairId, ProjectId, SecretKeyId};
use domain::foundation::overlap::Overlap;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::return_urls::{KeyIssue, SecretKeys};
use domain::webhooks::address::BlockedUrl;
use domain::webhooks::delivery::AttemptTask;
use domain::webhooks::endpoint::{EndpointUrl, NewEndpoint};
use domain::webhooks::event::{Event, NewEvent};
use domain::webhooks::key_pair::KeyPairs;
use domain::webhooks::request::{self, EndpointSecrets, ProjectKeys};
use domain::webhooks::signature::SigningSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use webhook_sender::Config;

use crate::scene::{config, json, ring, send_all_with, sender};

/// A request that a receiver got.
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A receiver that accepts one webhook and returns it.
pub(crate) async fn receiver() -> (u16, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let received = loop {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0, "the request ended early");
            if let Some(received) = parse(&request) {
                break received;
            }
        };
        connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        received
    });
    (port, received)
}

/// Returns the request once it is complete.
fn parse(request: &[u8]) -> Option<Received> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&request[..end]).unwrap();
    let headers: HashMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = &request[end + 4..];
    let length: usize = headers["content-length"].parse().unwrap();
    (body.len() == length).then(|| Received { headers, body: body.to_vec() })
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn event() -> Event {
    let draft = Draft::parse(br#"{"type":"token","data":{"token_id":"t-1","n":1.10}}"#).unwrap();
    let project = ProjectId::new(now(), &SystemRandom);
    NewEvent::try_from(draft).unwrap().accept(EventId::new(now(), &SystemRandom), project)
}

/// Sends one task with a new sender.
async fn send(store: &Database, task: &AttemptTask) {
    send_all_with(&sender(store), &[json(task)]).await;
}

#[tokio::test]
async fn a_webhook_uses_the_format_encryption_and_signatures_of_its_endpoint() {
    let store = Database::start().await;
    let (port, received) = receiver().await;
    let (event, config) = (event(), config());
    let project = event.project_id;
    let body = format!(
        r#"{{"url":"http://localhost:{port}/","format":"argos","encryption":"aes-256-ecb","signatures":["v1","v1a"]}}"#
    );
    let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &config.address_guard).unwrap();
    let secret = SigningSecret::generate(&SystemRandom);
    let endpoint = new.create(EndpointId::new(now(), &SystemRandom), project, &secret, &ring(), &SystemRandom);
    let mut secret_keys = SecretKeys::none(project);
    for overlap in [Overlap::NONE, Overlap::default()] {
        let (id, request) = (SecretKeyId::new(now(), &SystemRandom), KeyIssue { overlap, secret_key: None });
        secret_keys.issue(id, request, now(), &ring(), &SystemRandom).unwrap();
    }
    let pairs = KeyPairs::first(KeyPairId::new(now(), &SystemRandom), project, &ring(), &SystemRandom);
    store.endpoints.put(&endpoint).await.unwrap();
    store.return_urls.replace_keys(&secret_keys).await.unwrap();
    store.endpoints.put_key_pairs(&pairs).await.unwrap();

    send(&store, &AttemptTask::first(&event, &[endpoint.id]).remove(0)).await;

    let Received { headers, body } = received.await.unwrap();
    // The second key becomes current only after its overlap. ECB encrypts the same body to the same bytes each time; the tests
    // of the rules decrypt it.
    let secret_key = secret_keys.current_at(now()).cloned();
    let keys = ProjectKeys { secret_key, key_pairs: Some(pairs.clone()) };
    let secrets = EndpointSecrets::of(&endpoint, &keys, &ring()).unwrap();
    assert_eq!(body, request::body(&secrets, &event, &SystemRandom));
    assert!(body.starts_with(br#"{"data":""#));
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    let pair = pairs.open(&ring()).unwrap();
    let expected = [secret.sign(event.id, at, &body), pair.signing_at(at).sign(event.id, at, &body)].join(" ");
    assert_eq!(headers["webhook-signature"], expected);
}

#[tokio::test]
async fn a_thin_webhook_has_no_data_and_a_cloud_event_has_its_own_media_type() {
    for (settings, content_type) in [
        (r#""payload":"thin""#, "application/json"),
        (r#""payload":"thin","format":"cloudevents""#, "application/cloudevents+json; charset=utf-8"),
    ] {
        let store = Database::start().await;
        let (port, received) = receiver().await;
        let event = event();
        let body = format!(r#"{{"url":"http://localhost:{port}/",{settings}}}"#);
        let new = NewEndpoint::check(Draft::parse(body.as_bytes()).unwrap(), &config().address_guard).unwrap();
        let secret = SigningSecret::generate(&SystemRandom);
        let id = EndpointId::new(now(), &SystemRandom);
        let endpoint = new.create(id, event.project_id, &secret, &ring(), &SystemRandom);
        store.endpoints.put(&endpoint).await.unwrap();

        send(&store, &AttemptTask::first(&event, &[endpoint.id]).remove(0)).await;

        let Received { headers, body } = received.await.unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(&event.id.to_string()) && !text.contains("token_id"), "{text}");
        assert_eq!(headers["content-type"], content_type);
        assert!(headers["content-digest"].starts_with("sha-256=:"), "{}", headers["content-digest"]);
    }
}

#[test]
fn our_own_hosts_are_blocked_for_webhooks() {
    let guard = Config::read(|name| match name {
        "API_BASE_URL" => Some("https://api.signpost.example.com".to_owned()),
        "REDIRECT_BASE_URL" => Some("https://go.signpost.example.com".to_owned()),
        "CONSOLE_BASE_URL" => Some("https://console.signpost.example.com".to_owned()),
        "RETENTION_DAYS" => Some("30".to_owned()),
        "SEND_QUEUE_URL" => Some("https://sqs.eu-west-1.amazonaws.com/123456789012/send".to_owned()),
        "CANARY_URL" => Some("https://sqs.eu-west-1.amazonaws.com/".to_owned()),
        "SLOW_QUEUE_URL" => Some("https://sqs.eu-west-1.amazonaws.com/123456789012/slow".to_owned()),
        "RETRY_SCHEDULE" => Some("5s".to_owned()),
        "HEALTH_POLICY" => Some("failures=3,over=0s,pause=30s,longest=15m,warn=24h,disable=120h".to_owned()),
        "GATEWAY_URLS" => Some("https://abc.execute-api.eu-west-1.amazonaws.com,https://def.example".to_owned()),
        "ALLOWED_PRIVATE_RECEIVERS" => None,
        _ => Some("unused".to_owned()),
    })
    .unwrap()
    .address_guard;
    // The sender checks the URL with this guard before each attempt.
    for host in [
        "api.signpost.example.com",
        "GO.signpost.example.com.",
        "console.signpost.example.com",
        "abc.execute-api.eu-west-1.amazonaws.com",
    ] {
        assert_eq!(EndpointUrl::parse(&format!("https://{host}/"), &guard), Err(BlockedUrl::OwnHost.into()), "{host}");
    }
}

//! What an endpoint is set to, as its receiver gets it.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::collections::HashMap;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use shared::address::BlockedUrl;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::{ACTIVITY, Database, SETTINGS};
use shared::clock::{Clock, SystemClock};
use shared::delivery::Nudge;
use shared::draft::Draft;
use shared::endpoint::{EndpointUrl, NewEndpoint};
use shared::event::{Event, NewEvent};
use shared::id::{EndpointId, EventId, KeyPairId, ProjectId, ReturnUrlKeyId};
use shared::key_pair::KeyPairs;
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::return_url::ReturnUrlKey;
use shared::signature::SigningSecret;
use shared::time::Timestamp;
use shared::webhook::{self, Opened, ProjectKeys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use webhook_sender::{Config, Sender};

/// A request as a receiver gets it.
struct Received {
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn ring() -> KeyRing {
    KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
}

fn config() -> Config {
    Config::read(|name| {
        Some(match name {
            "SETTINGS_TABLE" => SETTINGS.to_owned(),
            "ACTIVITY_TABLE" => ACTIVITY.to_owned(),
            "RETENTION_DAYS" => "30".to_owned(),
            "RETRY_SCHEDULE" => "5s".to_owned(),
            "ALLOWED_PRIVATE_RECEIVERS" => "localhost=127.0.0.0/8".to_owned(),
            _ => "http://127.0.0.1:1".to_owned(),
        })
    })
    .unwrap()
}

/// A receiver that accepts one webhook and hands it over.
async fn receiver() -> (u16, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let received = loop {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0, "the webhook breaks off");
            if let Some(received) = parse(&request) {
                break received;
            }
        };
        connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        received
    });
    (port, received)
}

/// The request, if it is there to its end.
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

async fn send(store: &Database, nudge: &Nudge) {
    let key_ring = KeyRingSecret::known(ring());
    let sender = Sender::new(config(), store.aws(), key_ring, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let mut message = SqsMessage::default();
    message.body = Some(serde_json::to_string(nudge).unwrap());
    let mut batch = SqsEvent::default();
    batch.records = vec![message];
    assert!(sender.handle(batch).await.batch_item_failures.is_empty());
}

#[tokio::test]
async fn format_encryption_and_signatures_are_those_of_the_endpoint() {
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
    let secret_key = ReturnUrlKey::generate(&SystemRandom);
    let secret_key = secret_key.store(ReturnUrlKeyId::new(now(), &SystemRandom), project, &ring(), &SystemRandom);
    let pairs = KeyPairs::first(KeyPairId::new(now(), &SystemRandom), project, &ring(), &SystemRandom);
    store.settings.put_endpoint(&endpoint).await.unwrap();
    store.settings.replace_return_url_key(&secret_key).await.unwrap();
    store.settings.create_key_pairs(&pairs).await.unwrap();

    send(&store, &Nudge::first(&event, &[endpoint.id]).remove(0)).await;

    let Received { headers, body } = received.await.unwrap();
    // ECB gives the same each time; that it decrypts is shown beside the rule.
    let keys = ProjectKeys { secret_key: Some(secret_key), key_pairs: Some(pairs.clone()) };
    let opened = Opened::of(&endpoint, &keys, &ring()).unwrap();
    assert_eq!(body, webhook::body(&opened, &event, &SystemRandom));
    assert!(body.starts_with(br#"{"data":""#));
    let at = Timestamp::from_millis(headers["webhook-timestamp"].parse::<i64>().unwrap() * 1000).unwrap();
    let pair = pairs.open(&ring()).unwrap();
    let expected = [secret.sign(event.id, at, &body), pair.signing_at(at).sign(event.id, at, &body)].join(" ");
    assert_eq!(headers["webhook-signature"], expected);
}

#[test]
fn the_sender_knows_the_hosts_that_are_our_own() {
    let guard = Config::read(|name| match name {
        "API_BASE_URL" => Some("https://api.signpost.example.com".to_owned()),
        "REDIRECT_BASE_URL" => Some("https://go.signpost.example.com".to_owned()),
        "RETENTION_DAYS" => Some("30".to_owned()),
        "RETRY_SCHEDULE" => Some("5s".to_owned()),
        "ALLOWED_PRIVATE_RECEIVERS" => None,
        _ => Some("unused".to_owned()),
    })
    .unwrap()
    .address_guard;
    // The sender checks every URL with this guard, before each attempt.
    for host in ["api.signpost.example.com", "GO.signpost.example.com."] {
        assert_eq!(EndpointUrl::parse(&format!("https://{host}/"), &guard), Err(BlockedUrl::OwnHost.into()), "{host}");
    }
}

//! How Signpost authenticates to receivers: access tokens (OAuth 2.0) and client certificates (mutual TLS).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use e2e::{Customer, WAIT_TIMEOUT, default_options, run, stack};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use stack::{Stack, StackOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

trials! {
    webhooks_carry_an_access_token_of_the_receivers_token_server,
    a_refused_token_fails_the_attempt_and_is_explained,
    a_receiver_that_demands_a_client_certificate_gets_webhooks,
    secrets_of_the_authentication_are_never_shown_or_logged,
}

const CLIENT_SECRET: &str = "client-secret-tamarind";
const NEW_CLIENT_SECRET: &str = "client-secret-cardamom";
const TOKEN: &str = "access-token-marjoram";

/// The requests that a token server got.
type TokenRequests = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// Starts a token server. Returns its URL and the requests that it gets.
async fn token_server() -> (String, TokenRequests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/token", listener.local_addr().unwrap().port());
    let requests = TokenRequests::default();
    let router = Router::new().route("/token", post(issue_token)).with_state(Arc::clone(&requests));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, requests)
}

async fn issue_token(State(requests): State<TokenRequests>, headers: HeaderMap, body: String) -> Json<Value> {
    requests.lock().unwrap().push((headers, body));
    Json(json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600 }))
}

/// Sets client credentials of the customer's endpoint. Returns the changed endpoint.
async fn set_oauth2(customer: &Customer, token_url: &str) -> Value {
    let oauth2 = json!({
        "tokenUrl": token_url, "clientId": "signpost", "clientSecret": CLIENT_SECRET, "scope": "webhooks.write",
    });
    customer.patch(&format!("/endpoints/{}", customer.endpoint()), &json!({ "oauth2": oauth2 })).await
}

fn webhooks_carry_an_access_token_of_the_receivers_token_server() {
    run(async {
        let customer = Customer::new(stack().await, "/receiver-auth/token").await;
        let (token_url, requests) = token_server().await;
        set_oauth2(&customer, &token_url).await;
        let event = customer.publish(&json!({ "type": "approved", "data": {} })).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        customer.post(&format!("/deliveries/{}/replay", delivery["id"].as_str().unwrap()), &json!({})).await;
        let test =
            customer.post(&format!("/endpoints/{}/test", customer.endpoint()), &json!({ "type": "approved" })).await;
        assert_eq!(test["attempt"]["status"], 200, "{test}");
        assert!(!test.to_string().contains(TOKEN), "{test}");

        let is_complete = |received: &[stack::receiver::Received]| received.len() == 3;
        let received = customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, is_complete).await.unwrap();
        for webhook in received {
            assert!(webhook.verified);
            assert_eq!(webhook.headers[AUTHORIZATION], format!("Bearer {TOKEN}"));
        }
        // Each process of the sender requests its own token.
        let requests = requests.lock().unwrap().clone();
        assert!((1..=3).contains(&requests.len()), "{}", requests.len());
        for (headers, body) in requests {
            assert_eq!(headers[AUTHORIZATION], "Basic c2lnbnBvc3Q6Y2xpZW50LXNlY3JldC10YW1hcmluZA==");
            assert_eq!(body, "grant_type=client_credentials&scope=webhooks.write");
            assert!(!headers.contains_key("webhook-id"));
        }
    });
}

fn a_refused_token_fails_the_attempt_and_is_explained() {
    run(async {
        let customer = Customer::new(stack().await, "/receiver-auth/refused").await;
        // The receiver of the stack has no such path and answers 401.
        set_oauth2(&customer, &customer.receiver().url("/receiver-auth/no-token-server")).await;
        let test =
            customer.post(&format!("/endpoints/{}/test", customer.endpoint()), &json!({ "type": "approved" })).await;
        assert_eq!((&test["attempt"]["reason"], &test["attempt"]["status"]), (&json!("token-refused"), &json!(401)));
        assert!(test["attempt"]["phases"]["tokenMs"].is_number(), "{test}");
        assert_eq!(customer.received().len(), 0);
    });
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> Authority {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client certificate and its private key, as the API takes them.
fn client_certificate(authority: &Authority) -> Value {
    let key = KeyPair::generate().unwrap();
    let certificate = params("signpost").signed_by(&key, authority).unwrap();
    json!({ "certificate": certificate.pem(), "privateKey": key.serialize_pem() })
}

/// Starts a receiver that demands a client certificate. Returns its URL, and the heads of the requests that it gets.
async fn mutual_receiver(server: &Authority, clients: &Authority) -> (String, Arc<Mutex<Vec<String>>>) {
    let key = KeyPair::generate().unwrap();
    let certificate = params("localhost").signed_by(&key, server).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_client_cert_verifier(verifier);
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/mutual", listener.local_addr().unwrap().port());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            if let Ok(connection) = acceptor.accept(connection).await {
                let head = take_webhook(connection).await;
                kept.lock().unwrap().extend(head);
            }
        }
    });
    (url, heads)
}

/// Accepts one webhook. Returns its head.
async fn take_webhook(mut connection: TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let request = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length == Some(body.len()) {
            connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.ok()?;
            connection.shutdown().await.ok()?;
            return Some(head.to_owned());
        }
    }
}

fn a_receiver_that_demands_a_client_certificate_gets_webhooks() {
    run(async {
        let (server, clients) = (authority("Server"), authority("Clients"));
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root.der");
        std::fs::write(&root, server.der()).unwrap();
        // The sender of the other tests trusts only public authorities.
        let options = StackOptions { trusted_root: Some(root), ..default_options() };
        let stack: &'static Stack = Box::leak(Box::new(Stack::start(options).await.unwrap()));
        let customer = Customer::new(stack, "/receiver-auth/unused").await;
        let (url, heads) = mutual_receiver(&server, &clients).await;
        let without = customer.post("/endpoints", &json!({ "url": url })).await;
        let certificate = client_certificate(&clients);
        let with = customer.post("/endpoints", &json!({ "url": url, "clientCertificate": certificate })).await;
        let other = client_certificate(&authority("Others"));
        let rejected = customer.post("/endpoints", &json!({ "url": url, "clientCertificate": other })).await;
        for (endpoint, expected) in [
            (&without, json!({ "reason": "client-certificate-required" })),
            (&with, json!({ "status": 204 })),
            (&rejected, json!({ "reason": "client-certificate-rejected" })),
        ] {
            let path = format!("/endpoints/{}/test", endpoint["id"].as_str().unwrap());
            let attempt = &customer.post(&path, &json!({ "type": "approved" })).await["attempt"];
            let shown = [&attempt["status"], &attempt["reason"]];
            assert_eq!(shown, [&expected["status"], &expected["reason"]], "{attempt}");
        }
        let [head] = heads.lock().unwrap().clone().try_into().unwrap();
        assert!(head.starts_with("POST /mutual HTTP/1.1\r\n"), "{head}");
    });
}

fn secrets_of_the_authentication_are_never_shown_or_logged() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/receiver-auth/secrets").await;
        let (token_url, _) = token_server().await;
        let path = format!("/endpoints/{}", customer.endpoint());
        let certificate = client_certificate(&authority("Clients"));
        let mut answers = vec![
            set_oauth2(&customer, &token_url).await,
            customer.patch(&path, &json!({ "oauth2": { "clientSecret": NEW_CLIENT_SECRET } })).await,
            customer.patch(&path, &json!({ "clientCertificate": certificate })).await,
        ];
        let event = customer.publish(&json!({ "type": "approved", "data": {} })).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        answers.extend([
            delivery.clone(),
            customer.post(&format!("{path}/test"), &json!({ "type": "approved" })).await,
            customer.patch(&path, &json!({ "oauth2": null, "clientCertificate": null })).await,
            customer.get(&path).await,
            customer.get("/endpoints").await,
            customer.get("/audit").await,
        ]);
        assert_eq!(answers[2]["oauth2"]["tokenUrl"], token_url.as_str());
        assert!(answers[2]["clientCertificate"]["subject"].as_str().unwrap().contains("CN=signpost"), "{}", answers[2]);

        let key = certificate["privateKey"].as_str().unwrap().lines().nth(1).unwrap();
        let secrets = [CLIENT_SECRET, NEW_CLIENT_SECRET, TOKEN, key, "PRIVATE KEY"];
        let logs = logs_with(stack, delivery["id"].as_str().unwrap()).await;
        for secret in secrets {
            assert!(!answers.iter().any(|answer| answer.to_string().contains(secret)), "{secret} is in an answer");
            assert!(!logs.iter().any(|line| line.contains(secret)), "{secret} is in the logs");
        }
    });
}

/// Waits until the logs of the functions contain a string, and returns the lines.
async fn logs_with(stack: &Stack, expected: &str) -> Vec<String> {
    let started_at = Instant::now();
    loop {
        let lines = stack.function_logs().await.unwrap();
        if lines.iter().any(|line| line.contains(expected)) {
            return lines;
        }
        assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{expected} is not in the logs");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

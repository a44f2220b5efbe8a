//! Endpoints with a client certificate, and receivers that demand one (mutual TLS).

use std::sync::Arc;
use std::time::Duration;

use aws::secrets::KeyRingSecret;
use domain::foundation::clock::{Clock as _, ManualClock, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::endpoint::{ClientCertificate, NewEndpoint};
use domain::webhooks::signature::SigningSecret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use webhook_sender::Sender;

use crate::http_server::{Requests, serve};
use crate::scene::{FAST, Scene, config, json as message, ring, send_at};

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

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    roots
}

/// Starts a receiver that demands a client certificate of `clients`. Returns its URL, and the requests that it accepts.
async fn receiver(server: &Authority, clients: &Authority) -> (String, Requests) {
    let key = KeyPair::generate().unwrap();
    let certificate = params("localhost").signed_by(&key, server).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(clients).into(), Arc::clone(&provider));
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_client_cert_verifier(verifier.build().unwrap());
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    let requests = Requests::default();
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // Rejects clients with an alert.
            if let Ok(connection) = acceptor.accept(connection).await {
                serve(connection, &kept, |_| (200, String::new())).await;
            }
        }
    });
    (url, requests)
}

/// The client certificate of an endpoint, signed by `authority`.
fn client_certificate(scene: &Scene, authority: &Authority) -> ClientCertificate {
    let key = KeyPair::generate().unwrap();
    let certificate = params("signpost").signed_by(&key, authority).unwrap().pem();
    let fields = json!({
        "url": "https://example.com/",
        "clientCertificate": { "certificate": certificate, "privateKey": key.serialize_pem() },
    });
    let draft = Draft::parse(fields.to_string().as_bytes()).unwrap();
    let new = NewEndpoint::check(draft, &config().address_guard).unwrap();
    let (id, project): (EndpointId, ProjectId) = (scene.endpoint.id, scene.endpoint.project_id);
    let secret = SigningSecret::generate(&SystemRandom);
    new.create(id, project, &secret, &ring(), &SystemRandom).client_certificate.unwrap()
}

#[tokio::test]
async fn a_receiver_that_demands_a_client_certificate_gets_that_of_the_endpoint() {
    let (server, clients, other) = (authority("Server"), authority("Clients"), authority("Other"));
    let (url, requests) = receiver(&server, &clients).await;
    let scene = Scene::with_endpoint_at(&url).await;
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let (roots, key_ring, random) = (roots(&server), KeyRingSecret::known(ring()), Arc::new(SystemRandom));
    let sender = Sender::trusting(roots, config(), scene.store.aws(), key_ring, clock.clone(), random).unwrap();
    let mut scene = scene.with_sender(sender);
    for (authority, expected) in [
        (None, (None, Some(FailureReason::ClientCertificateRequired))),
        (Some(&clients), (Some(200), None)),
        (Some(&other), (None, Some(FailureReason::ClientCertificateRejected))),
        (Some(&clients), (Some(200), None)),
    ] {
        let certificate = authority.map(|authority| client_certificate(&scene, authority));
        scene = scene.with_changed_endpoint(|endpoint| endpoint.client_certificate = certificate).await;
        // The settings are cached for 30 s.
        clock.advance(Duration::from_secs(31));
        let event = scene.event();
        let failed = send_at(clock.now(), FAST, &scene.sender, &[message(&scene.task(&event))]).await;
        assert_eq!(failed, Vec::<usize>::new());
        let [attempt] = scene.stored_delivery(&event).await.unwrap().attempts.try_into().unwrap();
        assert_eq!((attempt.status, attempt.reason), expected);
    }
    assert_eq!(requests.lock().unwrap().len(), 2);
}

//! Receivers that ask for a client certificate (mutual TLS).

use domain::webhooks::endpoint::OpenedClientCertificate;
use rcgen::{Certificate, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::{authority, params, signed};
use super::*;
use crate::http::client_auth::ClientIdentity;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A receiver that trusts the client certificates of `clients`. It answers with the subject of the client certificate of the
/// connection, or with `nobody`, and counts its full handshakes.
struct MutualReceiver {
    url: Url,
    handshakes: Arc<AtomicUsize>,
}

impl MutualReceiver {
    /// Starts a receiver whose own certificate is from `server`. If it is `lenient`, it answers requests without a client
    /// certificate too.
    async fn start(
        version: &'static SupportedProtocolVersion,
        server: &Authority,
        clients: &Authority,
        lenient: bool,
    ) -> Self {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(clients).into(), Arc::new(default_provider()));
        let verifier = if lenient { verifier.allow_unauthenticated() } else { verifier };
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap();
        let (chain, key) = signed(&params("a.example"), server);
        let builder = builder.with_client_cert_verifier(verifier.build().unwrap());
        let config = builder.with_single_cert(vec![chain[0].der().clone()], der(&key)).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://a.example:{}/", listener.local_addr().unwrap().port())).unwrap();
        let handshakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&handshakes);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    // Sends an alert if it rejects the client.
                    let Ok(connection) = acceptor.accept(connection).await else { return };
                    let is_full = connection.get_ref().1.handshake_kind() != Some(rustls::HandshakeKind::Resumed);
                    counted.fetch_add(usize::from(is_full), Ordering::SeqCst);
                    serve(connection).await;
                });
            }
        });
        Self { url, handshakes }
    }
}

/// Answers the requests of a connection. A request with the path `/last` closes it.
async fn serve(mut connection: TlsStream<TcpStream>) {
    let certificate = connection.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
    let client = certificate.map_or("nobody", |der| {
        ["first", "second"].into_iter().find(|name| contains(&der, name.as_bytes())).unwrap_or("somebody")
    });
    let mut request = Vec::new();
    while connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
        if request.ends_with(BODY) {
            let is_last = contains(&request, b"POST /last");
            request.clear();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{client}", client.len());
            connection.write_all(answer.as_bytes()).await.unwrap();
            if is_last {
                return;
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.serialize_der().into())
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    roots
}

fn client_trusting(server: &Authority) -> WebhookClient {
    let canary = Canary::new(&Url::parse("http://127.0.0.1:1/").unwrap(), guard(), FakeLookup::returning([]));
    WebhookClient::with(guard(), roots(server), on_this_machine(20), canary, limits(LONG, LONG)).unwrap()
}

fn identity(client: &WebhookClient, name: &str, (chain, key): (Vec<Certificate>, KeyPair)) -> ClientIdentity {
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    let certificate = OpenedClientCertificate { chain, private_key: der(&key), sha256: name.to_owned() };
    client.tls().identity(certificate).unwrap()
}

/// Posts with this client certificate, or without one.
async fn attempt_as(client: &WebhookClient, url: &Url, identity: Option<&ClientIdentity>) -> Attempt {
    let request = Request { identity, ..request(url, Method::POST, BODY) };
    client.send(&request, first_attempt()).await.unwrap().attempt
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_absence_and_rejection_have_their_own_reasons() {
    let (server, clients, other) = (authority("Server"), authority("Clients"), authority("Other"));
    let mut expired = params("first");
    expired.not_after = date_time_ymd(2002, 1, 1);
    for version in [&TLS12, &TLS13] {
        let receiver = MutualReceiver::start(version, &server, &clients, false).await;
        let client = client_trusting(&server);
        let good = identity(&client, "good", signed(&params("first"), &clients));
        let unknown = identity(&client, "unknown", signed(&params("first"), &other));
        let expired = identity(&client, "expired", signed(&expired, &clients));
        for (identity, expected) in [
            (Some(&good), None),
            (None, Some(FailureReason::ClientCertificateRequired)),
            (Some(&unknown), Some(FailureReason::ClientCertificateRejected)),
            (Some(&expired), Some(FailureReason::ClientCertificateRejected)),
        ] {
            let attempt = attempt_as(&client, &receiver.url, identity).await;
            assert_eq!(attempt.reason, expected, "{version:?} {identity:?}");
            assert_eq!(attempt.response.as_deref(), expected.is_none().then_some("first"), "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_only_with_the_client_certificate_that_it_was_opened_with() {
    let (server, clients) = (authority("Server"), authority("Clients"));
    let receiver = MutualReceiver::start(&TLS13, &server, &clients, true).await;
    let client = client_trusting(&server);
    let first = identity(&client, "1", signed(&params("first"), &clients));
    let second = identity(&client, "2", signed(&params("second"), &clients));
    // Each round finds the idle connections of the round before.
    for is_pooled in [false, true] {
        for (identity, expected) in [(Some(&first), "first"), (None, "nobody"), (Some(&second), "second")] {
            let attempt = attempt_as(&client, &receiver.url, identity).await;
            assert_eq!(attempt.response.as_deref(), Some(expected));
            assert_eq!(attempt.phases.connect_ms.is_none(), is_pooled, "{expected}");
        }
    }
    assert_eq!(receiver.handshakes.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_tls_session_is_resumed_only_with_the_client_certificate_that_it_began_with() {
    let (server, clients) = (authority("Server"), authority("Clients"));
    for version in [&TLS12, &TLS13] {
        let receiver = MutualReceiver::start(version, &server, &clients, true).await;
        let client = client_trusting(&server);
        let last = receiver.url.join("/last").unwrap();
        let first = identity(&client, "1", signed(&params("first"), &clients));
        let second = identity(&client, "2", signed(&params("second"), &clients));
        // The receiver closes each connection, so each request needs a new one.
        for full_handshakes in [3, 3] {
            for (identity, expected) in [(Some(&first), "first"), (None, "nobody"), (Some(&second), "second")] {
                let attempt = attempt_as(&client, &last, identity).await;
                assert_eq!(attempt.response.as_deref(), Some(expected), "{version:?}");
                assert!(attempt.phases.connect_ms.is_some(), "{version:?}");
            }
            assert_eq!(receiver.handshakes.load(Ordering::SeqCst), full_handshakes, "{version:?}");
        }
    }
}

//! The client with receivers on this machine.

use std::io::Write as _;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use domain::foundation::time::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::resolver::ResolveError;
use crate::http::testing::FakeLookup;
use crate::http::tls;

mod certificates;
mod client_certificates;
mod handshakes;
mod token_servers;

const BODY: &[u8] = br#"{"n":1}"#;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(50);

/// What a receiver does after a request has arrived.
#[derive(Clone)]
enum Step {
    /// Sends these bytes and keeps the connection open for the next step.
    Respond(String),
    /// Closes the connection without a response.
    Close,
    /// Closes the connection without reading the request, so that the system resets it.
    Reset,
    /// Keeps the connection open and never responds.
    Hang,
}

/// A receiver on this machine.
struct Receiver {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Receiver {
    /// Each connection follows one list of steps. After the last list, the port is closed.
    async fn with_steps(connections: &[&[Step]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { port: listener.local_addr().unwrap().port(), requests: Arc::default() };
        let connections: Vec<Vec<Step>> = connections.iter().map(|steps| steps.to_vec()).collect();
        let requests = Arc::clone(&receiver.requests);
        tokio::spawn(async move {
            for steps in connections {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(run_steps(connection, steps, Arc::clone(&requests)));
            }
        });
        receiver
    }

    /// Responds to one request and closes the connection.
    async fn responding(response: impl Into<String>) -> Self {
        Self::with_steps(&[&[Step::Respond(response.into())]]).await
    }

    /// Number of requests that the receiver got.
    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn url(&self, origin: &str) -> Url {
        Url::parse(&format!("{origin}:{}/hook", self.port)).unwrap()
    }
}

async fn run_steps(mut connection: TcpStream, steps: Vec<Step>, requests: Arc<AtomicUsize>) {
    for step in steps {
        connection.readable().await.unwrap();
        if matches!(step, Step::Reset) {
            requests.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                break;
            }
        }
        requests.fetch_add(1, Ordering::SeqCst);
        match step {
            Step::Respond(response) => connection.write_all(response.as_bytes()).await.unwrap(),
            Step::Close | Step::Reset => return,
            Step::Hang => std::future::pending().await,
        }
    }
}

/// A client that may connect to this machine under a few host names, with a canary that can be reached.
fn client(lookup: Arc<dyn HostLookup>, limits: Limits) -> WebhookClient {
    // The system completes connections to a listening socket even if they are never accepted.
    static CANARY_HOST: LazyLock<std::net::TcpListener> =
        LazyLock::new(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let port = CANARY_HOST.local_addr().unwrap().port();
    client_with(lookup, canary(port, FakeLookup::returning([])), limits)
}

fn client_with(lookup: Arc<dyn HostLookup>, canary: Canary, limits: Limits) -> WebhookClient {
    WebhookClient::with(guard(), tls::public_roots(), lookup, canary, limits).unwrap()
}

/// Allows some host names on this machine.
fn guard() -> AddressGuard {
    let named = ["localhost", "127.0.0.1", "127.255.255.255", "a.example", "b.example", "c.example"];
    let hosts = named.map(str::to_owned).into_iter().chain((0..MANY).map(many_host));
    hosts.map(|host| format!("{host}=127.0.0.0/8")).collect::<Vec<_>>().join(",").parse().unwrap()
}

fn canary(port: u16, lookup: Arc<dyn HostLookup>) -> Canary {
    Canary::new(&Url::parse(&format!("http://127.0.0.1:{port}/queue")).unwrap(), guard(), lookup)
}

/// A lookup that returns the address of this machine this many times.
fn on_this_machine(times: usize) -> Arc<FakeLookup> {
    FakeLookup::returning(std::iter::repeat_with(|| Ok("127.0.0.1")).take(times))
}

fn system() -> Arc<SystemLookup> {
    Arc::new(SystemLookup::new())
}

async fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

fn limits(connect: Duration, attempt: Duration) -> Limits {
    Limits { connect, attempt, ..LIMITS }
}

/// A client whose timeouts are longer than any test.
fn patient_client() -> WebhookClient {
    client(system(), limits(LONG, LONG))
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

async fn post(client: &WebhookClient, url: &Url) -> Result<CompletedAttempt, OwnFault> {
    client.send(&request(url, Method::POST, BODY), first_attempt()).await
}

fn request<'a>(url: &'a Url, method: Method, body: &'static [u8]) -> Request<'a> {
    Request { url, method, headers: HeaderMap::new(), body: Bytes::from_static(body), identity: None }
}

fn first_attempt() -> AttemptStart {
    AttemptStart { number: 1, at: now(), started_at: Instant::now() }
}

async fn attempt(client: &WebhookClient, url: &Url) -> Attempt {
    post(client, url).await.unwrap().attempt
}

async fn reason(client: &WebhookClient, url: &Url) -> Option<FailureReason> {
    attempt(client, url).await.reason
}

#[tokio::test]
async fn only_a_status_from_200_to_299_is_success() {
    for (response, expected) in [
        (OK, (Some(200), None)),
        ("HTTP/1.1 204 No Content\r\n\r\n", (Some(204), None)),
        ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", (Some(302), Some(FailureReason::Redirect))),
        ("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", (Some(410), Some(FailureReason::Status))),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", (Some(503), Some(FailureReason::Status))),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut", (Some(200), None)),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\ncut", (Some(500), Some(FailureReason::Status))),
        ("", (None, Some(FailureReason::ConnectionLost))),
        ("HTTP/1.1 200 OK\r\nhalf-a-head: ", (None, Some(FailureReason::ConnectionLost))),
    ] {
        let attempt = attempt(&patient_client(), &Receiver::responding(response).await.url("http://127.0.0.1")).await;
        assert_eq!((attempt.status, attempt.reason), expected, "{response:?}");
    }
}

#[tokio::test]
async fn a_success_in_the_form_of_older_servers_is_a_success() {
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "a: b\r\n".repeat(500));
    for response in [
        "HTTP/1.1 200 OK\r\nx-note: first\r\n  second\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-note: first\r\n\tsecond\r\n\t third\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-note : spaced\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon at all\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx note: bad name\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nserver: bare line feeds\ncontent-length: 0\n\n",
        "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 d\u{e9}j\u{e0} re\u{e7}u\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the connection closes",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot chunked",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 205 Reset\r\n\r\n",
        "HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n",
        many.as_str(),
    ] {
        let attempt = attempt(&patient_client(), &Receiver::responding(response).await.url("http://127.0.0.1")).await;
        assert_eq!(attempt.reason, None, "{response:?}");
        assert!(attempt.status.is_some_and(|status| (200..300).contains(&status)), "{response:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_has_its_own_failure_reason() {
    for response in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "220 mail.example ESMTP ready\r\n",
        "+OK ready\r\n",
        "<html>no status line</html>",
        "HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nab",
        "HTTP/2 200\r\ncontent-length: 0\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        // The first frame of an HTTP/2 server.
        "\0\0\u{12}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}\0\u{4}\0\u{10}\0\0\0\u{6}\0\0\u{40}\0",
        // The TLS alert of a server that expects a handshake.
        "\u{15}\u{3}\u{1}\0\u{2}\u{2}F",
    ] {
        let attempt = attempt(&patient_client(), &Receiver::responding(response).await.url("http://127.0.0.1")).await;
        assert_eq!((attempt.status, attempt.reason), (None, Some(FailureReason::InvalidResponse)), "{response:?}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_first_does_not_speak_http() {
    for banner in ["SSH-2.0-OpenSSH_9.9\r\n", "220 ftp.example ready\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.write_all(banner.as_bytes()).await.unwrap();
            // Reads until the client closes the connection.
            while connection.read(&mut [0; 1024]).await.is_ok_and(|length| length > 0) {}
        });
        assert_eq!(reason(&patient_client(), &url).await, Some(FailureReason::InvalidResponse), "{banner:?}");
    }
}

#[tokio::test]
async fn the_answer_of_a_server_that_compresses_errors_can_be_read() {
    let body = "{\"error\":\"signature\"}";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let head = format!("HTTP/1.1 500 Error\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", zipped.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            connection.read_buf(&mut request).await.unwrap();
        }
        connection.write_all(&[head.as_bytes(), &zipped].concat()).await.unwrap();
    });
    let attempt = attempt(&patient_client(), &url).await;
    assert_eq!((attempt.reason, attempt.response.as_deref()), (Some(FailureReason::Status), Some(body)));
}

#[tokio::test]
async fn the_start_of_a_response_is_kept_as_plain_text() {
    let body = format!("no\u{1b}[31m\r\n{}", "x".repeat(100_000));
    let response = format!("HTTP/1.1 500 Error\r\nretry-after: 30\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let url = Receiver::responding(response).await.url("http://127.0.0.1");
    let completed = post(&patient_client(), &url).await.unwrap();
    let kept = completed.attempt.response.unwrap();
    assert!(kept.starts_with("no[31mxxx") && kept.len() <= 1024, "{kept}");
    assert_eq!(completed.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn the_client_does_not_wait_for_the_end_of_a_response_that_never_ends() {
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(70_000));
    let receiver = Receiver::with_steps(&[&[Step::Respond(endless), Step::Hang]]).await;
    assert_eq!(reason(&patient_client(), &receiver.url("http://127.0.0.1")).await, None);
}

#[tokio::test]
async fn a_response_head_that_is_too_large_has_its_own_failure_reason() {
    let many = "a: b\r\n".repeat(1001);
    let long = format!("a: {}\r\n", "b".repeat(1_000_000));
    for headers in [many, long] {
        let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        let receiver = Receiver::with_steps(&[&[Step::Respond(response), Step::Hang]]).await;
        assert_eq!(reason(&patient_client(), &receiver.url("http://127.0.0.1")).await, Some(FailureReason::TooLarge));
    }
}

#[tokio::test]
async fn a_closed_port_fails_with_refused() {
    let url = Url::parse(&format!("http://localhost:{}/", unused_port().await)).unwrap();
    assert_eq!(reason(&patient_client(), &url).await, Some(FailureReason::Refused));
}

#[tokio::test]
async fn a_receiver_without_tls_fails_with_tls() {
    let plain_http = "HTTP/1.1 400 Bad Request\r\n\r\n".repeat(100);
    for step in [Step::Respond(plain_http), Step::Close, Step::Reset] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
            match step {
                Step::Respond(response) => connection.write_all(response.as_bytes()).await.unwrap(),
                Step::Close => drop(connection.read(&mut [0; 16 * 1024]).await.unwrap()),
                Step::Reset | Step::Hang => {}
            }
        });
        assert_eq!(reason(&patient_client(), &url).await, Some(FailureReason::Tls));
    }
}

#[tokio::test]
async fn only_http_1_1_is_offered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    let hello = tokio::spawn(async move {
        let mut hello = vec![0; 16 * 1024];
        let length = listener.accept().await.unwrap().0.read(&mut hello).await.unwrap();
        hello.truncate(length);
        hello
    });
    attempt(&patient_client(), &url).await;
    let hello = hello.await.unwrap();
    // The list of protocols has 9 bytes: the length of its only name, and the name.
    assert!(hello.windows(11).any(|bytes| bytes == b"\x00\x09\x08http/1.1"));
}

#[tokio::test]
async fn a_host_without_addresses_fails_with_dns() {
    let client = client(FakeLookup::returning([]), LIMITS);
    assert_eq!(reason(&client, &Url::parse("https://hooks.example/").unwrap()).await, Some(FailureReason::Dns));
}

#[tokio::test]
async fn a_connection_that_takes_too_long_fails_with_connect_timeout() {
    // The receiver accepts the connection but does not answer the TLS handshake.
    let receiver = Receiver::with_steps(&[&[Step::Hang]]).await;
    let client = client(FakeLookup::returning([Ok("127.0.0.1")]), limits(SHORT, LONG));
    let attempt = attempt(&client, &receiver.url("https://a.example")).await;
    assert_eq!(attempt.reason, Some(FailureReason::ConnectTimeout));
    assert!(attempt.phases.connect_ms.is_some() && attempt.phases.answer_ms.is_none(), "{:?}", attempt.phases);
}

#[tokio::test]
async fn a_missing_response_fails_with_timeout_but_a_status_counts_even_if_its_body_never_ends() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
    for (steps, expected) in [
        (vec![Step::Hang], (None, Some(FailureReason::Timeout))),
        (vec![Step::Respond(half), Step::Hang], (Some(200), None)),
    ] {
        let receiver = Receiver::with_steps(&[&steps]).await;
        let client = client(system(), limits(LONG, 10 * SHORT));
        let attempt = attempt(&client, &receiver.url("http://localhost")).await;
        assert_eq!((attempt.status, attempt.reason), expected);
    }
}

#[tokio::test]
async fn private_addresses_and_forbidden_urls_are_blocked() {
    for url in ["https://10.0.0.1/", "http://example.com/", "https://example.com:22/", "https://user@example.com/"] {
        assert_eq!(
            reason(&patient_client(), &Url::parse(url).unwrap()).await,
            Some(FailureReason::BlockedAddress),
            "{url}"
        );
    }
    let client = client(FakeLookup::returning([Ok("10.0.0.1")]), LIMITS);
    let url = Url::parse("https://hooks.example/").unwrap();
    assert_eq!(reason(&client, &url).await, Some(FailureReason::BlockedAddress));
}

#[tokio::test]
async fn a_host_whose_address_changes_is_checked_at_every_connection() {
    let response = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let receiver = Receiver::with_steps(&[&[Step::Respond(response.clone())], &[Step::Respond(response)]]).await;
    // The second address reaches the same receiver but is not allowed for the host. Each attempt looks up the host once: if
    // the client looked up once to check and once more to connect, the first attempt would use up both results.
    let client = client(FakeLookup::returning([Ok("127.0.0.1"), Ok("::ffff:127.0.0.1")]), LIMITS);
    let url = receiver.url("http://a.example");
    assert_eq!(reason(&client, &url).await, None);
    assert_eq!((reason(&client, &url).await, receiver.requests()), (Some(FailureReason::BlockedAddress), 1));
}

#[tokio::test]
async fn a_name_server_that_cannot_be_reached_is_our_own_fault() {
    let unreachable = ResolveError::Unreachable(hickory_resolver::net::NetError::NoConnections);
    let client = client(FakeLookup::returning([Err(unreachable)]), LIMITS);
    let fault = post(&client, &Url::parse("https://hooks.example/").unwrap()).await.unwrap_err();
    assert!(matches!(fault, OwnFault::NameServer(_)), "{fault:?}");
}

#[tokio::test]
async fn an_address_that_this_system_cannot_route_to_is_our_own_fault() {
    // The system reports that the network is unreachable, because a broadcast address accepts no connections.
    let fault = post(&patient_client(), &Url::parse("http://127.255.255.255:9/").unwrap()).await.unwrap_err();
    assert!(matches!(fault, OwnFault::LocalSystem(_)), "{fault:?}");
}

#[tokio::test]
async fn a_timeout_is_our_own_fault_if_the_canary_cannot_be_reached() {
    let unreachable = || async { canary(unused_port().await, FakeLookup::returning([])) };
    let receiver = Receiver::with_steps(&[&[Step::Hang], &[Step::Hang]]).await;
    let cannot_connect = client_with(system(), unreachable().await, limits(SHORT, LONG));
    let gets_no_answer = client_with(system(), unreachable().await, limits(LONG, 10 * SHORT));
    for (client, origin) in [(cannot_connect, "https://localhost"), (gets_no_answer, "http://localhost")] {
        let fault = post(&client, &receiver.url(origin)).await.unwrap_err();
        assert!(matches!(fault, OwnFault::Egress), "{origin}: {fault:?}");
    }
}

#[tokio::test]
async fn a_timeout_is_the_receivers_fault_if_the_canary_proves_nothing() {
    let receiver = Receiver::with_steps(&[&[Step::Hang]]).await;
    let url = Url::parse("https://canary.example/").unwrap();
    let private = Canary::new(&url, guard(), FakeLookup::returning([Ok("10.0.0.1")]));
    let client = client_with(system(), private, limits(LONG, 10 * SHORT));
    assert_eq!(reason(&client, &receiver.url("http://localhost")).await, Some(FailureReason::Timeout));
}

#[tokio::test]
async fn a_lookup_without_an_answer_is_our_own_fault_if_the_canarys_host_gets_none_either() {
    let silent = || FakeLookup::returning([Err(ResolveError::NoAnswer)]);
    let url = Url::parse("https://a.example/").unwrap();
    let client = client_with(silent(), Canary::new(&url, guard(), silent()), LIMITS);
    let fault = post(&client, &url).await.unwrap_err();
    assert!(matches!(fault, OwnFault::SilentNameServer), "{fault:?}");
}

#[tokio::test]
async fn a_dns_timeout_for_one_host_only_is_the_receivers_fault() {
    let client = client(FakeLookup::returning([Err(ResolveError::NoAnswer)]), LIMITS);
    assert_eq!(reason(&client, &Url::parse("https://a.example/").unwrap()).await, Some(FailureReason::Dns));
}

#[tokio::test]
async fn an_open_connection_is_reused_without_dns_and_connect_time() {
    let receiver = Receiver::with_steps(&[&[Step::Respond(OK.to_owned()), Step::Respond(OK.to_owned())]]).await;
    let (client, url) = (patient_client(), receiver.url("http://localhost"));
    let first = attempt(&client, &url).await.phases;
    assert!([first.dns_ms, first.connect_ms, first.answer_ms, first.body_ms].iter().all(Option::is_some), "{first:?}");
    let second = attempt(&client, &url).await.phases;
    assert_eq!((second.dns_ms, second.connect_ms), (None, None));
    assert!(second.answer_ms.is_some() && second.body_ms.is_some(), "{second:?}");
}

#[tokio::test]
async fn a_pooled_connection_that_is_dead_does_not_fail_the_attempt() {
    for end in [Step::Close, Step::Reset] {
        let receiver =
            Receiver::with_steps(&[&[Step::Respond(OK.to_owned()), end], &[Step::Respond(OK.to_owned())]]).await;
        let (client, url) = (patient_client(), receiver.url("http://localhost"));
        assert_eq!(reason(&client, &url).await, None);
        let second = attempt(&client, &url).await;
        assert_eq!((second.reason, receiver.requests()), (None, 3));
        assert!(second.phases.connect_ms.is_some(), "{:?}", second.phases);
    }
}

#[tokio::test]
async fn a_request_is_repeated_at_most_once_and_never_after_its_own_new_connection() {
    let receiver =
        Receiver::with_steps(&[&[Step::Respond(OK.to_owned()), Step::Close], &[Step::Close], &[Step::Close]]).await;
    let (client, url) = (patient_client(), receiver.url("http://localhost"));
    assert_eq!(reason(&client, &url).await, None);
    assert_eq!((reason(&client, &url).await, receiver.requests()), (Some(FailureReason::ConnectionLost), 3));
    assert_eq!((reason(&client, &url).await, receiver.requests()), (Some(FailureReason::ConnectionLost), 4));
}

#[tokio::test]
async fn a_response_that_was_not_read_to_its_end_closes_the_connection() {
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(70_000));
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned();
    for response in [endless, closing] {
        let steps = [Step::Respond(response), Step::Respond(OK.to_owned())];
        let receiver = Receiver::with_steps(&[&steps, &[Step::Respond(OK.to_owned())]]).await;
        let (client, url) = (patient_client(), receiver.url("http://localhost"));
        assert_eq!(reason(&client, &url).await, None);
        assert!(attempt(&client, &url).await.phases.connect_ms.is_some());
    }
}

/// A receiver that answers all requests, and counts its open connections.
#[derive(Default)]
struct CountingReceiver {
    open: AtomicUsize,
    accepted: AtomicUsize,
}

impl CountingReceiver {
    async fn start() -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Arc::<Self>::default();
        let counts = Arc::clone(&receiver);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&counts).serve(connection));
            }
        });
        (receiver, port)
    }

    async fn serve(self: Arc<Self>, mut connection: TcpStream) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        let mut request = Vec::new();
        while connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            if request.ends_with(BODY) {
                request.clear();
                connection.write_all(OK.as_bytes()).await.unwrap();
            }
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Number of hosts in the test with many.
const MANY: usize = 1_500;

fn many_host(number: usize) -> String {
    format!("h{number}.example")
}

#[tokio::test]
async fn the_number_of_open_sockets_is_limited_whatever_the_number_of_hosts() {
    let (receiver, port) = CountingReceiver::start().await;
    let client = client(on_this_machine(MANY), limits(LONG, LONG));
    let urls: Vec<Url> =
        (0..MANY).map(|number| Url::parse(&format!("http://{}:{port}/", many_host(number))).unwrap()).collect();
    for batch in urls.chunks(10) {
        let reasons = join_all(batch.iter().map(|url| reason(&client, url))).await;
        assert!(reasons.iter().all(Option::is_none), "{reasons:?}");
        // The receiver notices a closed connection a little later.
        let settled = async {
            while receiver.open.load(Ordering::SeqCst) > LIMITS.sockets {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, settled).await.unwrap();
    }
    // The last hosts still have their connections.
    for url in urls.iter().rev().take(250) {
        assert_eq!(attempt(&client, url).await.phases.connect_ms, None);
    }
}

/// Runs the test above in a process that may open fewer files than there are hosts. Both ends of each connection are in it.
#[test]
fn thousands_of_hosts_do_not_use_up_the_files_that_a_process_may_open() {
    let name = "http::client::tests::the_number_of_open_sockets_is_limited_whatever_the_number_of_hosts";
    let program = std::env::current_exe().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"ulimit -n 700 && exec "$0" --exact "$1""#]).arg(program).arg(name);
    let output = limited.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[tokio::test]
async fn the_connection_that_was_idle_longest_makes_room_for_a_new_one() {
    let (receiver, port) = CountingReceiver::start().await;
    let two_sockets = Limits { sockets: 2, ..limits(LONG, LONG) };
    let client = client(on_this_machine(10), two_sockets);
    let accepted_after = async |host: &str| {
        let url = Url::parse(&format!("http://{host}.example:{port}/")).unwrap();
        assert_eq!(reason(&client, &url).await, None);
        receiver.accepted.load(Ordering::SeqCst)
    };
    // One of the two sockets stays free for the next request.
    assert_eq!([accepted_after("a").await, accepted_after("a").await], [1, 1]);
    assert_eq!([accepted_after("b").await, accepted_after("b").await, accepted_after("a").await], [2, 2, 3]);
}

#[tokio::test]
async fn without_a_free_socket_an_attempt_waits_for_one_and_then_is_put_off_as_our_own_fault() {
    let hanging = Receiver::with_steps(&[&[Step::Hang]]).await;
    let (_, port) = CountingReceiver::start().await;
    let url = Url::parse(&format!("http://a.example:{port}/")).unwrap();
    let (lookup, limits) = (on_this_machine(10), limits(LONG, 30 * SHORT));
    let client = client(lookup, Limits { sockets: 1, ..limits });
    // The first attempt holds the only socket for 1.5 s. The second waits for one second, and the third gets the socket.
    let started = Instant::now();
    let second = async {
        let fault = post(&client, &url).await.unwrap_err();
        assert!(matches!(fault, OwnFault::NoSocket), "{fault:?}");
        assert!(started.elapsed() < limits.attempt);
        reason(&client, &url).await
    };
    let hanging_url = hanging.url("http://b.example");
    let (first, third) = futures::future::join(reason(&client, &hanging_url), second).await;
    assert_eq!((first, third), (Some(FailureReason::Timeout), None));
}

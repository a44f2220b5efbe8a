//! The client with receivers on this machine.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::resolver::ResolveError;

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

/// A lookup that returns these results, one for each call, and then [`ResolveError::NoAddress`].
#[derive(Default)]
struct FakeLookup(Mutex<VecDeque<Result<Vec<IpAddr>, ResolveError>>>);

impl FakeLookup {
    fn returning(results: impl IntoIterator<Item = Result<&'static str, ResolveError>>) -> Arc<Self> {
        let results = results.into_iter().map(|result| result.map(|address| vec![address.parse().unwrap()]));
        Arc::new(Self(Mutex::new(results.collect())))
    }
}

impl HostLookup for FakeLookup {
    fn addresses<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let result = self.0.lock().unwrap().pop_front().unwrap_or(Err(ResolveError::NoAddress));
        Box::pin(std::future::ready(result))
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
    let hosts = ["localhost", "127.0.0.1", "127.255.255.255", "a.example"];
    let exceptions = hosts.map(|host| format!("{host}=127.0.0.0/8")).join(",");
    WebhookClient::with(exceptions.parse().unwrap(), tls::public_roots(), lookup, canary, limits).unwrap()
}

fn canary(port: u16, lookup: Arc<dyn HostLookup>) -> Canary {
    Canary::new(&Url::parse(&format!("http://127.0.0.1:{port}/queue")).unwrap(), lookup)
}

fn system() -> Arc<SystemLookup> {
    Arc::new(SystemLookup::new())
}

async fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A client whose timeouts are longer than any test.
fn patient_client() -> WebhookClient {
    client(system(), Limits { connect: LONG, attempt: LONG })
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

async fn post(client: &WebhookClient, url: &Url) -> Result<CompletedAttempt, OwnFault> {
    client.post(url, HeaderMap::new(), BODY.to_vec(), 1, now()).await
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
        ("SSH-2.0-OpenSSH_9.9\r\n", (None, Some(FailureReason::ConnectionLost))),
    ] {
        let attempt = attempt(&patient_client(), &Receiver::responding(response).await.url("http://127.0.0.1")).await;
        assert_eq!((attempt.status, attempt.reason), expected, "{response:?}");
    }
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
    let many = "a: b\r\n".repeat(1000);
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
async fn http_2_and_http_1_1_are_offered() {
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
    assert!(hello.windows(12).any(|bytes| bytes == b"\x02h2\x08http/1.1"));
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
    let client = client(FakeLookup::returning([Ok("127.0.0.1")]), Limits { connect: SHORT, attempt: LONG });
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
        let client = client(system(), Limits { connect: LONG, attempt: 10 * SHORT });
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
    let cannot_connect = client_with(system(), unreachable().await, Limits { connect: SHORT, attempt: LONG });
    let gets_no_answer = client_with(system(), unreachable().await, Limits { connect: LONG, attempt: 10 * SHORT });
    let cannot_resolve = client_with(FakeLookup::returning([Err(ResolveError::NoAnswer)]), unreachable().await, LIMITS);
    for (client, origin) in [
        (cannot_connect, "https://localhost"),
        (gets_no_answer, "http://localhost"),
        (cannot_resolve, "https://a.example"),
    ] {
        let fault = post(&client, &receiver.url(origin)).await.unwrap_err();
        assert!(matches!(fault, OwnFault::Egress), "{origin}: {fault:?}");
    }
}

#[tokio::test]
async fn a_dns_timeout_for_one_host_only_is_the_receivers_fault() {
    let client = client(FakeLookup::returning([Err(ResolveError::NoAnswer)]), LIMITS);
    assert_eq!(reason(&client, &Url::parse("https://a.example/").unwrap()).await, Some(FailureReason::Dns));
}

#[tokio::test]
async fn the_canary_checks_its_host_once_for_concurrent_callers_and_reuses_the_result() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://queue.example:{}/", listener.local_addr().unwrap().port())).unwrap();
    let reachable = Canary::new(&url, FakeLookup::returning([Ok("127.0.0.1")]));
    assert!(futures::future::join(reachable.is_reachable(), reachable.is_reachable()).await == (true, true));
    let unresolved = Canary::new(&url, FakeLookup::returning([Err(ResolveError::NoAnswer), Ok("127.0.0.1")]));
    assert!(!unresolved.is_reachable().await && !unresolved.is_reachable().await);
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

//! Attempts against receivers on this machine.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::resolver::ResolveError;

const BODY: &[u8] = br#"{"n":1}"#;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(50);

/// What a receiver does when a request has come in.
#[derive(Clone)]
enum Step {
    Answer(String),
    Close,
    /// Closes without having read the request, so that the system resets the connection.
    Reset,
    Silence,
}

/// A receiver on this machine.
struct Receiver {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Receiver {
    /// Each connection takes one list of steps; after the last list nothing listens any more.
    async fn following(connections: &[&[Step]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { port: listener.local_addr().unwrap().port(), requests: Arc::default() };
        let connections: Vec<Vec<Step>> = connections.iter().map(|steps| steps.to_vec()).collect();
        let requests = Arc::clone(&receiver.requests);
        tokio::spawn(async move {
            for steps in connections {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(follow(connection, steps, Arc::clone(&requests)));
            }
        });
        receiver
    }

    /// One request gets this answer, and then the connection is closed.
    async fn answering(answer: impl Into<String>) -> Self {
        Self::following(&[&[Step::Answer(answer.into())]]).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn url(&self, origin: &str) -> Url {
        Url::parse(&format!("{origin}:{}/hook", self.port)).unwrap()
    }
}

async fn follow(mut connection: TcpStream, steps: Vec<Step>, requests: Arc<AtomicUsize>) {
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
            Step::Answer(answer) => connection.write_all(answer.as_bytes()).await.unwrap(),
            Step::Close | Step::Reset => return,
            Step::Silence => std::future::pending().await,
        }
    }
}

/// Finds these addresses, one answer after the other; of none it finds that there are none.
#[derive(Default)]
struct Answers(Mutex<VecDeque<Result<Vec<IpAddr>, ResolveError>>>);

impl Answers {
    fn of(answers: impl IntoIterator<Item = Result<&'static str, ResolveError>>) -> Arc<Self> {
        let answers = answers.into_iter().map(|answer| answer.map(|address| vec![address.parse().unwrap()]));
        Arc::new(Self(Mutex::new(answers.collect())))
    }
}

impl HostLookup for Answers {
    fn addresses<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let answer = self.0.lock().unwrap().pop_front().unwrap_or(Err(ResolveError::NoAddress));
        Box::pin(std::future::ready(answer))
    }
}

/// A poster that may go to this machine under a few names, and whose way out works.
fn poster(lookup: Arc<dyn HostLookup>, limits: Limits) -> Poster {
    // A socket that listens takes connections, whether or not anybody accepts them.
    static KNOWN_UP: LazyLock<std::net::TcpListener> =
        LazyLock::new(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let port = KNOWN_UP.local_addr().unwrap().port();
    poster_with(lookup, canary(port, Answers::of([])), limits)
}

fn poster_with(lookup: Arc<dyn HostLookup>, canary: Canary, limits: Limits) -> Poster {
    let hosts = ["localhost", "127.0.0.1", "127.255.255.255", "a.example"];
    let exceptions = hosts.map(|host| format!("{host}=127.0.0.0/8")).join(",");
    Poster::with(exceptions.parse().unwrap(), tls::public_roots(), lookup, canary, limits).unwrap()
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

fn patient() -> Poster {
    poster(system(), Limits { connect: LONG, attempt: LONG })
}

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

async fn posted(poster: &Poster, url: &Url) -> Posted {
    poster.post(url, HeaderMap::new(), BODY.to_vec(), 1, now()).await
}

async fn attempt(poster: &Poster, url: &Url) -> Attempt {
    match posted(poster, url).await {
        Posted::Answered { attempt, .. } => attempt,
        Posted::OurFault(fault) => panic!("{fault}"),
    }
}

async fn reason(poster: &Poster, url: &Url) -> Option<FailureReason> {
    attempt(poster, url).await.reason
}

#[tokio::test]
async fn only_a_status_from_200_to_299_is_success() {
    for (answer, expected) in [
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
        let attempt = attempt(&patient(), &Receiver::answering(answer).await.url("http://127.0.0.1")).await;
        assert_eq!((attempt.status, attempt.reason), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_an_answer_is_kept_as_plain_text() {
    let body = format!("no\u{1b}[31m\r\n{}", "x".repeat(100_000));
    let answer = format!("HTTP/1.1 500 Error\r\nretry-after: 30\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let posted = posted(&patient(), &Receiver::answering(answer).await.url("http://127.0.0.1")).await;
    let Posted::Answered { attempt, retry_after } = posted else { panic!("{posted:?}") };
    let response = attempt.response.unwrap();
    assert!(response.starts_with("no[31mxxx") && response.len() <= 1024, "{response}");
    assert_eq!(retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_waited_for() {
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(70_000));
    let receiver = Receiver::following(&[&[Step::Answer(endless), Step::Silence]]).await;
    assert_eq!(reason(&patient(), &receiver.url("http://127.0.0.1")).await, None);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_failure_of_its_own() {
    let many = "a: b\r\n".repeat(1000);
    let long = format!("a: {}\r\n", "b".repeat(1_000_000));
    for headers in [many, long] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        let receiver = Receiver::following(&[&[Step::Answer(answer), Step::Silence]]).await;
        assert_eq!(reason(&patient(), &receiver.url("http://127.0.0.1")).await, Some(FailureReason::TooLarge));
    }
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let url = Url::parse(&format!("http://localhost:{}/", unused_port().await)).unwrap();
    assert_eq!(reason(&patient(), &url).await, Some(FailureReason::Refused));
}

#[tokio::test]
async fn a_receiver_that_speaks_no_tls_fails_for_tls() {
    let greeting = "HTTP/1.1 400 Bad Request\r\n\r\n".repeat(100);
    for step in [Step::Answer(greeting), Step::Close, Step::Reset] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
            match step {
                Step::Answer(answer) => connection.write_all(answer.as_bytes()).await.unwrap(),
                Step::Close => drop(connection.read(&mut [0; 16 * 1024]).await.unwrap()),
                Step::Reset | Step::Silence => {}
            }
        });
        assert_eq!(reason(&patient(), &url).await, Some(FailureReason::Tls));
    }
}

#[tokio::test]
async fn http_2_is_offered_and_http_1_1_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    let hello = tokio::spawn(async move {
        let mut hello = vec![0; 16 * 1024];
        let length = listener.accept().await.unwrap().0.read(&mut hello).await.unwrap();
        hello.truncate(length);
        hello
    });
    attempt(&patient(), &url).await;
    let hello = hello.await.unwrap();
    assert!(hello.windows(12).any(|bytes| bytes == b"\x02h2\x08http/1.1"));
}

#[tokio::test]
async fn a_host_without_addresses_fails_for_dns() {
    let poster = poster(Answers::of([]), LIMITS);
    assert_eq!(reason(&poster, &Url::parse("https://hooks.example/").unwrap()).await, Some(FailureReason::Dns));
}

#[tokio::test]
async fn no_connection_in_time_is_a_connect_timeout() {
    // It accepts the connection, but answers no TLS handshake.
    let receiver = Receiver::following(&[&[Step::Silence]]).await;
    let poster = poster(Answers::of([Ok("127.0.0.1")]), Limits { connect: SHORT, attempt: LONG });
    let attempt = attempt(&poster, &receiver.url("https://a.example")).await;
    assert_eq!(attempt.reason, Some(FailureReason::ConnectTimeout));
    assert!(attempt.phases.connect_ms.is_some() && attempt.phases.answer_ms.is_none(), "{:?}", attempt.phases);
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_but_a_status_stands_though_its_body_never_ends() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned();
    for (steps, expected) in [
        (vec![Step::Silence], (None, Some(FailureReason::Timeout))),
        (vec![Step::Answer(half), Step::Silence], (Some(200), None)),
    ] {
        let receiver = Receiver::following(&[&steps]).await;
        let poster = poster(system(), Limits { connect: LONG, attempt: 10 * SHORT });
        let attempt = attempt(&poster, &receiver.url("http://localhost")).await;
        assert_eq!((attempt.status, attempt.reason), expected);
    }
}

#[tokio::test]
async fn private_places_are_blocked_however_they_are_named() {
    for url in ["https://10.0.0.1/", "http://example.com/", "https://example.com:22/", "https://user@example.com/"] {
        assert_eq!(reason(&patient(), &Url::parse(url).unwrap()).await, Some(FailureReason::BlockedAddress), "{url}");
    }
    let poster = poster(Answers::of([Ok("10.0.0.1")]), LIMITS);
    let url = Url::parse("https://hooks.example/").unwrap();
    assert_eq!(reason(&poster, &url).await, Some(FailureReason::BlockedAddress));
}

#[tokio::test]
async fn a_host_whose_address_changes_is_checked_at_every_connection() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let receiver = Receiver::following(&[&[Step::Answer(answer.clone())], &[Step::Answer(answer)]]).await;
    // The second address leads to the same receiver, but is none that the host may have. Each attempt asks once: if what
    // is connected to were another answer than what is checked, the first attempt would have used up both.
    let poster = poster(Answers::of([Ok("127.0.0.1"), Ok("::ffff:127.0.0.1")]), LIMITS);
    let url = receiver.url("http://a.example");
    assert_eq!(reason(&poster, &url).await, None);
    assert_eq!((reason(&poster, &url).await, receiver.requests()), (Some(FailureReason::BlockedAddress), 1));
}

#[tokio::test]
async fn a_name_server_that_is_away_is_our_own_fault() {
    let away = ResolveError::Ours(OwnFault::NameServer(hickory_resolver::net::NetError::NoConnections));
    let posted =
        posted(&poster(Answers::of([Err(away)]), LIMITS), &Url::parse("https://hooks.example/").unwrap()).await;
    assert!(matches!(posted, Posted::OurFault(OwnFault::NameServer(_))), "{posted:?}");
}

#[tokio::test]
async fn an_address_that_the_system_has_no_way_to_is_our_own_fault() {
    // No connection can be made to a broadcast address; the system says that the network is unreachable.
    let posted = posted(&patient(), &Url::parse("http://127.255.255.255:9/").unwrap()).await;
    assert!(matches!(posted, Posted::OurFault(OwnFault::Local(_))), "{posted:?}");
}

#[tokio::test]
async fn silence_is_our_own_fault_when_nothing_else_can_be_reached_either() {
    let dead = || async { canary(unused_port().await, Answers::of([])) };
    let silent = Receiver::following(&[&[Step::Silence], &[Step::Silence]]).await;
    let cannot_connect = poster_with(system(), dead().await, Limits { connect: SHORT, attempt: LONG });
    let gets_no_answer = poster_with(system(), dead().await, Limits { connect: LONG, attempt: 10 * SHORT });
    let cannot_resolve = poster_with(Answers::of([Err(ResolveError::NoAnswer)]), dead().await, LIMITS);
    for (poster, origin) in [
        (cannot_connect, "https://localhost"),
        (gets_no_answer, "http://localhost"),
        (cannot_resolve, "https://a.example"),
    ] {
        let posted = posted(&poster, &silent.url(origin)).await;
        assert!(matches!(posted, Posted::OurFault(OwnFault::Egress)), "{origin}: {posted:?}");
    }
}

#[tokio::test]
async fn a_name_server_that_is_silent_about_one_host_only_is_the_fault_of_that_host() {
    let poster = poster(Answers::of([Err(ResolveError::NoAnswer)]), LIMITS);
    assert_eq!(reason(&poster, &Url::parse("https://a.example/").unwrap()).await, Some(FailureReason::Dns));
}

#[tokio::test]
async fn the_host_that_is_known_to_be_up_is_looked_up_and_asked_once_for_many() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://queue.example:{}/", listener.local_addr().unwrap().port())).unwrap();
    let well = Canary::new(&url, Answers::of([Ok("127.0.0.1")]));
    assert!(futures::future::join(well.is_well(), well.is_well()).await == (true, true));
    let not_found = Canary::new(&url, Answers::of([Err(ResolveError::NoAnswer), Ok("127.0.0.1")]));
    assert!(!not_found.is_well().await && !not_found.is_well().await);
}

#[tokio::test]
async fn an_open_connection_is_used_again_and_costs_no_time() {
    let receiver = Receiver::following(&[&[Step::Answer(OK.to_owned()), Step::Answer(OK.to_owned())]]).await;
    let (poster, url) = (patient(), receiver.url("http://localhost"));
    let first = attempt(&poster, &url).await.phases;
    assert!([first.dns_ms, first.connect_ms, first.answer_ms, first.body_ms].iter().all(Option::is_some), "{first:?}");
    let second = attempt(&poster, &url).await.phases;
    assert_eq!((second.dns_ms, second.connect_ms), (None, None));
    assert!(second.answer_ms.is_some() && second.body_ms.is_some(), "{second:?}");
}

#[tokio::test]
async fn an_open_connection_that_turns_out_dead_costs_no_attempt() {
    for end in [Step::Close, Step::Reset] {
        let receiver =
            Receiver::following(&[&[Step::Answer(OK.to_owned()), end], &[Step::Answer(OK.to_owned())]]).await;
        let (poster, url) = (patient(), receiver.url("http://localhost"));
        assert_eq!(reason(&poster, &url).await, None);
        let second = attempt(&poster, &url).await;
        assert_eq!((second.reason, receiver.requests()), (None, 3));
        assert!(second.phases.connect_ms.is_some(), "{:?}", second.phases);
    }
}

#[tokio::test]
async fn a_request_is_sent_again_once_at_most_and_never_after_a_connection_of_its_own() {
    let receiver =
        Receiver::following(&[&[Step::Answer(OK.to_owned()), Step::Close], &[Step::Close], &[Step::Close]]).await;
    let (poster, url) = (patient(), receiver.url("http://localhost"));
    assert_eq!(reason(&poster, &url).await, None);
    assert_eq!((reason(&poster, &url).await, receiver.requests()), (Some(FailureReason::ConnectionLost), 3));
    assert_eq!((reason(&poster, &url).await, receiver.requests()), (Some(FailureReason::ConnectionLost), 4));
}

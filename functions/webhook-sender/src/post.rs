//! One POST, and what came of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use shared::address::AddressGuard;
use shared::delivery::{Attempt, FailureReason, Phases};
use shared::retry;
use shared::time::Timestamp;
use thiserror::Error;
use url::{Host, Url};

use crate::resolver::{GuardedResolver, ResolveError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// For how long an idle connection is kept. Shorter than what load balancers keep theirs, so that few turn out dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// How much of an answer is read, so that the connection can be used again, and how much of it is kept.
const MOST_READ: usize = 64 * 1024;
const MOST_KEPT: usize = 1024;

/// Posts webhooks.
pub(crate) struct Poster {
    client: reqwest::Client,
    guard: AddressGuard,
}

/// An attempt, and how long the receiver asked to be left alone.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) attempt: Attempt,
    pub(crate) retry_after: Option<Duration>,
}

/// Why the HTTP client cannot be made.
#[derive(Debug, Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The client cannot be built.
    #[error("HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// What a receiver answered, or why it did not.
struct Answer {
    status: Option<StatusCode>,
    reason: Option<FailureReason>,
    response: Option<String>,
    retry_after: Option<Duration>,
}

impl Poster {
    pub(crate) fn new(guard: AddressGuard) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().map_err(ClientError::Tls)?)
            .dns_resolver(Arc::new(GuardedResolver::new(guard.clone())))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ATTEMPT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self { client, guard })
    }

    /// Makes the attempt `number`, which begins at `at`.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>, number: u8, at: Timestamp) -> Posted {
        let begun = Instant::now();
        let answer = self.answer(url, headers, body, at).await;
        let duration_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let Answer { status, reason, response, retry_after } = answer;
        let status = status.map(|status| status.as_u16());
        let phases = Phases::default();
        Posted { attempt: Attempt { number, at, duration_ms, phases, status, reason, response }, retry_after }
    }

    async fn answer(&self, url: &Url, headers: HeaderMap, body: Vec<u8>, at: Timestamp) -> Answer {
        if !self.may_go_to(url) {
            return Answer::none(FailureReason::BlockedAddress);
        }
        match self.client.post(url.clone()).headers(headers).body(body).send().await {
            Ok(response) => Answer::read(response, at).await,
            Err(error) => Answer::none(reason_of(&error)),
        }
    }

    /// Host names are checked by the resolver, which is not asked about IP addresses.
    fn may_go_to(&self, url: &Url) -> bool {
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        let host = url.host_str().unwrap_or_default();
        let is_allowed = |address| self.guard.check_address(host, address).is_ok();
        self.guard.check_url(url).is_ok() && address.is_none_or(is_allowed)
    }
}

impl Answer {
    fn none(reason: FailureReason) -> Self {
        Self { status: None, reason: Some(reason), response: None, retry_after: None }
    }

    async fn read(mut response: Response, at: Timestamp) -> Self {
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| retry::retry_after(text, at));
        let mut kept = BytesMut::new();
        let mut left = MOST_READ;
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() < left => {
                    left -= chunk.len();
                    kept.extend_from_slice(&chunk[..chunk.len().min(MOST_KEPT - kept.len())]);
                }
                Ok(Some(chunk)) => {
                    kept.extend_from_slice(&chunk[..chunk.len().min(MOST_KEPT - kept.len())]);
                    break None;
                }
                Ok(None) => break None,
                Err(error) => break Some(reason_of(&error)),
            }
        };
        let response = (!kept.is_empty()).then(|| plain_text(&kept));
        Self { status: Some(status), reason: broken.or_else(|| reason_of_status(status)), response, retry_after }
    }
}

fn reason_of_status(status: StatusCode) -> Option<FailureReason> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(FailureReason::Redirect),
        _ => Some(FailureReason::Status),
    }
}

/// Text without control characters, so that a receiver's answer can be shown anywhere.
fn plain_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|character| !character.is_control()).collect()
}

/// Finds the reason in the causes of a failed call.
fn reason_of(error: &reqwest::Error) -> FailureReason {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let specific = causes.filter_map(|cause| {
        if let Some(resolving) = cause.downcast_ref::<ResolveError>() {
            return Some(match resolving {
                ResolveError::Blocked(_) => FailureReason::BlockedAddress,
                ResolveError::Dns(_) | ResolveError::NoAddress => FailureReason::Dns,
            });
        }
        let io = cause.downcast_ref::<std::io::Error>()?;
        if is_of_tls(io) {
            return Some(FailureReason::Tls);
        }
        (io.kind() == std::io::ErrorKind::ConnectionRefused).then_some(FailureReason::Refused)
    });
    let general = match (error.is_timeout(), error.is_connect()) {
        (true, true) => FailureReason::ConnectTimeout,
        (true, false) => FailureReason::Timeout,
        (false, _) => FailureReason::ConnectionLost,
    };
    specific.last().unwrap_or(general)
}

/// Whether an I/O error is one of TLS. The HTTP client packs one I/O error into another, and neither is the other's source.
fn is_of_tls(error: &std::io::Error) -> bool {
    let is_of_tls = |inner: &(dyn std::error::Error + Send + Sync + 'static)| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<std::io::Error>().is_some_and(is_of_tls)
    };
    error.get_ref().is_some_and(is_of_tls)
}

/// TLS 1.2 and 1.3 with the roots that Mozilla trusts, built in: reading the system's own store would cost start-up time.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    /// A receiver that answers every request with these bytes, and then closes the connection.
    async fn receiver(answer: impl Into<Vec<u8>>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(&answer).await;
                let _ = connection.shutdown().await;
            }
        });
        port
    }

    async fn post(url: &str) -> Posted {
        let poster = Poster::new("localhost=127.0.0.0/8,127.0.0.1=127.0.0.0/8".parse().unwrap()).unwrap();
        poster.post(&Url::parse(url).unwrap(), HeaderMap::new(), b"{}".to_vec(), 1, now()).await
    }

    async fn outcome(answer: &str) -> (Option<u16>, Option<FailureReason>) {
        let attempt = post(&format!("http://127.0.0.1:{}/hook", receiver(answer).await)).await.attempt;
        (attempt.status, attempt.reason)
    }

    #[tokio::test]
    async fn only_a_status_from_200_to_299_is_success() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (Some(200), None)),
            ("HTTP/1.1 204 No Content\r\n\r\n", (Some(204), None)),
            (
                "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
                (Some(302), Some(FailureReason::Redirect)),
            ),
            ("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", (Some(410), Some(FailureReason::Status))),
            ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", (Some(503), Some(FailureReason::Status))),
            ("", (None, Some(FailureReason::ConnectionLost))),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut", (Some(200), Some(FailureReason::ConnectionLost))),
        ] {
            assert_eq!(outcome(answer).await, expected, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn the_beginning_of_an_answer_is_kept_as_plain_text() {
        let body = format!("no\u{1b}[31m\r\n{}", "x".repeat(100_000));
        let answer = format!("HTTP/1.1 500 Error\r\nretry-after: 30\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let posted = post(&format!("http://127.0.0.1:{}/", receiver(answer).await)).await;
        let response = posted.attempt.response.unwrap();
        assert!(response.starts_with("no[31mxxx") && response.len() <= MOST_KEPT, "{response}");
        assert_eq!(posted.retry_after, Some(Duration::from_secs(30)));
    }

    #[tokio::test]
    async fn a_closed_port_is_refused() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert_eq!(post(&format!("http://localhost:{port}/")).await.attempt.reason, Some(FailureReason::Refused));
    }

    #[tokio::test]
    async fn a_receiver_that_speaks_no_tls_fails_for_tls() {
        let port = receiver("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert_eq!(post(&format!("https://localhost:{port}/")).await.attempt.reason, Some(FailureReason::Tls));
    }

    #[tokio::test]
    async fn private_places_are_blocked_however_they_are_named() {
        for url in ["https://10.0.0.1/", "http://example.com/", "https://example.com:22/", "https://user@example.com/"]
        {
            assert_eq!(post(url).await.attempt.reason, Some(FailureReason::BlockedAddress), "{url}");
        }
        let no_exceptions = Poster::new(AddressGuard::default()).unwrap();
        let url = Url::parse("https://localhost.localdomain/").unwrap();
        let posted = no_exceptions.post(&url, HeaderMap::new(), Vec::new(), 1, now()).await;
        assert!(matches!(posted.attempt.reason, Some(FailureReason::BlockedAddress | FailureReason::Dns)));
    }
}

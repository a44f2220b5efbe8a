//! Sends one POST and returns the completed attempt, or the fault on our side that prevented it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::foundation::time::Timestamp;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, HeaderValue, Method, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::RootCertStore;
use thiserror::Error;
use tokio::time::timeout_at;
use url::{Host, Position, Url};

use crate::http::canary::Canary;
use crate::http::connect::{Connector, origin};
use crate::http::connection::Connection;
use crate::http::failure::{self, Failure, OwnFault, RequestError};
use crate::http::pool::ConnectionPool;
use crate::http::resolver::{GuardedResolver, HostLookup, SystemLookup};
use crate::http::response::ResponseSummary;
use crate::http::tls;
use crate::http::trace::{Trace, millis};

/// Sends webhooks over HTTP.
pub(crate) struct WebhookClient {
    pool: ConnectionPool,
    connector: Connector,
    guard: AddressGuard,
    limits: Limits,
    canary: Canary,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Timeout for connecting, including DNS and the TLS handshake.
    connect: Duration,
    /// Timeout for the whole attempt.
    attempt: Duration,
    /// Maximum number of open sockets to receivers. Lambda allows 1,024 open files, fixed. The canary, DNS queries and
    /// connections to AWS need some tens of them.
    sockets: usize,
}

const LIMITS: Limits = Limits { connect: Duration::from_secs(5), attempt: Duration::from_secs(15), sockets: 300 };

/// An attempt that was made and counts, whether the receiver accepted it or not.
#[derive(Debug)]
pub(crate) struct CompletedAttempt {
    pub(crate) attempt: Attempt,
    /// How long the receiver asked us to wait before the next request (`Retry-After`).
    pub(crate) retry_after: Option<Duration>,
}

/// Why the HTTP client could not be created.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The TLS configuration is not valid.
    #[error("TLS could not be configured")]
    Tls(#[source] rustls::Error),
}

struct Request<'a> {
    url: &'a Url,
    headers: HeaderMap,
    body: Bytes,
    started_at: Instant,
}

impl WebhookClient {
    /// Creates a client. After a failure without an answer, the client checks the host of `canary_url` to find out whether our
    /// own network works.
    pub(crate) fn new(guard: AddressGuard, canary_url: &Url, roots: RootCertStore) -> Result<Self, ClientError> {
        let canary = Canary::new(canary_url, guard.clone(), Arc::new(SystemLookup::uncached()));
        Self::with(guard, roots, Arc::new(SystemLookup::new()), canary, LIMITS)
    }

    fn with(
        guard: AddressGuard,
        roots: RootCertStore,
        lookup: Arc<dyn HostLookup>,
        canary: Canary,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let resolver = GuardedResolver::new(guard.clone(), lookup);
        let connector = Connector::new(resolver, tls::config(roots).map_err(ClientError::Tls)?, limits.connect);
        Ok(Self { pool: ConnectionPool::new(limits.sockets), connector, guard, limits, canary })
    }

    /// Makes attempt `number`, which starts at `at`. Fails if a fault on our side prevented the attempt, which then does not
    /// count.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
        number: u8,
        at: Timestamp,
    ) -> Result<CompletedAttempt, OwnFault> {
        let request = Request { url, headers, body: body.into(), started_at: Instant::now() };
        let ResponseSummary { status, failure, excerpt, retry_after, phases } = self.respond(&request, at).await;
        let duration_ms = millis(request.started_at.elapsed());
        let reason = match failure {
            Some(failure) => Some(self.receivers_failure(failure, request.started_at).await?),
            None => None,
        };
        let attempt = Attempt { number, at, duration_ms, phases, status, reason, response: excerpt };
        Ok(CompletedAttempt { attempt, retry_after })
    }

    /// Whether our internet access has worked since `since`, when a request began that is still running.
    pub(crate) async fn has_internet_access(&self, since: Instant) -> bool {
        self.canary.internet_fault(since).await.is_none()
    }

    /// Decides whose fault the failure of a request is that began at `since`. Returns the reason if the receiver is at fault,
    /// and fails if we are.
    async fn receivers_failure(&self, failure: Failure, since: Instant) -> Result<FailureReason, OwnFault> {
        let (reason, fault) = match failure {
            Failure::Receiver(reason) => (reason, None),
            Failure::Own(fault) => return Err(fault),
            Failure::Undetermined(FailureReason::Dns) => {
                (FailureReason::Dns, self.canary.name_server_fault(since).await)
            }
            Failure::Undetermined(reason) => (reason, self.canary.internet_fault(since).await),
        };
        fault.map_or(Ok(reason), Err)
    }

    async fn respond(&self, request: &Request<'_>, at: Timestamp) -> ResponseSummary {
        if !self.is_allowed(request.url) {
            return ResponseSummary::failed(Failure::Receiver(FailureReason::BlockedAddress), Phases::default());
        }
        let deadline = request.started_at + self.limits.attempt;
        let mut trace = Trace::start();
        let sent = timeout_at(deadline.into(), self.send(request, &mut trace)).await;
        match sent.unwrap_or(Err(RequestError::TimedOut)) {
            Ok((response, mut connection)) => {
                let summary = ResponseSummary::read(response, &mut connection, deadline, at, &trace).await;
                self.pool.put(connection).await;
                summary
            }
            Err(error) => {
                ResponseSummary::failed(failure::of(&error, trace.phase()), trace.phases(None, Instant::now()))
            }
        }
    }

    /// Sends the request. If it went over a pooled connection that turns out to be dead, which shows only when it is used, the
    /// request is sent once more over a new connection. The receiver may then get the webhook twice, which any webhook may
    /// be. A request over its own new connection is sent once.
    async fn send(
        &self,
        request: &Request<'_>,
        trace: &mut Trace,
    ) -> Result<(Response<Incoming>, Connection), RequestError> {
        if let Some(mut connection) = self.pool.take(origin(request.url)).await {
            match connection.send(request.to_http()?).await {
                Ok(response) => return Ok((response, connection)),
                Err(error) if failure::is_dead_connection(&error) => *trace = Trace::start(),
                Err(error) => return Err(RequestError::Http(error)),
            }
        }
        let socket = self.pool.socket().await.ok_or(RequestError::NoSocket)?;
        let mut connection = self.connector.connect(request.url, socket, trace).await?;
        match connection.send(request.to_http()?).await {
            Ok(response) => Ok((response, connection)),
            Err(error) => Err(RequestError::Http(connection.cause_of(error))),
        }
    }

    /// Checks the URL, including an IP address in it. Host names are checked by the resolver.
    fn is_allowed(&self, url: &Url) -> bool {
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        let host = url.host_str().unwrap_or_default();
        let is_allowed_address = |address| self.guard.check_address(host, address).is_ok();
        self.guard.check_url(url).is_ok() && address.is_none_or(is_allowed_address)
    }
}

impl Request<'_> {
    fn to_http(&self) -> Result<http::Request<Full<Bytes>>, RequestError> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = Uri::try_from(target).map_err(|_| RequestError::Url)?;
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| RequestError::Url)?);
        Ok(request)
    }
}

#[cfg(test)]
mod tests;

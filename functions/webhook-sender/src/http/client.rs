//! Sends one request and returns the completed attempt, or the fault on our side that prevented it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use http::{Method, Response};
use hyper::body::Incoming;
use rustls::RootCertStore;
use thiserror::Error;
use tokio::time::timeout_at;
use url::{Host, Url};

use crate::http::canary::Canary;
use crate::http::connect::Connector;
use crate::http::connection::{Connection, ConnectionKey};
use crate::http::excerpt::MAX_RAW_BYTES;
use crate::http::failure::{self, Failure, OwnFault, RequestError};
use crate::http::pool::ConnectionPool;
use crate::http::request::{AttemptStart, Request};
use crate::http::resolver::{GuardedResolver, HostLookup, SystemLookup};
use crate::http::response::Exchange;
use crate::http::tls::Tls;
use crate::http::trace::{Trace, millis};

/// Sends webhooks over HTTP.
pub(crate) struct WebhookClient {
    pool: ConnectionPool,
    connector: Connector,
    tls: Arc<Tls>,
    guard: AddressGuard,
    pub(super) limits: Limits,
    canary: Canary,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Timeout for connecting, including DNS and the TLS handshake.
    connect: Duration,
    /// Timeout for the whole attempt.
    attempt: Duration,
    /// Timeout for a whole handshake, with the request of its token. The API waits 8 s for the answer.
    handshake: Duration,
    /// Timeout for the request of a token. It is part of the time of an attempt.
    pub(super) token: Duration,
    /// Maximum number of open sockets to receivers. Lambda allows 1,024 open files, fixed. The canary, DNS queries and
    /// connections to AWS need some tens of them.
    sockets: usize,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(15),
    handshake: Duration::from_secs(7),
    token: Duration::from_secs(5),
    sockets: 300,
};

/// An attempt that was made and counts, whether the receiver accepted it or not.
#[derive(Debug)]
pub(crate) struct CompletedAttempt {
    pub(crate) attempt: Attempt,
    /// How long the receiver asked us to wait before the next request (`Retry-After`).
    pub(crate) retry_after: Option<Duration>,
    /// The header `WebHook-Allowed-Origin` of the response, with at most 1,024 characters.
    pub(crate) allowed_origin: Option<String>,
    /// The header `WebHook-Allowed-Rate` of the response, with at most 1,024 characters.
    pub(crate) allowed_rate: Option<String>,
}

/// Why the HTTP client could not be created.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The TLS configuration is not valid.
    #[error("TLS could not be configured")]
    Tls(#[source] rustls::Error),
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
        let tls = Arc::new(Tls::trusting(roots).map_err(ClientError::Tls)?);
        let connector = Connector::new(resolver, Arc::clone(&tls), limits.connect);
        Ok(Self { pool: ConnectionPool::new(limits.sockets), connector, tls, guard, limits, canary })
    }

    /// The TLS that its connections use.
    pub(crate) fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls)
    }

    /// The deadline of an attempt that started at `started_at` and sends a request with this method.
    pub(crate) fn deadline(&self, method: &Method, started_at: Instant) -> Instant {
        started_at + if *method == Method::OPTIONS { self.limits.handshake } else { self.limits.attempt }
    }

    /// Makes an attempt. The error is a fault on our side that prevented it. The attempt then does not count.
    pub(crate) async fn send(&self, request: &Request<'_>, start: AttemptStart) -> Result<CompletedAttempt, OwnFault> {
        let AttemptStart { number, at, started_at } = start;
        let deadline = self.deadline(&request.method, started_at);
        let Exchange { answer, phases } = self.exchange(request, deadline, MAX_RAW_BYTES).await;
        let duration_ms = millis(started_at.elapsed());
        let attempt = |status, reason, response| Attempt { number, at, duration_ms, phases, status, reason, response };
        match answer {
            Ok(answer) => Ok(CompletedAttempt {
                attempt: attempt(Some(answer.status()), answer.failure(), answer.excerpt()),
                retry_after: answer.retry_after(at),
                allowed_origin: answer.allowed_origin(),
                allowed_rate: answer.allowed_rate(),
            }),
            Err(failure) => {
                let reason = self.servers_failure(failure, started_at).await?;
                let attempt = attempt(None, Some(reason), None);
                Ok(CompletedAttempt { attempt, retry_after: None, allowed_origin: None, allowed_rate: None })
            }
        }
    }

    /// Whether our internet access has worked since `since`, when a request began that is still running.
    pub(crate) async fn has_internet_access(&self, since: Instant) -> bool {
        self.canary.internet_fault(since).await.is_none()
    }

    /// Decides whose fault the failure of a request is that began at `since`. Returns the reason if the server is at fault, and
    /// fails if we are.
    pub(super) async fn servers_failure(&self, failure: Failure, since: Instant) -> Result<FailureReason, OwnFault> {
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

    /// Sends a request, and reads the response until `deadline`. At most `max_kept` bytes of its body are kept.
    pub(super) async fn exchange(&self, request: &Request<'_>, deadline: Instant, max_kept: usize) -> Exchange {
        if !self.is_allowed(request.url) {
            return Exchange::failed(Failure::Receiver(FailureReason::BlockedAddress), Phases::default());
        }
        let mut trace = Trace::start();
        let sent = timeout_at(deadline.into(), self.send_over_connection(request, &mut trace)).await;
        match sent.unwrap_or(Err(RequestError::TimedOut)) {
            Ok((response, mut connection)) => {
                let exchange = Exchange::read(response, &mut connection, deadline, max_kept, &trace).await;
                self.pool.put(connection).await;
                exchange
            }
            Err(error) => Exchange::failed(failure::of(&error, trace.phase()), trace.phases(None, Instant::now())),
        }
    }

    /// Sends the request. If it went over a pooled connection that turns out to be dead, which shows only when it is used, the
    /// request is sent once more over a new connection. The receiver may then get the webhook twice, which any webhook may
    /// be. A request over its own new connection is sent once.
    async fn send_over_connection(
        &self,
        request: &Request<'_>,
        trace: &mut Trace,
    ) -> Result<(Response<Incoming>, Connection), RequestError> {
        if let Some(mut connection) = self.pool.take(&ConnectionKey::new(request.url, request.identity)).await {
            match connection.send(request.to_http()?).await {
                Ok(response) => return Ok((response, connection)),
                Err(error) if failure::is_dead_connection(&error) => *trace = Trace::start(),
                Err(error) => return Err(connection.cause_of(error)),
            }
        }
        let socket = self.pool.socket().await.ok_or(RequestError::NoSocket)?;
        // Boxed because a TLS handshake is large, and most requests need none.
        let connecting = Box::pin(self.connector.connect(request.url, request.identity, socket, trace));
        let mut connection = connecting.await?;
        match connection.send(request.to_http()?).await {
            Ok(response) => Ok((response, connection)),
            Err(error) => Err(connection.cause_of(error)),
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

#[cfg(test)]
mod tests;

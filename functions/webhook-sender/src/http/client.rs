//! Sends one POST and returns the completed attempt, or the fault on our side that prevented it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::foundation::time::Timestamp;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use http::HeaderMap;
use reqwest::{Client, Response};
use rustls::RootCertStore;
use thiserror::Error;
use url::{Host, Url};

use crate::http::canary::Canary;
use crate::http::connect::{Trace, TraceConnections, millis};
use crate::http::failure::{self, Failure, OwnFault};
use crate::http::resolver::{GuardedResolver, HostLookup, SystemLookup};
use crate::http::response::ResponseSummary;
use crate::http::tls;

/// How long an idle connection is kept. Shorter than the idle timeout of common load balancers (60 s), so that the receiver
/// has rarely closed it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Sends webhooks over HTTP.
pub(crate) struct WebhookClient {
    /// Reuses open connections.
    client: Client,
    /// Opens a new connection for each request.
    fresh_client: Client,
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
}

const LIMITS: Limits = Limits { connect: Duration::from_secs(5), attempt: Duration::from_secs(15) };

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
    /// The HTTP client could not be built.
    #[error("HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

struct Request<'a> {
    url: &'a Url,
    headers: HeaderMap,
    body: Bytes,
    started_at: Instant,
}

impl WebhookClient {
    /// Creates a client. When a receiver cannot be reached, the client checks the host of `canary_url` to find out whether our
    /// own internet access works.
    pub(crate) fn new(guard: AddressGuard, canary_url: &Url, roots: RootCertStore) -> Result<Self, ClientError> {
        let canary = Canary::new(canary_url, Arc::new(SystemLookup::uncached()));
        Self::with(guard, roots, Arc::new(SystemLookup::new()), canary, LIMITS)
    }

    fn with(
        guard: AddressGuard,
        roots: RootCertStore,
        lookup: Arc<dyn HostLookup>,
        canary: Canary,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let tls = tls::config(roots).map_err(ClientError::Tls)?;
        let resolver = Arc::new(GuardedResolver::new(guard.clone(), lookup));
        let client = |max_idle| {
            let builder = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::clone(&resolver))
                .connector_layer(TraceConnections)
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would resolve host names itself, past the address guard, and send from another IP address.
                .no_proxy()
                .referer(false)
                .connect_timeout(limits.connect)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(max_idle);
            builder.build().map_err(ClientError::Client)
        };
        let (client, fresh_client) = (client(usize::MAX)?, client(0)?);
        Ok(Self { client, fresh_client, guard, limits, canary })
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
            Some(failure) => Some(self.receivers_failure(failure).await?),
            None => None,
        };
        let attempt = Attempt { number, at, duration_ms, phases, status, reason, response: excerpt };
        Ok(CompletedAttempt { attempt, retry_after })
    }

    /// Decides whose fault a failure is. Returns the reason if the receiver is at fault, and fails if we are.
    async fn receivers_failure(&self, failure: Failure) -> Result<FailureReason, OwnFault> {
        match failure {
            Failure::Receiver(reason) => Ok(reason),
            Failure::Own(fault) => Err(fault),
            Failure::Undetermined(reason) => self.canary.is_reachable().await.then_some(reason).ok_or(OwnFault::Egress),
        }
    }

    async fn respond(&self, request: &Request<'_>, at: Timestamp) -> ResponseSummary {
        if !self.is_allowed(request.url) {
            return ResponseSummary::failed(Failure::Receiver(FailureReason::BlockedAddress), Phases::default());
        }
        let (sent, trace) = self.send(request).await;
        match sent {
            Ok(response) => ResponseSummary::read(response, at, &trace).await,
            Err(error) => ResponseSummary::failed(failure::of(&error, &trace), trace.phases(None, Instant::now())),
        }
    }

    /// Sends the request. If it went over a pooled connection that turns out to be dead, which shows only when it is used, the
    /// request is sent once more over a new connection. The receiver may then get the webhook twice, which any webhook may
    /// be. A request over its own new connection is sent once.
    async fn send(&self, request: &Request<'_>) -> (Result<Response, reqwest::Error>, Trace) {
        let (sent, trace) = self.send_with(&self.client, request).await;
        match sent {
            Err(error) if !trace.has_connected() && failure::is_dead_connection(&error) && !error.is_connect() => {
                self.send_with(&self.fresh_client, request).await
            }
            sent => (sent, trace),
        }
    }

    async fn send_with(&self, client: &Client, request: &Request<'_>) -> (Result<Response, reqwest::Error>, Trace) {
        let time_left = self.limits.attempt.saturating_sub(request.started_at.elapsed());
        let trace = Trace::start();
        let sending = client
            .post(request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .timeout(time_left)
            .send();
        (trace.scope(sending).await, trace)
    }

    /// Checks the URL, including an IP address in it. Host names are checked by the resolver, which the HTTP client does not
    /// call for IP addresses.
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

//! One POST, and what came of it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{Client, Response};
use shared::address::AddressGuard;
use shared::delivery::{Attempt, FailureReason, Phases};
use shared::time::Timestamp;
use thiserror::Error;
use url::{Host, Url};

use crate::answer::Answer;
use crate::connect::{NoteConnections, Trace, millis};
use crate::egress::Egress;
use crate::failure::{self, Failure, OwnFault};
use crate::resolver::{GuardedResolver, HostLookup, SystemLookup};
use crate::tls;

/// For how long an idle connection is kept. Shorter than what load balancers keep theirs, so that few turn out dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Posts webhooks.
pub(crate) struct Poster {
    /// Uses a connection again where one is open.
    client: Client,
    /// Always connects anew.
    fresh_client: Client,
    guard: AddressGuard,
    limits: Limits,
    egress: Mutex<Egress>,
}

/// How long things may take: connecting, the host's resolution and the TLS handshake included, and a whole attempt.
#[derive(Debug, Clone, Copy)]
struct Limits {
    connect: Duration,
    attempt: Duration,
}

const LIMITS: Limits = Limits { connect: Duration::from_secs(5), attempt: Duration::from_secs(15) };

/// What came of a POST.
#[derive(Debug)]
pub(crate) enum Posted {
    /// It was made and counts, whatever its answer; and how long the receiver asked to be left alone.
    Answered { attempt: Attempt, retry_after: Option<Duration> },
    /// We could not make it, so it does not count.
    OurFault(OwnFault),
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

/// What is posted, where to, and when that began.
struct Request<'a> {
    url: &'a Url,
    headers: HeaderMap,
    body: Bytes,
    begun: Instant,
}

impl Poster {
    pub(crate) fn new(guard: AddressGuard) -> Result<Self, ClientError> {
        Self::with(guard, Arc::new(SystemLookup::default()), LIMITS)
    }

    fn with(guard: AddressGuard, lookup: Arc<dyn HostLookup>, limits: Limits) -> Result<Self, ClientError> {
        let tls = tls::config().map_err(ClientError::Tls)?;
        let resolver = Arc::new(GuardedResolver::new(guard.clone(), lookup));
        let client = |most_idle| {
            let builder = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::clone(&resolver))
                .connector_layer(NoteConnections)
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would resolve host names itself, and leave from another address.
                .no_proxy()
                .referer(false)
                .connect_timeout(limits.connect)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(most_idle);
            builder.build().map_err(ClientError::Client)
        };
        let (client, fresh_client) = (client(usize::MAX)?, client(0)?);
        Ok(Self { client, fresh_client, guard, limits, egress: Mutex::default() })
    }

    /// Makes the attempt `number`, which begins at `at`.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>, number: u8, at: Timestamp) -> Posted {
        let request = Request { url, headers, body: body.into(), begun: Instant::now() };
        match self.answer(&request, at).await {
            Ok(Answer { status, reason, response, retry_after, phases }) => {
                let duration_ms = millis(request.begun.elapsed());
                let attempt = Attempt { number, at, duration_ms, phases, status, reason, response };
                Posted::Answered { attempt, retry_after }
            }
            Err(fault) => Posted::OurFault(fault),
        }
    }

    async fn answer(&self, request: &Request<'_>, at: Timestamp) -> Result<Answer, OwnFault> {
        if !self.may_go_to(request.url) {
            return Ok(Answer::none(FailureReason::BlockedAddress, Phases::default()));
        }
        let (sent, trace) = self.send(request).await;
        match sent {
            Ok(response) => {
                self.reached();
                Answer::read(response, at, &trace).await
            }
            Err(error) => {
                let ended_at = Instant::now();
                let reason = self.reason(request.url, &error, &trace)?;
                Ok(Answer::none(reason, trace.phases(None, ended_at)))
            }
        }
    }

    /// Sends the request, and once more if the open connection that it went over was dead: that is found out only by
    /// using it. The receiver may then see the webhook twice, as it may see any webhook. On a connection that was made for
    /// it, a request is sent once.
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
        let time_left = self.limits.attempt.saturating_sub(request.begun.elapsed());
        let trace = Trace::begin();
        let sending = client
            .post(request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .timeout(time_left)
            .send();
        (trace.follow(sending).await, trace)
    }

    /// Why there was no answer, if it is the receiver's fault.
    fn reason(&self, url: &Url, error: &reqwest::Error, trace: &Trace) -> Result<FailureReason, OwnFault> {
        let reason = match failure::of(error, trace) {
            Failure::Receivers(reason) => reason,
            Failure::Ours(fault) => return Err(fault),
        };
        if reason == FailureReason::ConnectTimeout {
            let host = url.host_str().unwrap_or_default();
            let mut egress = self.egress.lock().unwrap_or_else(PoisonError::into_inner);
            return if egress.timed_out(host, Instant::now()) { Err(OwnFault::Egress) } else { Ok(reason) };
        }
        // Somebody out there refused, or at least took, the connection.
        if trace.has_connected() || matches!(reason, FailureReason::Refused | FailureReason::Tls) {
            self.reached();
        }
        Ok(reason)
    }

    fn reached(&self) {
        self.egress.lock().unwrap_or_else(PoisonError::into_inner).reached(Instant::now());
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

#[cfg(test)]
mod tests;

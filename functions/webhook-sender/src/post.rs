//! One POST, and what came of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{Client, Response};
use rustls::RootCertStore;
use shared::address::AddressGuard;
use shared::delivery::{Attempt, FailureReason, Phases};
use shared::time::Timestamp;
use thiserror::Error;
use url::{Host, Url};

use crate::answer::Answer;
use crate::canary::Canary;
use crate::connect::{NoteConnections, Trace, millis};
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
    canary: Canary,
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
    /// A poster that asks the host of `known_up` whether anything can be reached when a receiver cannot.
    pub(crate) fn new(guard: AddressGuard, known_up: &Url, roots: RootCertStore) -> Result<Self, ClientError> {
        let canary = Canary::new(known_up, Arc::new(SystemLookup::uncached()));
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
        Ok(Self { client, fresh_client, guard, limits, canary })
    }

    /// Makes the attempt `number`, which begins at `at`.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>, number: u8, at: Timestamp) -> Posted {
        let request = Request { url, headers, body: body.into(), begun: Instant::now() };
        let Answer { status, failure, response, retry_after, phases } = self.answer(&request, at).await;
        let duration_ms = millis(request.begun.elapsed());
        let reason = match failure {
            Some(failure) => match self.judge(failure).await {
                Ok(reason) => Some(reason),
                Err(fault) => return Posted::OurFault(fault),
            },
            None => None,
        };
        let attempt = Attempt { number, at, duration_ms, phases, status, reason, response };
        Posted::Answered { attempt, retry_after }
    }

    /// Whose fault a failure is: the receiver's, for that reason, or ours.
    async fn judge(&self, failure: Failure) -> Result<FailureReason, OwnFault> {
        match failure {
            Failure::Receivers(reason) => Ok(reason),
            Failure::Ours(fault) => Err(fault),
            Failure::Silence(reason) => self.canary.is_well().await.then_some(reason).ok_or(OwnFault::Egress),
        }
    }

    async fn answer(&self, request: &Request<'_>, at: Timestamp) -> Answer {
        if !self.may_go_to(request.url) {
            return Answer::none(Failure::Receivers(FailureReason::BlockedAddress), Phases::default());
        }
        let (sent, trace) = self.send(request).await;
        match sent {
            Ok(response) => Answer::read(response, at, &trace).await,
            Err(error) => Answer::none(failure::of(&error, &trace), trace.phases(None, Instant::now())),
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

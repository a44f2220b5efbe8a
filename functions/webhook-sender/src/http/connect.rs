//! Measures how long a request spends on resolving the host and on connecting.
//!
//! The HTTP client reports neither. The resolver and a layer around the connector therefore write to the [`Trace`] of the
//! request whose task they run in. An attempt sends its request at most twice, each time with a trace of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use domain::webhooks::attempt::Phases;
use futures::future::BoxFuture;
use tower::{Layer, Service};

tokio::task_local! {
    static CURRENT: Trace;
}

/// The times of one request. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    started_at: Instant,
    times: Arc<Mutex<Times>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    connecting_since: Option<Instant>,
    resolving_since: Option<Instant>,
    /// How long the resolver took. `None` until it is done.
    dns: Option<Duration>,
    connected_at: Option<Instant>,
    has_only_v6: bool,
}

impl Trace {
    /// Starts the trace of a request.
    pub(crate) fn start() -> Self {
        Self { started_at: Instant::now(), times: Arc::default() }
    }

    /// Runs the request with this trace as the current one.
    pub(crate) async fn scope<F: Future>(&self, request: F) -> F::Output {
        CURRENT.scope(self.clone(), request).await
    }

    /// The trace of the request that the caller runs for. A connection that the HTTP client completes in the background, for
    /// later requests, belongs to no request: it gets a trace that is never read.
    pub(crate) fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_else(|_| Self::start())
    }

    /// Records that the resolver starts.
    pub(crate) fn resolving(&self) {
        let mut times = self.times();
        (times.resolving_since, times.dns) = (Some(Instant::now()), None);
    }

    /// Records that the resolver is done, and whether it returned only IPv6 addresses.
    pub(crate) fn resolved(&self, has_only_v6: bool) {
        let mut times = self.times();
        (times.dns, times.has_only_v6) = (times.resolving_since.map(|since| since.elapsed()), has_only_v6);
    }

    /// Whether the resolver has started and is not done.
    pub(crate) fn is_resolving(&self) -> bool {
        self.times().is_resolving()
    }

    /// Whether the resolver returned only IPv6 addresses.
    pub(crate) fn has_only_v6(&self) -> bool {
        self.times().has_only_v6
    }

    /// Whether the request opened a connection of its own instead of using a pooled one.
    pub(crate) fn has_connected(&self) -> bool {
        self.times().connected_at.is_some()
    }

    /// Returns the duration of each phase. The response head arrived at `answered_at`, if it did, and the request ended at
    /// `ended_at`. The phase in which a request failed lasts until its end.
    pub(crate) fn phases(&self, answered_at: Option<Instant>, ended_at: Instant) -> Phases {
        let times = *self.times();
        // A response without a connection of its own came over a pooled one, even if the client also started to connect.
        let connecting_since = times.connecting_since.filter(|_| times.connected_at.is_some() || answered_at.is_none());
        let Some(connecting_since) = connecting_since else {
            let answer_phases = answer_phases(Some(self.started_at), answered_at, ended_at);
            return Phases { dns_ms: None, connect_ms: None, ..answer_phases };
        };
        let resolving = times.resolving_since.map(|since| times.dns.unwrap_or(ended_at - since));
        let connecting = times.connected_at.unwrap_or(ended_at) - connecting_since;
        // The connector runs the resolver, so its time includes that of the resolver.
        let without_dns = connecting.saturating_sub(resolving.unwrap_or_default());
        Phases {
            dns_ms: resolving.map(millis),
            connect_ms: (!times.is_resolving()).then(|| millis(without_dns)),
            ..answer_phases(times.connected_at, answered_at, ended_at)
        }
    }

    fn connecting(&self) {
        *self.times() = Times { connecting_since: Some(Instant::now()), ..Times::default() };
    }

    /// Records that the connection is established. If the request already continued over another connection, a background task
    /// of the HTTP client completes this one, and nothing is recorded.
    fn connected(&self) {
        let is_current = CURRENT.try_with(|current| Arc::ptr_eq(&current.times, &self.times)).unwrap_or(false);
        if is_current {
            self.times().connected_at = Some(Instant::now());
        }
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    fn is_resolving(&self) -> bool {
        self.resolving_since.is_some() && self.dns.is_none()
    }
}

/// A duration in whole milliseconds, the unit of recorded attempts.
pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn answer_phases(sent_at: Option<Instant>, answered_at: Option<Instant>, ended_at: Instant) -> Phases {
    Phases {
        answer_ms: sent_at.map(|sent_at| millis(answered_at.unwrap_or(ended_at) - sent_at)),
        body_ms: answered_at.map(|answered_at| millis(ended_at - answered_at)),
        ..Phases::default()
    }
}

/// A layer that records the times of connections in the traces of their requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceConnections;

/// A connector that records the times of its connections.
#[derive(Debug, Clone)]
pub(crate) struct TracingConnector<S>(S);

impl<S> Layer<S> for TraceConnections {
    type Service = TracingConnector<S>;

    fn layer(&self, connector: S) -> TracingConnector<S> {
        TracingConnector(connector)
    }
}

impl<S, Target> Service<Target> for TracingConnector<S>
where
    S: Service<Target>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let trace = Trace::current();
        trace.connecting();
        // The connector calls the resolver, which finds the trace even if the connection is completed in the background.
        let connecting = CURRENT.scope(trace.clone(), self.0.call(target));
        Box::pin(async move {
            let connected = connecting.await;
            if connected.is_ok() {
                trace.connected();
            }
            connected
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(times: Times, started_at: Instant) -> Trace {
        Trace { started_at, times: Arc::new(Mutex::new(times)) }
    }

    #[test]
    fn each_phase_lasts_until_the_next() {
        let started_at = Instant::now();
        let at = |ms| started_at + Duration::from_millis(ms);
        let times = Times {
            connecting_since: Some(at(1)),
            resolving_since: Some(at(1)),
            dns: Some(Duration::from_millis(10)),
            connected_at: Some(at(31)),
            has_only_v6: false,
        };
        let expected = Phases { dns_ms: Some(10), connect_ms: Some(20), answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace(times, started_at).phases(Some(at(131)), at(136)), expected);
    }

    #[test]
    fn a_pooled_connection_has_no_dns_and_connect_phases() {
        let started_at = Instant::now();
        let at = |ms| started_at + Duration::from_millis(ms);
        let expected = Phases { dns_ms: None, connect_ms: None, answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace(Times::default(), started_at).phases(Some(at(100)), at(105)), expected);
        let raced = Times { connecting_since: Some(at(1)), resolving_since: Some(at(1)), ..Times::default() };
        assert_eq!(trace(raced, started_at).phases(Some(at(100)), at(105)), expected);
    }

    #[test]
    fn a_request_that_failed_has_no_later_phases() {
        let started_at = Instant::now();
        let at = |ms| started_at + Duration::from_millis(ms);
        let resolving =
            Times { connecting_since: Some(started_at), resolving_since: Some(started_at), ..Times::default() };
        let expected = Phases { dns_ms: Some(30), ..Phases::default() };
        assert_eq!(trace(resolving, started_at).phases(None, at(30)), expected);
        let connecting = Times { dns: Some(Duration::from_millis(10)), ..resolving };
        let expected = Phases { dns_ms: Some(10), connect_ms: Some(20), ..Phases::default() };
        assert_eq!(trace(connecting, started_at).phases(None, at(30)), expected);
    }
}

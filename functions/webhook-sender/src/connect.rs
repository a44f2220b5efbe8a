//! Where the time goes before a request is sent: resolving the host and connecting.
//!
//! The HTTP client tells nothing about either. So the resolver and a layer around its connector note what they see in the
//! [`Trace`] of the try whose task they run in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use shared::delivery::Phases;
use tower::{Layer, Service};

tokio::task_local! {
    static CURRENT: Trace;
}

/// What is seen of one try to send a request. Clones write to the same trace.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    begun: Instant,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    connecting_since: Option<Instant>,
    resolving_since: Option<Instant>,
    dns: Option<Duration>,
    connected_at: Option<Instant>,
    has_only_v6: bool,
}

impl Trace {
    /// The trace of a try that begins now.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), seen: Arc::default() }
    }

    /// Does the work of the try; what it resolves and connects to is noted here.
    pub(crate) async fn follow<F: Future>(&self, work: F) -> F::Output {
        CURRENT.scope(self.clone(), work).await
    }

    /// The trace of the try that this runs for. A connection that is finished in the background, for whoever comes next,
    /// belongs to none: it gets a trace that nobody reads.
    pub(crate) fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_else(|_| Self::begin())
    }

    pub(crate) fn resolving(&self) {
        let mut seen = self.seen();
        (seen.resolving_since, seen.dns) = (Some(Instant::now()), None);
    }

    /// Notes that the resolver is done, and whether all that it found are IPv6 addresses.
    pub(crate) fn resolved(&self, has_only_v6: bool) {
        let mut seen = self.seen();
        (seen.dns, seen.has_only_v6) = (seen.resolving_since.map(|since| since.elapsed()), has_only_v6);
    }

    /// Whether the resolver was asked and has not answered.
    pub(crate) fn is_resolving(&self) -> bool {
        let seen = self.seen();
        seen.resolving_since.is_some() && seen.dns.is_none()
    }

    /// Whether the host is known to have no IPv4 address.
    pub(crate) fn has_only_v6(&self) -> bool {
        self.seen().has_only_v6
    }

    /// Whether a connection was made for this try, rather than one from the pool used.
    pub(crate) fn has_connected(&self) -> bool {
        self.seen().connected_at.is_some()
    }

    /// Where the time of the try went, which was answered at `answered_at` if at all, and was over at `ended_at`. The phase
    /// in which it broke off lasts to its end.
    pub(crate) fn phases(&self, answered_at: Option<Instant>, ended_at: Instant) -> Phases {
        let seen = *self.seen();
        // Without a connection of its own, an answer came over one from the pool, whatever was begun beside it.
        let connecting_since = seen.connecting_since.filter(|_| seen.connected_at.is_some() || answered_at.is_none());
        let Some(connecting_since) = connecting_since else {
            return Phases { dns_ms: None, connect_ms: None, ..answer_phases(Some(self.begun), answered_at, ended_at) };
        };
        let resolving = seen.resolving_since.map(|since| seen.dns.unwrap_or(ended_at - since));
        let connecting = seen.connected_at.unwrap_or(ended_at) - connecting_since;
        let is_resolving = seen.resolving_since.is_some() && seen.dns.is_none();
        Phases {
            dns_ms: resolving.map(millis),
            connect_ms: (!is_resolving).then(|| millis(connecting.saturating_sub(resolving.unwrap_or_default()))),
            ..answer_phases(seen.connected_at, answered_at, ended_at)
        }
    }

    fn connecting(&self) {
        *self.seen() = Seen { connecting_since: Some(Instant::now()), ..Seen::default() };
    }

    /// Notes that the connection stands, unless the try has meanwhile gone on with another one: then what finishes this
    /// one is a task of the HTTP client's.
    fn connected(&self) {
        let is_current = CURRENT.try_with(|current| Arc::ptr_eq(&current.seen, &self.seen)).unwrap_or(false);
        if is_current {
            self.seen().connected_at = Some(Instant::now());
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration in whole milliseconds, as attempts give it.
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

/// The layer that has connections noted in the traces of their tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoteConnections;

/// A connector whose connections are noted.
#[derive(Debug, Clone)]
pub(crate) struct NotedConnector<S>(S);

impl<S> Layer<S> for NoteConnections {
    type Service = NotedConnector<S>;

    fn layer(&self, connector: S) -> NotedConnector<S> {
        NotedConnector(connector)
    }
}

impl<S, Target> Service<Target> for NotedConnector<S>
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
        // The resolver is asked within, and finds the trace even when the connection is finished in the background.
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

    fn trace(seen: Seen, begun: Instant) -> Trace {
        Trace { begun, seen: Arc::new(Mutex::new(seen)) }
    }

    #[test]
    fn each_phase_lasts_to_the_next() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let seen = Seen {
            connecting_since: Some(at(1)),
            resolving_since: Some(at(1)),
            dns: Some(Duration::from_millis(10)),
            connected_at: Some(at(31)),
            has_only_v6: false,
        };
        let expected = Phases { dns_ms: Some(10), connect_ms: Some(20), answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace(seen, begun).phases(Some(at(131)), at(136)), expected);
    }

    #[test]
    fn a_connection_from_the_pool_took_no_time_to_make() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let expected = Phases { dns_ms: None, connect_ms: None, answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace(Seen::default(), begun).phases(Some(at(100)), at(105)), expected);
        let raced = Seen { connecting_since: Some(at(1)), resolving_since: Some(at(1)), ..Seen::default() };
        assert_eq!(trace(raced, begun).phases(Some(at(100)), at(105)), expected);
    }

    #[test]
    fn a_try_that_broke_off_has_no_later_phases() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let resolving = Seen { connecting_since: Some(begun), resolving_since: Some(begun), ..Seen::default() };
        let expected = Phases { dns_ms: Some(30), ..Phases::default() };
        assert_eq!(trace(resolving, begun).phases(None, at(30)), expected);
        let connecting = Seen { dns: Some(Duration::from_millis(10)), ..resolving };
        let expected = Phases { dns_ms: Some(10), connect_ms: Some(20), ..Phases::default() };
        assert_eq!(trace(connecting, begun).phases(None, at(30)), expected);
    }
}

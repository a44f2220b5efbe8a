//! Measures how long a request spends on resolving the host, on connecting and on waiting for the response.

use std::time::{Duration, Instant};

use domain::webhooks::attempt::Phases;

/// The times of one request. An attempt sends its request at most twice, each time with a trace of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace {
    started_at: Instant,
    /// `None` if the request needs no resolver: over a pooled connection, or to an IP address.
    resolving_since: Option<Instant>,
    connecting_since: Option<Instant>,
    connected_at: Option<Instant>,
}

/// What a request is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Resolving,
    Connecting,
    /// It is sent, or waits for its response.
    Answering,
}

impl Trace {
    /// Starts a trace. Until another phase is recorded, the request counts as one over a pooled connection.
    pub(crate) fn start() -> Self {
        Self { started_at: Instant::now(), resolving_since: None, connecting_since: None, connected_at: None }
    }

    /// Records that the resolver starts.
    pub(crate) fn resolving(&mut self) {
        self.resolving_since = Some(Instant::now());
    }

    /// Records that the addresses are known, and that connecting to them starts.
    pub(crate) fn connecting(&mut self) {
        self.connecting_since = Some(Instant::now());
    }

    /// Records that the connection is established, including TLS.
    pub(crate) fn connected(&mut self) {
        self.connected_at = Some(Instant::now());
    }

    /// What the request is doing, or was doing when it failed.
    pub(crate) fn phase(&self) -> Phase {
        match (self.resolving_since, self.connecting_since, self.connected_at) {
            (_, Some(_), None) => Phase::Connecting,
            (Some(_), None, _) => Phase::Resolving,
            (_, Some(_), Some(_)) | (None, None, _) => Phase::Answering,
        }
    }

    /// Returns the duration of each phase. The response head arrived at `answered_at`, if it did, and the request ended at
    /// `ended_at`. The phase in which a request failed lasts until its end.
    pub(crate) fn phases(&self, answered_at: Option<Instant>, ended_at: Instant) -> Phases {
        let until = |end: Option<Instant>| move |start: Instant| millis(end.unwrap_or(ended_at) - start);
        let sent_at = match self.phase() {
            Phase::Answering => Some(self.connected_at.unwrap_or(self.started_at)),
            Phase::Resolving | Phase::Connecting => None,
        };
        Phases {
            token_ms: None,
            dns_ms: self.resolving_since.map(until(self.connecting_since)),
            connect_ms: self.connecting_since.map(until(self.connected_at)),
            answer_ms: sent_at.map(until(answered_at)),
            body_ms: answered_at.map(until(None)),
        }
    }
}

/// A duration in whole milliseconds, the unit of recorded attempts.
pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace whose phases start after these milliseconds, and a function that returns the time after some milliseconds.
    fn trace(
        resolving: Option<u64>,
        connecting: Option<u64>,
        connected: Option<u64>,
    ) -> (Trace, impl Fn(u64) -> Instant) {
        let started_at = Instant::now();
        let at = move |ms| started_at + Duration::from_millis(ms);
        let trace = Trace {
            started_at,
            resolving_since: resolving.map(at),
            connecting_since: connecting.map(at),
            connected_at: connected.map(at),
        };
        (trace, at)
    }

    #[test]
    fn each_phase_lasts_until_the_next() {
        let (trace, at) = trace(Some(1), Some(11), Some(31));
        let expected =
            Phases { token_ms: None, dns_ms: Some(10), connect_ms: Some(20), answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace.phases(Some(at(131)), at(136)), expected);
    }

    #[test]
    fn a_pooled_connection_has_no_dns_and_connect_phases() {
        let (trace, at) = trace(None, None, None);
        let expected =
            Phases { token_ms: None, dns_ms: None, connect_ms: None, answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace.phases(Some(at(100)), at(105)), expected);
    }

    #[test]
    fn an_ip_address_has_no_dns_phase() {
        let (trace, at) = trace(None, Some(1), Some(21));
        let expected =
            Phases { token_ms: None, dns_ms: None, connect_ms: Some(20), answer_ms: Some(100), body_ms: Some(5) };
        assert_eq!(trace.phases(Some(at(121)), at(126)), expected);
    }

    #[test]
    fn a_request_that_failed_has_no_later_phases() {
        let (resolving, at) = trace(Some(0), None, None);
        assert_eq!(resolving.phases(None, at(30)), Phases { dns_ms: Some(30), ..Phases::default() });
        let (connecting, at) = trace(Some(0), Some(10), None);
        let expected = Phases { dns_ms: Some(10), connect_ms: Some(20), ..Phases::default() };
        assert_eq!(connecting.phases(None, at(30)), expected);
        assert_eq!([resolving.phase(), connecting.phase()], [Phase::Resolving, Phase::Connecting]);
    }
}

//! Why a request got no response, and whose fault that is. A failure of the receiver counts as an attempt. A fault on our side
//! never does.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter::successors;
use std::sync::Arc;

use domain::webhooks::attempt::FailureReason;
use hickory_resolver::net::NetError;
use thiserror::Error;

use crate::http::connect::Trace;
use crate::http::resolver::ResolveError;

/// hyper's error message for a response head that is too large. hyper offers clients no method to recognise this error, so its
/// message has to be compared; a test fails if hyper changes it.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// A fault on our side that prevented an attempt. It is never held against the endpoint.
#[derive(Debug, Clone, Error)]
pub(crate) enum OwnFault {
    #[error("system configures no usable name server")]
    DnsConfiguration(#[source] NetError),
    #[error("name server cannot be reached")]
    NameServer(#[source] NetError),
    #[error("connection could not be started on this system")]
    LocalSystem(#[source] Arc<io::Error>),
    #[error("internet access does not work")]
    Egress,
}

/// Whose fault it is that a request failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The receiver's fault.
    Receiver(FailureReason),
    /// A fault on our side.
    Own(OwnFault),
    /// There was no response in time: the receiver's fault, with this reason, if our internet access works, and ours if not.
    Undetermined(FailureReason),
}

/// Returns why a request failed, and whose fault that is.
pub(crate) fn of(error: &reqwest::Error, trace: &Trace) -> Failure {
    let known = causes(error).find_map(|cause| {
        if let Some(resolve_error) = cause.downcast_ref::<ResolveError>() {
            return Some(of_resolve_error(resolve_error));
        }
        if let Some(io_error) = cause.downcast_ref::<io::Error>() {
            return nested(io_error).find_map(|io| of_io_error(io, error.is_connect(), trace.has_only_v6()));
        }
        (cause.to_string() == HEAD_TOO_LARGE).then_some(Failure::Receiver(FailureReason::TooLarge))
    });
    known.unwrap_or_else(|| of_unknown_cause(error, trace))
}

/// Whether a request failed because its connection was closed. The HTTP client does not report whether part of the response
/// head had arrived, so a receiver that dies while it sends the head counts as one that sent nothing.
pub(crate) fn is_dead_connection(error: &reqwest::Error) -> bool {
    let is_lost = |io: &io::Error| is_connection_loss(io.kind());
    causes(error).any(|cause| match cause.downcast_ref::<io::Error>() {
        Some(io_error) => nested(io_error).any(is_lost),
        None => cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message),
    })
}

fn of_unknown_cause(error: &reqwest::Error, trace: &Trace) -> Failure {
    match (error.is_timeout(), error.is_connect()) {
        // The resolver's own timeout is shorter, so this happens only if a second request started late.
        (true, _) if trace.is_resolving() => Failure::Undetermined(FailureReason::Dns),
        (true, true) => Failure::Undetermined(FailureReason::ConnectTimeout),
        (true, false) => Failure::Undetermined(FailureReason::Timeout),
        // The URL cannot be written into a request.
        (false, _) if error.is_builder() => Failure::Receiver(FailureReason::BlockedAddress),
        (false, _) => Failure::Receiver(FailureReason::ConnectionLost),
    }
}

fn of_resolve_error(error: &ResolveError) -> Failure {
    match error {
        // Also if the name servers of the host's domain fail: the receiver chose its domain.
        ResolveError::NoAddress => Failure::Receiver(FailureReason::Dns),
        // Either our name server is down or those of the host's domain are; the response does not tell which.
        ResolveError::NoAnswer => Failure::Undetermined(FailureReason::Dns),
        ResolveError::Blocked(_) => Failure::Receiver(FailureReason::BlockedAddress),
        ResolveError::Configuration(error) => Failure::Own(OwnFault::DnsConfiguration(error.clone())),
        ResolveError::Unreachable(error) => Failure::Own(OwnFault::NameServer(error.clone())),
    }
}

fn of_io_error(error: &io::Error, is_connecting: bool, has_only_v6: bool) -> Option<Failure> {
    let is_tls_error = matches!(error.get_ref(), Some(inner) if inner.is::<rustls::Error>());
    let reason = match error.kind() {
        _ if is_tls_error => FailureReason::Tls,
        ErrorKind::ConnectionRefused => FailureReason::Refused,
        ErrorKind::HostUnreachable if is_connecting => FailureReason::Refused,
        // A receiver that does not want the TCP connection refuses it. A loss while connecting is in the TLS handshake.
        kind if is_connecting && is_connection_loss(kind) => FailureReason::Tls,
        // Webhooks are sent from an IPv4 address, so a host with only IPv6 addresses may have no usable address.
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable if has_only_v6 => FailureReason::Dns,
        _ if is_local(error) => {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            return Some(Failure::Own(OwnFault::LocalSystem(Arc::new(copy))));
        }
        _ => return None,
    };
    Some(Failure::Receiver(reason))
}

/// Whether an established connection was lost.
fn is_connection_loss(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof
    )
}

/// Whether the cause lies in this system: its network, its permissions or its resources.
fn is_local(error: &io::Error) -> bool {
    // Too many open files, in the system (`ENFILE`) or in this process (`EMFILE`). Neither has a stable kind. Linux numbers.
    const OUT_OF_FILES: [i32; 2] = [23, 24];
    let is_local_kind = matches!(
        error.kind(),
        ErrorKind::AddrInUse
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::OutOfMemory
            | ErrorKind::PermissionDenied
    );
    is_local_kind || error.raw_os_error().is_some_and(|number| OUT_OF_FILES.contains(&number))
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    successors(error.source(), |&cause| cause.source())
}

/// An I/O error and those nested in it. The HTTP client wraps I/O errors in one another in a way that `source()` does not show.
fn nested(error: &io::Error) -> impl Iterator<Item = &io::Error> {
    successors(Some(error), |error| error.get_ref()?.downcast_ref())
}

#[cfg(test)]
mod tests {
    use domain::webhooks::address::AddressGuard;

    use super::*;

    fn receivers_reason(failure: &Failure) -> Option<FailureReason> {
        match failure {
            Failure::Receiver(reason) => Some(*reason),
            Failure::Own(_) | Failure::Undetermined(_) => None,
        }
    }

    fn reason(error: &io::Error, is_connecting: bool, has_only_v6: bool) -> Option<FailureReason> {
        receivers_reason(&of_io_error(error, is_connecting, has_only_v6)?)
    }

    #[test]
    fn a_failure_of_this_system_is_our_own_fault() {
        let numbers = [23, 24].map(io::Error::from_raw_os_error);
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::NetworkDown, ErrorKind::AddrNotAvailable];
        for error in numbers.into_iter().chain(kinds.map(Into::into)) {
            let failure = of_io_error(&error, true, false);
            assert!(matches!(failure, Some(Failure::Own(OwnFault::LocalSystem(_)))), "{error:?}");
        }
    }

    #[test]
    fn a_host_without_an_address_is_the_receivers_fault() {
        assert_eq!(receivers_reason(&of_resolve_error(&ResolveError::NoAddress)), Some(FailureReason::Dns));
        let blocked = AddressGuard::default().check_address("a.example", "10.0.0.1".parse().unwrap()).unwrap_err();
        let failure = of_resolve_error(&ResolveError::Blocked(blocked));
        assert_eq!(receivers_reason(&failure), Some(FailureReason::BlockedAddress));
    }

    #[test]
    fn a_name_server_that_cannot_be_reached_is_our_own_fault_and_a_silent_one_is_undetermined() {
        let unreachable = of_resolve_error(&ResolveError::Unreachable(NetError::Busy));
        assert!(matches!(unreachable, Failure::Own(OwnFault::NameServer(_))), "{unreachable:?}");
        let unconfigured = of_resolve_error(&ResolveError::Configuration(NetError::NoConnections));
        assert!(matches!(unconfigured, Failure::Own(OwnFault::DnsConfiguration(_))), "{unconfigured:?}");
        let silent = of_resolve_error(&ResolveError::NoAnswer);
        assert!(matches!(silent, Failure::Undetermined(FailureReason::Dns)), "{silent:?}");
    }

    #[test]
    fn an_ipv6_only_host_that_we_cannot_route_to_has_no_usable_address() {
        let unreachable = ErrorKind::NetworkUnreachable.into();
        assert_eq!(reason(&unreachable, true, true), Some(FailureReason::Dns));
    }

    #[test]
    fn a_connection_lost_while_connecting_is_a_tls_failure() {
        let reset = io::Error::other(io::Error::from(ErrorKind::ConnectionReset));
        let reasons: Vec<_> = nested(&reset).map(|error| reason(error, true, false)).collect();
        assert_eq!(reasons, [None, Some(FailureReason::Tls)]);
        assert_eq!(reason(&ErrorKind::ConnectionReset.into(), false, false), None);
    }
}

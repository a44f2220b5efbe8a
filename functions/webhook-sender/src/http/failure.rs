//! Why a request got no response, and whose fault that is. A failure of the receiver counts as an attempt. A fault on our side
//! never does.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use domain::webhooks::attempt::FailureReason;
use hickory_resolver::net::NetError;
use rustls::CertificateError;
use thiserror::Error;

use crate::http::client_auth::ClientAuth;
use crate::http::resolver::ResolveError;
use crate::http::tls;
use crate::http::trace::Phase;

/// hyper's error message for a response head that is too large. hyper offers clients no method to recognise this error, so its
/// message has to be compared; a test fails if hyper changes it.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// hyper's error message for bytes that arrive before the request is sent. It has no method to recognise this error either.
const UNEXPECTED_MESSAGE: &str = "received unexpected message from connection";

/// Why a request got no response.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error("URL cannot be requested")]
    Url,
    #[error("no socket became free in time")]
    NoSocket,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("receiver cannot be connected to")]
    Connect {
        #[source]
        error: io::Error,
        is_v6: bool,
    },
    #[error("TLS handshake failed")]
    Tls {
        #[source]
        error: io::Error,
        client_auth: ClientAuth,
    },
    /// The receiver demands a client certificate or rejected it, as the reason says.
    #[error("receiver ended the connection because of the client certificate")]
    ClientCertificate(FailureReason),
    #[error("connection failed")]
    Http(#[source] hyper::Error),
    #[error("request took too long")]
    TimedOut,
}

/// A fault on our side that prevented an attempt. It is never held against the endpoint.
#[derive(Debug, Clone, Error)]
pub(crate) enum OwnFault {
    #[error("system configures no usable name server")]
    DnsConfiguration(#[source] NetError),
    #[error("name server cannot be reached")]
    NameServer(#[source] NetError),
    /// It is down, or overloaded: in a VPC, it drops queries above 1,024 a second of each network interface.
    #[error("name server leaves queries without an answer")]
    SilentNameServer,
    #[error("connection could not be started on this system")]
    LocalSystem(#[source] Arc<io::Error>),
    #[error("all sockets are in use")]
    NoSocket,
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
    /// There was no answer in time, from the receiver or about its name: the receiver's fault, with this reason, if our own
    /// network works, and ours if not.
    Undetermined(FailureReason),
}

/// Returns why a request failed in `phase`, and whose fault that is.
pub(crate) fn of(error: &RequestError, phase: Phase) -> Failure {
    match error {
        // The URL was accepted when it was saved, but cannot be written into a request or a TLS handshake.
        RequestError::Url => Failure::Receiver(FailureReason::BlockedAddress),
        RequestError::NoSocket => Failure::Own(OwnFault::NoSocket),
        RequestError::Resolve(error) => of_resolve_error(error),
        RequestError::Connect { error, is_v6 } => of_connect_error(error, *is_v6),
        RequestError::Tls { error, client_auth } => {
            own_fault(error).map_or_else(|| Failure::Receiver(tls_reason(error, *client_auth)), Failure::Own)
        }
        RequestError::ClientCertificate(reason) => Failure::Receiver(*reason),
        RequestError::Http(error) => of_http_error(error),
        RequestError::TimedOut => Failure::Undetermined(match phase {
            // The resolver's own timeout is shorter, so this happens only if a second request started late.
            Phase::Resolving => FailureReason::Dns,
            Phase::Connecting => FailureReason::ConnectTimeout,
            Phase::Answering => FailureReason::Timeout,
        }),
    }
}

/// Whether a request failed because its connection was closed. The HTTP client does not report whether part of the response
/// head had arrived, so a receiver that dies while it sends the head counts as one that sent nothing.
pub(crate) fn is_dead_connection(error: &hyper::Error) -> bool {
    let is_lost = io_cause(error).is_some_and(|error| is_connection_loss(error.kind()));
    is_lost || error.is_incomplete_message() || error.is_canceled() || error.is_closed()
}

fn of_resolve_error(error: &ResolveError) -> Failure {
    match error {
        ResolveError::NoAddress => Failure::Receiver(FailureReason::Dns),
        // Either our name server is at fault or those of the host's domain are; the response does not tell which.
        ResolveError::NoAnswer => Failure::Undetermined(FailureReason::Dns),
        ResolveError::Blocked(_) => Failure::Receiver(FailureReason::BlockedAddress),
        ResolveError::Configuration(error) => Failure::Own(OwnFault::DnsConfiguration(error.clone())),
        ResolveError::Unreachable(error) => Failure::Own(OwnFault::NameServer(error.clone())),
    }
}

fn of_connect_error(error: &io::Error, is_v6: bool) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut => Failure::Undetermined(FailureReason::ConnectTimeout),
        ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable => Failure::Receiver(FailureReason::Refused),
        // Webhooks are sent from an IPv4 address, so a host with only IPv6 addresses may have no usable address.
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable if is_v6 => Failure::Receiver(FailureReason::Dns),
        _ => own_fault(error).map_or(Failure::Receiver(FailureReason::ConnectionLost), Failure::Own),
    }
}

fn of_http_error(error: &hyper::Error) -> Failure {
    if let Some(fault) = io_cause(error).and_then(own_fault) {
        return Failure::Own(fault);
    }
    Failure::Receiver(match error.to_string().as_str() {
        _ if tls_error(error).is_some() => FailureReason::Tls,
        HEAD_TOO_LARGE => FailureReason::TooLarge,
        UNEXPECTED_MESSAGE => FailureReason::InvalidResponse,
        _ if error.is_parse() => FailureReason::InvalidResponse,
        _ => FailureReason::ConnectionLost,
    })
}

/// Why a TLS handshake failed. Failures of a certificate have their own reasons, because each is repaired in another way.
fn tls_reason(error: &io::Error, client_auth: ClientAuth) -> FailureReason {
    let Some(error) = tls_cause(error) else { return FailureReason::Tls };
    let rustls::Error::InvalidCertificate(problem) = error else {
        return client_auth.reason(error).unwrap_or(FailureReason::Tls);
    };
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => FailureReason::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            FailureReason::CertificateNotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            FailureReason::CertificateWrongHost
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => FailureReason::CertificateUnknownIssuer,
        CertificateError::Other(other) if tls::is_self_signed(other) => FailureReason::CertificateSelfSigned,
        _ => FailureReason::Tls,
    }
}

/// The fault if the cause lies in this system.
fn own_fault(error: &io::Error) -> Option<OwnFault> {
    let copy = || error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
    is_local(error).then(|| OwnFault::LocalSystem(Arc::new(copy())))
}

/// The TLS error that ended a connection, if one did.
pub(super) fn tls_error(error: &hyper::Error) -> Option<&rustls::Error> {
    io_cause(error).and_then(tls_cause)
}

fn tls_cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
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

    #[test]
    fn a_failure_of_this_system_is_our_own_fault() {
        let numbers = [23, 24].map(io::Error::from_raw_os_error);
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::NetworkDown, ErrorKind::AddrNotAvailable];
        for error in numbers.into_iter().chain(kinds.map(Into::into)) {
            let failure = of_connect_error(&error, false);
            assert!(matches!(failure, Failure::Own(OwnFault::LocalSystem(_))), "{error:?}");
        }
    }

    #[test]
    fn a_missing_socket_is_our_own_fault() {
        let failure = of(&RequestError::NoSocket, Phase::Answering);
        assert!(matches!(failure, Failure::Own(OwnFault::NoSocket)), "{failure:?}");
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
    fn a_timeout_is_undetermined_in_every_phase() {
        for (phase, expected) in [
            (Phase::Resolving, FailureReason::Dns),
            (Phase::Connecting, FailureReason::ConnectTimeout),
            (Phase::Answering, FailureReason::Timeout),
        ] {
            let failure = of(&RequestError::TimedOut, phase);
            assert!(matches!(failure, Failure::Undetermined(reason) if reason == expected), "{failure:?}");
        }
        // The system reports its own timeout like this.
        let failure = of_connect_error(&ErrorKind::TimedOut.into(), false);
        assert!(matches!(failure, Failure::Undetermined(FailureReason::ConnectTimeout)), "{failure:?}");
    }

    #[test]
    fn an_ipv6_only_host_that_we_cannot_route_to_has_no_usable_address() {
        let unreachable = of_connect_error(&ErrorKind::NetworkUnreachable.into(), true);
        assert_eq!(receivers_reason(&unreachable), Some(FailureReason::Dns));
    }

    #[test]
    fn a_connection_lost_in_the_tls_handshake_is_a_tls_failure() {
        let client_auth = ClientAuth { was_asked: true, has_certificate: true };
        let error = RequestError::Tls { error: ErrorKind::ConnectionReset.into(), client_auth };
        let lost = of(&error, Phase::Connecting);
        assert_eq!(receivers_reason(&lost), Some(FailureReason::Tls));
    }
}

//! Why a request got no answer, and whose fault that is: the receiver's, which counts, or ours, which never does.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter::successors;
use std::sync::Arc;

use hickory_resolver::net::NetError;
use shared::delivery::FailureReason;
use thiserror::Error;

use crate::connect::Trace;
use crate::resolver::ResolveError;

/// What hyper says of an answer's head that is too large. No error is to be known by its text, but hyper lets only servers
/// ask for this one; a test holds it to what it says.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// Something on our side that kept an attempt from being made. It is never held against the endpoint.
#[derive(Debug, Clone, Error)]
pub(crate) enum OwnFault {
    #[error("system names no usable name server")]
    Configuration(#[source] NetError),
    #[error("name server does not answer")]
    NameServer(#[source] NetError),
    #[error("connection cannot be begun from here")]
    Local(#[source] Arc<io::Error>),
    #[error("nothing on the internet can be reached at the moment")]
    Egress,
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Receivers(FailureReason),
    Ours(OwnFault),
    /// Nobody answered in time: the receiver's failure if our way out works, and ours if not.
    Silence(FailureReason),
}

/// Finds out why a request failed, or the reading of its answer.
pub(crate) fn of(error: &reqwest::Error, trace: &Trace) -> Failure {
    let known = causes(error).find_map(|cause| {
        if let Some(resolving) = cause.downcast_ref::<ResolveError>() {
            return Some(of_resolving(resolving));
        }
        if let Some(error_of_io) = cause.downcast_ref::<io::Error>() {
            return packed(error_of_io).find_map(|io| of_io(io, error.is_connect(), trace.has_only_v6()));
        }
        (cause.to_string() == HEAD_TOO_LARGE).then_some(Failure::Receivers(FailureReason::TooLarge))
    });
    known.unwrap_or_else(|| of_unexplained(error, trace))
}

/// Whether a request failed because its connection was no more. The HTTP client does not tell whether a first part of an
/// answer had come; a receiver that dies in the middle of an answer's head is taken for one that gave none.
pub(crate) fn is_dead_connection(error: &reqwest::Error) -> bool {
    let is_lost = |io: &io::Error| is_loss(io.kind());
    causes(error).any(|cause| match cause.downcast_ref::<io::Error>() {
        Some(error_of_io) => packed(error_of_io).any(is_lost),
        None => cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message),
    })
}

fn of_unexplained(error: &reqwest::Error, trace: &Trace) -> Failure {
    match (error.is_timeout(), error.is_connect()) {
        // The resolver gives up long before, unless a second try began late.
        (true, _) if trace.is_resolving() => Failure::Silence(FailureReason::Dns),
        (true, true) => Failure::Silence(FailureReason::ConnectTimeout),
        (true, false) => Failure::Silence(FailureReason::Timeout),
        // A URL that the HTTP client cannot write into a request.
        (false, _) if error.is_builder() => Failure::Receivers(FailureReason::BlockedAddress),
        (false, _) => Failure::Receivers(FailureReason::ConnectionLost),
    }
}

fn of_resolving(error: &ResolveError) -> Failure {
    match error {
        ResolveError::NoAddress => Failure::Receivers(FailureReason::Dns),
        ResolveError::NoAnswer => Failure::Silence(FailureReason::Dns),
        ResolveError::Blocked(_) => Failure::Receivers(FailureReason::BlockedAddress),
        ResolveError::Ours(fault) => Failure::Ours(fault.clone()),
    }
}

fn of_io(error: &io::Error, is_connecting: bool, has_only_v6: bool) -> Option<Failure> {
    let is_of_tls = matches!(error.get_ref(), Some(inner) if inner.is::<rustls::Error>());
    let reason = match error.kind() {
        _ if is_of_tls => FailureReason::Tls,
        ErrorKind::ConnectionRefused => FailureReason::Refused,
        ErrorKind::HostUnreachable if is_connecting => FailureReason::Refused,
        // A connection that is not to be is refused, so one that breaks while connecting broke in the TLS handshake.
        kind if is_connecting && is_loss(kind) => FailureReason::Tls,
        // Webhooks leave from an IPv4 address. What has no other address than IPv6 ones may have none for us.
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable if has_only_v6 => FailureReason::Dns,
        _ if is_local(error) => {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            return Some(Failure::Ours(OwnFault::Local(Arc::new(copy))));
        }
        _ => return None,
    };
    Some(Failure::Receivers(reason))
}

/// Whether the connection was there and is no more.
fn is_loss(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof
    )
}

/// Whether this system could not do its part.
fn is_local(error: &io::Error) -> bool {
    // Too many open files, in the system or this process; there is no stable kind for either. The numbers are Linux's.
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

/// An I/O error and those packed into it: the HTTP client packs one into another, and then neither is the other's source.
fn packed(error: &io::Error) -> impl Iterator<Item = &io::Error> {
    successors(Some(error), |error| error.get_ref()?.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(error: &io::Error, is_connecting: bool, has_only_v6: bool) -> Option<FailureReason> {
        match of_io(error, is_connecting, has_only_v6) {
            Some(Failure::Receivers(reason)) => Some(reason),
            Some(Failure::Ours(_) | Failure::Silence(_)) | None => None,
        }
    }

    #[test]
    fn what_this_system_cannot_do_is_our_own_fault() {
        let numbers = [23, 24].map(io::Error::from_raw_os_error);
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::NetworkDown, ErrorKind::AddrNotAvailable];
        for error in numbers.into_iter().chain(kinds.map(Into::into)) {
            assert!(matches!(of_io(&error, true, false), Some(Failure::Ours(OwnFault::Local(_)))), "{error:?}");
        }
    }

    #[test]
    fn a_host_that_we_have_no_way_to_has_no_address_for_us() {
        let unreachable = ErrorKind::NetworkUnreachable.into();
        assert_eq!(reason(&unreachable, true, true), Some(FailureReason::Dns));
    }

    #[test]
    fn a_connection_that_breaks_before_it_stands_broke_in_the_handshake() {
        let reset = io::Error::other(io::Error::from(ErrorKind::ConnectionReset));
        let reasons: Vec<_> = packed(&reset).map(|error| reason(error, true, false)).collect();
        assert_eq!(reasons, [None, Some(FailureReason::Tls)]);
        assert_eq!(reason(&ErrorKind::ConnectionReset.into(), false, false), None);
    }
}

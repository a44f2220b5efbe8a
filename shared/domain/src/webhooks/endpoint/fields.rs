//! Readers for the fields that requests to create and to change an endpoint share.

use std::collections::BTreeSet;

use super::{EndpointUrl, HeaderName, HeaderValue};
use crate::foundation::draft::{Draft, pointer};
use crate::webhooks::address::AddressGuard;
use crate::webhooks::event::EventType;
use crate::webhooks::signature::{SignatureScheme, SignatureSchemes, SigningSecret};

pub(super) const MAX_HEADERS: usize = 20;

/// Maximum size of all static headers of a request, in bytes of their names and values. Many servers reject a request whose
/// headers exceed 8 KiB.
pub(super) const MAX_HEADER_BYTES: usize = 7 * 1024;

/// Refuses static headers that are too large together.
pub(super) fn check_header_bytes<'a>(
    draft: &mut Draft,
    headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) {
    let bytes: usize = headers.map(|(name, value)| name.to_http().as_str().len() + value.expose().len()).sum();
    if bytes > MAX_HEADER_BYTES {
        draft.refuse::<()>(
            "/headers",
            &format!("must have at most {MAX_HEADER_BYTES} bytes in names and values together"),
        );
    }
}

pub(super) const AUTHORIZATION_TWICE: &str = "cannot be combined with the header authorization";

/// Whether this is the header that carries access tokens.
pub(super) fn is_authorization(name: &HeaderName) -> bool {
    name.to_http() == http::header::AUTHORIZATION
}

pub(super) const TOO_MANY_HEADERS: &str = "must have at most 20 members";

/// Reads the URL of a field.
pub(super) fn read_url(
    draft: &mut Draft,
    name: &str,
    url: Option<String>,
    guard: &AddressGuard,
) -> Option<EndpointUrl> {
    match EndpointUrl::parse(&url?, guard) {
        Ok(url) => Some(url),
        Err(error) => draft.refuse(pointer(&[name]), &error.to_string()),
    }
}

pub(super) fn take_event_types(draft: &mut Draft) -> Option<BTreeSet<EventType>> {
    let types: Vec<EventType> = draft.optional_list("eventTypes")?;
    if types.is_empty() {
        return draft.refuse("/eventTypes", "must name at least one event type; leave it out for all");
    }
    Some(types.into_iter().collect())
}

pub(super) fn take_signatures(draft: &mut Draft) -> Option<SignatureSchemes> {
    let schemes: Vec<SignatureScheme> = draft.optional_list("signatures")?;
    match SignatureSchemes::try_from(schemes) {
        Ok(schemes) => Some(schemes),
        Err(error) => draft.refuse("/signatures", &error.to_string()),
    }
}

/// Reads a signing secret that the customer brings along. The errors do not contain it.
pub(super) fn take_signing_secret(draft: &mut Draft) -> Option<SigningSecret> {
    draft.optional_secret("signingSecret")
}

//! Console links for the tests of this module.

use super::{ConsoleLink, NewConsoleLink};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::{ConsoleSessionId, ProjectId};
use crate::foundation::key_ring::KeyRing;
use crate::foundation::random::SystemRandom;
use crate::foundation::time::Timestamp;

pub(super) const MINIMAL: &str = r#"{"user":{"id":"u1","name":"Ada"},"role":"viewer"}"#;

pub(super) fn now() -> Timestamp {
    "2026-11-22T08:30:00.123Z".parse().unwrap()
}

pub(super) fn ring(key: &str) -> KeyRing {
    KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, key.repeat(32))).unwrap()
}

pub(super) fn new(body: &str) -> Result<NewConsoleLink, BadFields> {
    Draft::parse(body.as_bytes()).unwrap().try_into()
}

pub(super) fn link(body: &str) -> ConsoleLink {
    let session = ConsoleSessionId::new(now(), &SystemRandom);
    new(body).unwrap().create(ProjectId::new(now(), &SystemRandom), 7, session, now())
}

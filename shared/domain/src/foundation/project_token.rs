//! Tokens in links and cookies: values that only this deployment can create and read, each bound to a project.
//!
//! A token is `<project id>.<sealed content>`. The project id is not encrypted, because the content is bound to it and can only be
//! opened with it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::foundation::id::ProjectId;
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::random::Random;

/// Seals `content` into a token. It is URL-safe and different on each call.
pub fn seal(ring: &KeyRing, kind: SealedKind, project: ProjectId, content: &[u8], random: &dyn Random) -> String {
    let sealed = ring.seal(kind, project, content, random);
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(project.as_bytes()), sealed.as_str())
}

/// Returns the sealed part of `token`, if it has one.
pub fn sealed_in(token: &str) -> Option<Sealed> {
    token.split_once('.').map(|(_, sealed)| Sealed::from_text(sealed))
}

/// Opens a token of this kind. Returns its project and its content.
pub fn open(ring: &KeyRing, kind: SealedKind, token: &str) -> Result<(ProjectId, Vec<u8>), CannotOpen> {
    let (project, sealed) = token.split_once('.').ok_or(CannotOpen)?;
    let project = read_project(project).ok_or(CannotOpen)?;
    Ok((project, ring.open(kind, project, &Sealed::from_text(sealed))?))
}

fn read_project(encoded: &str) -> Option<ProjectId> {
    let bytes: [u8; 16] = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok()?;
    Uuid::from_bytes(bytes).to_string().parse().ok()
}

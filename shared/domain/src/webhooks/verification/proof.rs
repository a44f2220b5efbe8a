//! The secret that made a signature of a captured webhook, and the body that it signed.

use subtle::ConstantTimeEq;

use super::body::{self, Candidate};
use super::finding::Finding;
use super::known::{Known, KnownSecret};
use super::signatures::Signature;
use crate::webhooks::signature::{SignatureScheme, mac, signed_content};

/// What explains a signature.
pub(super) struct Proof<'a> {
    pub(super) signer: Signer<'a>,
    /// The body that was sent.
    pub(super) body: String,
    /// How the pasted body differs from it.
    pub(super) changes: Vec<Finding>,
}

/// What made a signature.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    Secret(&'a KnownSecret),
    KeyPair,
}

/// Searches for the body and the secret that explain one of `signatures`, with the fewest changes of the pasted body.
pub(super) fn find<'a>(
    known: &'a Known,
    signatures: &[Signature],
    id: &str,
    seconds: i64,
    pasted: &str,
) -> Option<Proof<'a>> {
    let signer_of = |body: &str| known.signer(signatures, &signed_content(id, seconds, body.as_bytes()));
    let prove = |Candidate { body, changes }: Candidate| Some(Proof { signer: signer_of(&body)?, body, changes });
    let unchanged = Candidate { body: pasted.to_owned(), changes: Vec::new() };
    let originals = known.originals.iter().filter_map(|original| {
        let body = original.sent.clone()?;
        let signer = signer_of(&body)?;
        Some(Proof { signer, body, changes: body::differences(pasted, original)? })
    });
    let repaired = || body::candidates(pasted).into_iter().chain(body::reserialized(pasted)).find_map(prove);
    prove(unchanged).or_else(|| originals.into_iter().next()).or_else(repaired)
}

impl Known {
    /// What made one of `signatures` over `content`.
    fn signer(&self, signatures: &[Signature], content: &[u8]) -> Option<Signer<'_>> {
        let of = |scheme| signatures.iter().filter(move |signature| signature.scheme == scheme);
        let signs = |known: &&KnownSecret| {
            let expected = mac(known.secret.key(), content);
            of(SignatureScheme::V1).any(|signature| signature.bytes.ct_eq(&expected).into())
        };
        let verifies = || {
            let mut pairs = self.public_keys.iter().flat_map(|key| of(SignatureScheme::V1a).map(move |one| (key, one)));
            pairs.any(|(key, signature)| key.verifies(content, &signature.bytes))
        };
        let secret = self.secrets.iter().find(signs).map(Signer::Secret);
        secret.or_else(|| verifies().then_some(Signer::KeyPair))
    }
}

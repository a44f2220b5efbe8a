//! The secret that made a signature of a captured webhook, and the body that it signed.

use subtle::ConstantTimeEq;

use super::body::{self, Candidate};
use super::finding::Finding;
use super::known::{Known, KnownSecret, Signer};
use super::signatures::Signature;
use crate::webhooks::signature::{SignatureScheme, mac, signed_content};

/// What explains a signature.
pub(super) struct Proof {
    /// What made a signature of the body, at least one.
    pub(super) signers: Vec<Signer>,
    /// The body that was sent.
    pub(super) body: String,
    /// How the pasted body differs from it.
    pub(super) changes: Vec<Finding>,
}

impl Proof {
    /// The secret that made a signature of the body, if one did.
    pub(super) fn secret<'a>(&self, known: &'a Known) -> Option<&'a KnownSecret> {
        self.signers.iter().find_map(|signer| match *signer {
            Signer::Secret(index) => known.secrets.get(index),
            Signer::KeyPair(_) => None,
        })
    }
}

/// Searches for the body and the secret that explain one of `signatures`, with the fewest changes of the pasted body.
pub(super) fn find(known: &Known, signatures: &[Signature], id: &str, seconds: i64, pasted: &str) -> Option<Proof> {
    let prove = |Candidate { body, changes }: Candidate| {
        let signers = known.signers(signatures, &signed_content(id, seconds, body.as_bytes()));
        (!signers.is_empty()).then_some(Proof { signers, body, changes })
    };
    let unchanged = Candidate { body: pasted.to_owned(), changes: Vec::new() };
    let originals = known.originals.iter().filter_map(|original| {
        let body = original.sent.clone()?;
        let proof = prove(Candidate { body, changes: Vec::new() })?;
        Some(Proof { changes: body::differences(pasted, original)?, ..proof })
    });
    let repaired = || body::candidates(pasted).into_iter().chain(body::reserialized(pasted)).find_map(prove);
    prove(unchanged).or_else(|| originals.into_iter().next()).or_else(repaired)
}

impl Known {
    /// All that made one of `signatures` over `content`, secrets first.
    fn signers(&self, signatures: &[Signature], content: &[u8]) -> Vec<Signer> {
        let of = |scheme| signatures.iter().filter(move |signature| signature.scheme == scheme);
        let signs = |known: &KnownSecret| {
            let expected = mac(known.secret.key(), content);
            of(SignatureScheme::V1).any(|signature| signature.bytes.ct_eq(&expected).into())
        };
        let secrets = self.secrets.iter().enumerate().filter(|(_, known)| signs(known));
        let keys = self.public_keys.iter().enumerate();
        let keys = keys.filter(|(_, key)| of(SignatureScheme::V1a).any(|one| key.verifies(content, &one.bytes)));
        let secrets = secrets.map(|(index, _)| Signer::Secret(index));
        secrets.chain(keys.map(|(index, _)| Signer::KeyPair(index))).collect()
    }
}

//! The signatures of a captured webhook.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::finding::Finding;
use crate::webhooks::signature::SignatureScheme;

/// Maximum number of signatures that are read. The sender makes one for each secret that signs and one with the key pair.
const MAX_SIGNATURES: usize = 10;

/// A signature of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) scheme: SignatureScheme,
    pub(super) bytes: Vec<u8>,
}

/// Reads `webhook-signature`. Signatures of unknown schemes are skipped, as receivers do, and so are those after the
/// first [`MAX_SIGNATURES`]. Adds what is wrong to `findings`.
pub(super) fn parse(header: &str, findings: &mut Vec<Finding>) -> Vec<Signature> {
    let entries = header.split_whitespace().take(MAX_SIGNATURES);
    let entries: Vec<Entry> = entries.map(|entry| Entry::parse(entry.trim_matches(','))).collect();
    let is_malformed = entries.contains(&Entry::Malformed) || entries.iter().all(|entry| *entry == Entry::OtherScheme);
    let signatures: Vec<Signature> = entries.into_iter().filter_map(Entry::signature).collect();
    if is_malformed {
        findings.push(Finding::SignatureMalformed);
    }
    if !signatures.is_empty() && signatures.iter().all(|signature| signature.scheme == SignatureScheme::V1a) {
        findings.push(Finding::OnlyAsymmetric);
    }
    if signatures.len() > 1 {
        findings.push(Finding::SeveralSignatures { count: signatures.len() });
    }
    signatures
}

/// A part of the header between spaces.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Signature(Signature),
    OtherScheme,
    Malformed,
}

impl Entry {
    /// Reads `v1,<base64>`.
    fn parse(entry: &str) -> Self {
        let Some((scheme, encoded)) = entry.split_once(',') else { return Self::Malformed };
        let scheme: SignatureScheme = match scheme.parse() {
            Ok(scheme) => scheme,
            Err(_) if scheme.starts_with('v') => return Self::OtherScheme,
            Err(_) => return Self::Malformed,
        };
        let length = match scheme {
            SignatureScheme::V1 => 32,
            SignatureScheme::V1a => 64,
        };
        match BASE64_STANDARD.decode(encoded) {
            Ok(bytes) if bytes.len() == length => Self::Signature(Signature { scheme, bytes }),
            Ok(_) | Err(_) => Self::Malformed,
        }
    }

    fn signature(self) -> Option<Signature> {
        match self {
            Self::Signature(signature) => Some(signature),
            Self::OtherScheme | Self::Malformed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const V1A: &str = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    fn read(header: &str) -> (usize, Vec<Finding>) {
        let mut findings = Vec::new();
        (parse(header, &mut findings).len(), findings)
    }

    #[test]
    fn signatures_of_known_schemes_are_read_and_others_skipped() {
        assert_eq!(read(V1), (1, Vec::new()));
        assert_eq!(read(&format!("v2,x {V1}")), (1, Vec::new()));
        assert_eq!(read(&format!("{V1}, {V1A}")), (2, vec![Finding::SeveralSignatures { count: 2 }]));
        assert_eq!(read(V1A), (1, vec![Finding::OnlyAsymmetric]));
    }

    #[test]
    fn only_the_first_ten_signatures_are_read() {
        let header = vec![V1; 1000].join(" ");
        assert_eq!(read(&header), (10, vec![Finding::SeveralSignatures { count: 10 }]));
    }

    #[test]
    fn a_signature_that_is_cut_off_or_has_no_scheme_is_malformed() {
        for header in ["", "v1,", &V1[..20], &V1[3..], "sha256=00", "v2,x"] {
            assert_eq!(read(header), (0, vec![Finding::SignatureMalformed]), "{header}");
        }
        assert_eq!(
            read(&format!("{V1} v1,x")),
            (1, vec![Finding::SignatureMalformed]),
            "the other signature is still used"
        );
    }
}

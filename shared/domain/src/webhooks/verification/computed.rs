//! The mistakes that explain the signature that a receiver's code computed.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq;

use super::finding::{ComputedFrom, Finding, KeyMistake, SignedContent};
use super::json::Json;
use super::known::{Known, KnownSecret, SecretOwner};
use super::proof::Proof;
use super::signatures::Signature;
use super::style::STYLES;
use crate::webhooks::signature::{SignatureScheme, SigningSecret, mac, signed_content};

/// Bodies above this size are not written in all styles, because each costs a hash for each secret.
const MAX_STYLED_BYTES: usize = 64 * 1024;

/// Base64 as lenient decoders read it: with or without padding, and with bits that do not fill a byte.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the captured webhook's signature is about.
pub(super) struct Webhook<'a> {
    pub(super) known: &'a Known,
    pub(super) signatures: &'a [Signature],
    pub(super) id: &'a str,
    pub(super) seconds: i64,
    pub(super) pasted: &'a str,
    pub(super) proof: Option<&'a Proof>,
}

/// A computed signature.
struct Computed {
    bytes: Vec<u8>,
    is_hex: bool,
}

impl Webhook<'_> {
    /// Explains the signature that a receiver's code computed.
    pub(super) fn explain(&self, computed: &str) -> Vec<Finding> {
        let Some(computed) = Computed::parse(computed) else { return vec![Finding::ComputedMalformed] };
        let mut mistakes = if self.has(&computed) { Vec::new() } else { self.mistakes(&computed) };
        if computed.is_hex {
            mistakes.push(Finding::ComputedHex);
        } else if self.has(&computed) {
            mistakes.push(Finding::ComputedMatches);
        }
        mistakes
    }

    /// Whether the header has the computed signature.
    fn has(&self, computed: &Computed) -> bool {
        let of_v1 = self.signatures.iter().filter(|signature| signature.scheme == SignatureScheme::V1);
        of_v1.into_iter().any(|signature| computed.is(&signature.bytes))
    }

    /// The mistakes with which the code computes this signature: at most one with the body and one other.
    fn mistakes(&self, computed: &Computed) -> Vec<Finding> {
        let explained = self.bodies().into_iter().find_map(|(body, from)| {
            let mistakes = match self.secret_used(computed, &body) {
                Some(used) => self.wrong_secret(used).into_iter().collect(),
                None => vec![self.mistake_of_code(computed, &body)?],
            };
            Some(from.map(|from| Finding::ComputedBody { from }).into_iter().chain(mistakes).collect())
        });
        explained.unwrap_or_else(|| vec![Finding::ComputedUnknown])
    }

    /// The bodies that the code may have signed, and how they differ from the one that was sent.
    fn bodies(&self) -> Vec<(Vec<u8>, Option<ComputedFrom>)> {
        let stored = self.known.originals.iter().find_map(|original| original.sent.as_deref());
        let sent = self.proof.map(|proof| proof.body.as_str()).or(stored).unwrap_or(self.pasted);
        let mut bodies = vec![(sent.to_owned(), None)];
        if sent != self.pasted {
            bodies.push((self.pasted.to_owned(), Some(ComputedFrom::Pasted)));
        }
        bodies.push((String::new(), Some(ComputedFrom::Empty)));
        let padded =
            [format!("{sent}\n"), format!("{sent}\r\n"), format!("\u{feff}{sent}"), sent.replace('\n', "\r\n")];
        bodies.extend(padded.map(|body| (body, Some(ComputedFrom::Padded))));
        if sent.len() <= MAX_STYLED_BYTES {
            let styled = Json::parse(sent).map(|json| STYLES.map(|style| json.write(style))).into_iter().flatten();
            bodies.extend(styled.map(|body| (body, Some(ComputedFrom::Reserialized))));
        }
        let mut bodies: Vec<_> = bodies.into_iter().map(|(body, from)| (body.into_bytes(), from)).collect();
        if !sent.is_ascii() {
            let encodings = [as_latin_1(sent), sent.bytes().map(char::from).collect::<String>().into_bytes()];
            bodies.extend(encodings.map(|body| (body, Some(ComputedFrom::Encoding))));
        }
        bodies
    }

    /// The secret with which the code made the signature of `body`, if it made no other mistake.
    fn secret_used(&self, computed: &Computed, body: &[u8]) -> Option<&KnownSecret> {
        let content = signed_content(self.id, self.seconds, body);
        self.known.secrets.iter().find(|known| computed.is(&mac(known.secret.key(), &content)))
    }

    /// The mistake of using this secret. `None` if it is the one that signed the webhook.
    fn wrong_secret(&self, used: &KnownSecret) -> Option<Finding> {
        let is_signer = match self.proof.and_then(|proof| proof.secret(self.known)) {
            Some(signer) => signer.owner == used.owner,
            None => used.owner == SecretOwner::Current,
        };
        (!is_signer).then_some(match used.owner {
            SecretOwner::Current => Finding::ComputedCurrentSecret,
            SecretOwner::Previous { .. } => Finding::ComputedPreviousSecret,
            SecretOwner::OtherEndpoint(endpoint_id) => Finding::ComputedOtherSecret { endpoint_id },
        })
    }

    /// The mistake with the content or with the form of the secret.
    fn mistake_of_code(&self, computed: &Computed, body: &[u8]) -> Option<Finding> {
        let content = signed_content(self.id, self.seconds, body);
        let own = |known: &&KnownSecret| !matches!(known.owner, SecretOwner::OtherEndpoint(_));
        self.known.secrets.iter().filter(own).find_map(|known| {
            let is_content = |other: &SignedContent| {
                computed.is(&mac(known.secret.key(), &other.bytes(self.id, self.seconds, body)))
            };
            let is_key =
                |mistake: &KeyMistake| mistake.key(&known.secret).is_some_and(|key| computed.is(&mac(&key, &content)));
            let other = SignedContent::ALL.into_iter().find(is_content);
            other
                .map(|content| Finding::ComputedContent { content })
                .or_else(|| KeyMistake::ALL.into_iter().find(is_key).map(|mistake| Finding::ComputedKey { mistake }))
        })
    }
}

impl Computed {
    /// Reads base64 or hexadecimal digits, also with a version or an algorithm in front.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['"', '\'']);
        let text = ["v1,", "v1=", "sha256="].into_iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = if is_hex {
            let digits = (0..32).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16));
            digits.collect::<Result<Vec<u8>, _>>().ok()?
        } else {
            LENIENT.decode(text.replace('-', "+").replace('_', "/")).ok()?
        };
        (bytes.len() == 32).then_some(Self { bytes, is_hex })
    }

    fn is(&self, expected: &[u8]) -> bool {
        self.bytes.ct_eq(expected).into()
    }
}

impl SignedContent {
    fn bytes(self, id: &str, seconds: i64, body: &[u8]) -> Vec<u8> {
        let before = match self {
            Self::Body => String::new(),
            Self::TimestampAndBody => format!("{seconds}."),
            Self::TimestampFirst => format!("{seconds}.{id}."),
        };
        [before.as_bytes(), body].concat()
    }
}

impl KeyMistake {
    /// The key that the mistake makes of a secret.
    fn key(self, secret: &SigningSecret) -> Option<Vec<u8>> {
        match self {
            Self::TextWithPrefix => Some(secret.expose().into_bytes()),
            Self::TextWithoutPrefix => Some(BASE64_STANDARD.encode(secret.key()).into_bytes()),
            // The underscore is in the other alphabet of base64, which some decoders accept too.
            Self::DecodedWithPrefix => LENIENT.decode(secret.expose().replace('_', "/").trim_end_matches('=')).ok(),
        }
    }
}

/// The text in Latin-1, with `?` for other characters.
fn as_latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

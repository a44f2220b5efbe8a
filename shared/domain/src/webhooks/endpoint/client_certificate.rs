//! The client certificate of an endpoint, for receivers that demand mutual TLS (RFC 8446, section 4.3.2).

use std::fmt;
use std::time::Duration;

use rustls::InconsistentKeys;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::Decode as _;
use zeroize::ZeroizeOnDrop;

use crate::foundation::draft::Draft;
use crate::foundation::id::ProjectId;
use crate::foundation::key_ring::{CannotOpen, KeyRing, Sealed, SealedKind};
use crate::foundation::time::Timestamp;
use crate::projects::name::is_invisible;

/// Maximum length of the certificates and of the private key, in bytes of PEM.
const MAX_PEM_BYTES: usize = 16 * 1024;

/// Maximum number of certificates: one for the client, and those between it and its authority.
const MAX_CERTIFICATES: usize = 5;

/// Maximum number of characters of a subject that are kept.
const MAX_SUBJECT: usize = 1024;

/// Time before a certificate expires in which the endpoint has a warning.
const EXPIRY_NOTICE: Duration = Duration::from_hours(30 * 24);

/// The stored client certificate of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// The certificates in PEM, that of the client first.
    pub certificate: String,
    /// The private key in PEM, sealed.
    pub private_key: Sealed,
    /// What people recognise the certificate by.
    #[serde(flatten)]
    pub facts: CertificateFacts,
}

/// What people recognise a certificate by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ClientCertificate))]
#[serde(rename_all = "camelCase")]
pub struct CertificateFacts {
    /// Subject of the certificate, such as `CN=signpost`.
    pub subject: String,
    /// SHA-256 of the certificate (DER), in hexadecimal digits.
    pub sha256: String,
    /// When the certificate expires.
    pub expires_at: Timestamp,
}

/// A client certificate with its private key in the clear.
pub struct OpenedClientCertificate {
    /// The certificates, that of the client first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub private_key: PrivateKeyDer<'static>,
    /// SHA-256 of the certificate of the client, in hexadecimal digits.
    pub sha256: String,
}

/// A client certificate in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClientCertificate {
    certificate: String,
    private_key: PrivateKeyPem,
    facts: CertificateFacts,
}

/// A private key in PEM.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
struct PrivateKeyPem(String);

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem(…)")
    }
}

impl NewClientCertificate {
    /// Reads the object `clientCertificate` of a request. The errors contain nothing of the private key.
    pub(super) fn read(object: &mut Draft) -> Option<Self> {
        let certificate: Option<String> = object.required_secret("certificate");
        let private_key: Option<String> = object.required_secret("privateKey");
        let chain = certificate.as_deref().and_then(|pem| accept(object, "/certificate", read_chain(pem)));
        let key = private_key.as_deref().and_then(|pem| accept(object, "/privateKey", read_key(pem)));
        let (chain, key) = (chain?, key?);
        let facts = accept(object, "/certificate", CertificateFacts::of(&chain[0]))?;
        accept(object, "/privateKey", check_pair(chain, &key))?;
        Some(Self { certificate: certificate?, private_key: PrivateKeyPem(private_key?), facts })
    }

    /// Seals the private key with `seal`.
    pub(super) fn sealed(self, seal: impl FnOnce(&str) -> Sealed) -> ClientCertificate {
        let private_key = seal(&self.private_key.0);
        ClientCertificate { certificate: self.certificate, private_key, facts: self.facts }
    }
}

fn accept<T>(object: &mut Draft, pointer: &str, read: Result<T, &str>) -> Option<T> {
    read.map_or_else(|detail| object.refuse(pointer, detail), Some)
}

fn read_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    if pem.len() > MAX_PEM_BYTES {
        return Err("must have at most 16384 bytes");
    }
    // The certificates are stored in the clear, and files often contain the key below them.
    if pem.contains("PRIVATE KEY") {
        return Err("must not contain a private key");
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match chain {
        Err(_) => Err("must be certificates in PEM"),
        Ok(chain) if chain.is_empty() => Err("must be certificates in PEM, with the line -----BEGIN CERTIFICATE-----"),
        Ok(chain) if chain.len() > MAX_CERTIFICATES => Err("must have at most 5 certificates"),
        Ok(chain) => Ok(chain),
    }
}

fn read_key(pem: &str) -> Result<PrivateKeyDer<'static>, &'static str> {
    if pem.len() > MAX_PEM_BYTES {
        return Err("must have at most 16384 bytes");
    }
    if pem.contains("ENCRYPTED") {
        return Err("must not be encrypted with a password");
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "must be a private key in PEM (PKCS #8, PKCS #1 or SEC 1)")
}

/// Checks that the key can sign, and that it is the key of the first certificate.
fn check_pair(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'static>) -> Result<(), &'static str> {
    let key = any_supported_type(key)
        .map_err(|_| "must be a key for RSA with 2048 to 4096 bits, ECDSA with P-256 or P-384, or Ed25519")?;
    match CertifiedKey::new(chain, key).keys_match() {
        Ok(()) => Ok(()),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err("does not belong to the first certificate")
        }
        Err(_) => Err("cannot be compared with the first certificate"),
    }
}

impl CertificateFacts {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, &'static str> {
        const UNREADABLE: &str = "has a first certificate that cannot be read";
        let parsed = Certificate::from_der(certificate).map_err(|_| UNREADABLE)?;
        if parsed.tbs_certificate().version() != Version::V3 {
            return Err("must be an X.509 version 3 certificate");
        }
        let (subject, validity) = (parsed.tbs_certificate().subject(), parsed.tbs_certificate().validity());
        let expires_at =
            i64::try_from(validity.not_after.to_unix_duration().as_millis()).ok().and_then(Timestamp::from_millis);
        let sha256 = <[u8; 32]>::from(Sha256::digest(certificate)).map(|byte| format!("{byte:02x}")).concat();
        Ok(Self { subject: readable(&subject.to_string()), sha256, expires_at: expires_at.ok_or(UNREADABLE)? })
    }
}

/// The first 1,024 characters of a subject, without characters that are invisible or change the direction of text.
fn readable(subject: &str) -> String {
    let is_shown = |character: &char| *character == ' ' || !(character.is_control() || is_invisible(*character));
    subject.chars().filter(is_shown).take(MAX_SUBJECT).collect()
}

impl ClientCertificate {
    /// Opens the private key.
    pub fn open(&self, project: ProjectId, ring: &KeyRing) -> Result<OpenedClientCertificate, CannotOpen> {
        let key = ring.open(SealedKind::ClientKey, project, &self.private_key)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect();
        Ok(OpenedClientCertificate {
            chain: chain.map_err(|_| CannotOpen)?,
            private_key: PrivateKeyDer::from_pem_slice(&key).map_err(|_| CannotOpen)?,
            sha256: self.facts.sha256.clone(),
        })
    }

    /// Whether the certificate has expired at `now`, or expires within 30 days.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        self.facts.expires_at < now.plus(EXPIRY_NOTICE)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;
    use crate::foundation::draft::BadFields;
    use crate::foundation::random::SystemRandom;

    struct Client {
        certificate: String,
        key: String,
    }

    fn client() -> Client {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "signpost");
        params.not_after = rcgen::date_time_ymd(2030, 1, 2);
        Client { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    fn read(certificate: &str, key: &str) -> Result<NewClientCertificate, BadFields> {
        let fields = serde_json::json!({"certificate": certificate, "privateKey": key});
        let mut draft = Draft::of(fields.as_object().unwrap().clone());
        let read = NewClientCertificate::read(&mut draft);
        draft.check(|| read)
    }

    #[test]
    fn a_certificate_and_its_key_are_read_sealed_and_opened() {
        let client = client();
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let project = ProjectId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom);
        let new = read(&client.certificate, &client.key).unwrap();
        assert!(!format!("{new:?}").contains("PRIVATE"), "{new:?}");
        let stored = new.sealed(|key| ring.seal(SealedKind::ClientKey, project, key.as_bytes(), &SystemRandom));
        assert_eq!(stored.facts.expires_at, "2030-01-02T00:00:00Z".parse().unwrap());
        assert!(stored.facts.subject.contains("CN=signpost"), "{}", stored.facts.subject);
        let opened = stored.open(project, &ring).unwrap();
        assert_eq!((opened.chain.len(), opened.sha256.len()), (1, 64));
        assert_eq!(opened.private_key, PrivateKeyDer::from_pem_slice(client.key.as_bytes()).unwrap());
    }

    #[test]
    fn a_certificate_has_a_warning_in_its_last_30_days() {
        let client = client();
        let stored = read(&client.certificate, &client.key).unwrap().sealed(|_| Sealed::from_text("x"));
        for (now, expected) in
            [("2029-12-02T23:59:59Z", false), ("2029-12-03T00:00:01Z", true), ("2031-01-01T00:00:00Z", true)]
        {
            assert_eq!(stored.expires_soon(now.parse().unwrap()), expected, "{now}");
        }
    }

    #[test]
    fn what_is_not_a_certificate_with_its_key_is_refused() {
        let (client, other) = (client(), client());
        let six = client.certificate.repeat(6);
        let both = format!("{}{}", client.certificate, client.key);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for (certificate, key, pointer, detail) in [
            ("hello", client.key.as_str(), "/certificate", "BEGIN CERTIFICATE"),
            (&six, &client.key, "/certificate", "at most 5"),
            (damaged, &client.key, "/certificate", "cannot be read"),
            (&client.certificate, "hello", "/privateKey", "in PEM"),
            (&client.certificate, encrypted, "/privateKey", "password"),
            (&both, &client.key, "/certificate", "private key"),
            (&client.certificate, &other.key, "/privateKey", "does not belong"),
            (&client.certificate, &client.certificate, "/privateKey", "in PEM"),
            (&"x".repeat(16_385), &client.key, "/certificate", "16384"),
        ] {
            let BadFields(bad) = read(certificate, key).unwrap_err();
            assert_eq!((bad.len(), bad[0].pointer.as_str()), (1, pointer), "{detail}");
            assert!(bad[0].detail.contains(detail), "{}", bad[0].detail);
        }
    }
}

//! Signatures of Standard Webhooks: `v1`, HMAC-SHA256.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Returns the key of a secret, with or without `whsec_`. `None` if it is not base64.
pub fn key(secret: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok().filter(|key| !key.is_empty())
}

/// Returns the places in `secrets` of those that made the signatures in the header, in the order of the header.
pub fn signers(secrets: &[String], id: &str, timestamp: &str, body: &[u8], header: &str) -> Vec<usize> {
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let signer = |signature: &str| {
        let mac = signature.strip_prefix("v1,").and_then(|base64| BASE64_STANDARD.decode(base64).ok())?;
        secrets.iter().position(|secret| key(secret).is_some_and(|key| hmac(&key, &content).verify_slice(&mac).is_ok()))
    };
    header.split(' ').filter_map(signer).collect()
}

/// Returns the `v1` signature of a webhook.
///
/// # Panics
///
/// If the secret is not base64.
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let mac = hmac(&key(secret).expect("the secret is base64"), &content).finalize().into_bytes();
    format!("v1,{}", BASE64_STANDARD.encode(mac))
}

/// Whether a header has the form of signatures: `version,base64`, separated by single spaces.
pub fn is_list(header: &str) -> bool {
    header.split(' ').all(|signature| {
        let Some((version, base64)) = signature.split_once(',') else { return false };
        let is_version = version.starts_with('v') && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_version && !base64.is_empty() && BASE64_STANDARD.decode(base64).is_ok()
    })
}

fn hmac(key: &[u8], content: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(content);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public test vector of the Rust library.
    #[test]
    fn the_public_test_vector_gets_its_signature() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let signature = sign(secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", body);
        assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn signers_come_in_the_order_of_the_header() {
        let secrets = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
        let [old, new] = secrets.map(|secret| sign(secret, "id", "1", b"{}"));
        let secrets = secrets.map(str::to_owned);
        assert_eq!(signers(&secrets, "id", "1", b"{}", &format!("{new} v1a,AAAA {old}")), [1, 0]);
        assert_eq!(signers(&secrets[..1], "id", "1", b"{}", &format!("{new} {old}")), [0]);
        assert_eq!(signers(&secrets, "id", "2", b"{}", &new), Vec::<usize>::new());
    }

    #[test]
    fn a_list_has_versions_base64_and_single_spaces() {
        for good in ["v1,AAAA", "v1,AAAA v1a,AAAA", "v2,AAAA v1,AAAA"] {
            assert!(is_list(good), "{good}");
        }
        for bad in ["", "AAAA", "v1,", "v1,AAAA  v1,AAAA", "v1,AAAA,v1,AAAA", "v1=AAAA", "v1,***"] {
            assert!(!is_list(bad), "{bad}");
        }
    }
}

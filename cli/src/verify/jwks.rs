//! The public keys of a project, in a file with a JWK Set (RFC 7517).

use domain::webhooks::key_pair::{BadPublicKey, PublicKey};
use serde::Deserialize;
use thiserror::Error;

/// A public key that verifies `v1a` signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Jwk {
    /// Id of the key. Our keys have one, but others need none.
    pub(super) kid: Option<String>,
    pub(super) key: PublicKey,
}

/// Why a file has no public keys.
#[derive(Debug, Error)]
pub(crate) enum BadJwks {
    /// It is not JSON, or has no list `keys`.
    #[error("it must be a JWK Set, as GET /v1/projects/{{project}}/jwks.json returns it")]
    NotASet,
    /// The key at this place of the list, from 1, has a wrong value.
    #[error("x of key {0}")]
    BadKey(usize, #[source] BadPublicKey),
    /// It has no key that can verify a signature.
    #[error("it has no Ed25519 key; a project has public keys once an endpoint of it signs with v1a")]
    NoKey,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Member>,
}

/// A key of any kind.
#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    kid: Option<String>,
    x: Option<String>,
}

/// Reads the Ed25519 keys. Keys of other kinds are skipped, as RFC 7517 requires.
pub(super) fn parse(file: &[u8]) -> Result<Vec<Jwk>, BadJwks> {
    let set: JwkSet = serde_json::from_slice(file).map_err(|_| BadJwks::NotASet)?;
    let members = set.keys.into_iter().enumerate().filter(|(_, key)| key.kty == "OKP" && key.crv == "Ed25519");
    let read = |(index, member): (usize, Member)| {
        let key = member.x.unwrap_or_default().try_into().map_err(|error| BadJwks::BadKey(index + 1, error))?;
        Ok(Jwk { kid: member.kid, key })
    };
    let keys = members.map(read).collect::<Result<Vec<Jwk>, _>>()?;
    if keys.is_empty() { Err(BadJwks::NoKey) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use domain::foundation::error_chain::chain;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn read(keys: &str) -> Result<Vec<Jwk>, String> {
        parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).map_err(|error| chain(&error))
    }

    #[test]
    fn keys_of_other_kinds_are_skipped() {
        let ours = format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"k1","x":"{X}"}}"#);
        let nameless = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#);
        let others = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"X25519","x":"AA"},{}"#;
        let key: PublicKey = X.to_owned().try_into().unwrap();
        let expected = [Some("k1".to_owned()), None].map(|kid| Jwk { kid, key }).to_vec();
        assert_eq!(read(&format!("{ours},{others},{nameless}")), Ok(expected));
        assert!(read(others).unwrap_err().contains("no Ed25519 key"));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        for file in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"kty":"OKP"}"#] {
            assert!(matches!(parse(file.as_bytes()), Err(BadJwks::NotASet)), "{file}");
        }
        assert!(read("").unwrap_err().contains("no Ed25519 key"));
        let short = r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#;
        assert_eq!(read(short), Err("x of key 1: must be 32 bytes in base64url".to_owned()));
    }
}

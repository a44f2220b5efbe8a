//! Verifies and decrypts webhooks and return URLs of Signpost. Copy this file; README.md lists the crates that it needs.
//! Every function returns only verified or decrypted values, and [`Refused`] otherwise.

use std::collections::BTreeMap;
use std::fmt;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyInit};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Aead;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use url::form_urlencoded;

/// Maximum difference between a webhook's timestamp and our clock, in seconds. A return URL may be this far ahead.
const TOLERANCE: i64 = 5 * 60;
/// Maximum age of a return URL, in seconds: people may stay on the result page for a while.
const MAX_AGE: i64 = 60 * 60;

/// The project's `secretKey`s by id.
pub type SecretKeys = BTreeMap<String, String>;

/// The input is not authentic, or is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

/// The encryption that is set for an endpoint or a return URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `aes-256-gcm`.
    Aes256Gcm,
    /// `aes-256-ecb`.
    Aes256Ecb,
}

/// Verifies a webhook and returns its `webhook-id`. Process each id once. The secrets are the endpoint's `whsec_…`: one, or
/// both during a rotation. `header` looks up a header, `body` is the raw bytes, and `now` is in seconds since 1970.
pub fn verify_webhook<'a>(
    secrets: &[&str],
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: i64,
) -> Result<&'a str, Refused> {
    let keys: Vec<Vec<u8>> = secrets.iter().map(|secret| secret_bytes(secret)).collect::<Result<_, _>>()?;
    let id = header("webhook-id").filter(|id| !id.is_empty()).ok_or(Refused)?;
    let timestamp = header("webhook-timestamp").ok_or(Refused)?;
    if (now - seconds(timestamp)?).abs() > TOLERANCE {
        return Err(Refused);
    }
    let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let mut signatures = header("webhook-signature").unwrap_or_default().split(' ');
    let fits = |signature: &str| {
        let signature = signature.strip_prefix("v1,").and_then(|base64| BASE64_STANDARD.decode(base64).ok());
        signature.is_some_and(|signature| keys.iter().any(|key| is_signed(key, &content, &signature)))
    };
    if signatures.any(fits) { Ok(id) } else { Err(Refused) }
}

/// How an event relates to the last one that was applied to the same submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is newer: apply it, and store its sequence as the last one. An event without a sequence is new too; it has no order,
    /// and leaves the last one as it is.
    New,
    /// It is the last one itself: ignore it.
    Seen,
    /// It is an earlier one: ignore it.
    Older,
}

/// Compares an event with the last one that you applied to the same submission. `last` is the stored sequence of the
/// submission, if there is one yet, and `sequence` is that of the webhook's body or of the feed's item, if it has one.
pub fn apply(last: Option<u64>, sequence: Option<u64>) -> Applied {
    match (last, sequence) {
        (Some(last), Some(sequence)) if sequence < last => Applied::Older,
        (Some(last), Some(sequence)) if sequence == last => Applied::Seen,
        _ => Applied::New,
    }
}

/// Decrypts the body of a webhook that [`verify_webhook`] accepted, and returns its JSON.
pub fn decrypt_body(secret_keys: &SecretKeys, encryption: Encryption, body: &[u8]) -> Result<String, Refused> {
    let object: serde_json::Value = serde_json::from_slice(body).map_err(|_| Refused)?;
    let data = object.get("data").and_then(|data| data.as_str()).ok_or(Refused)?;
    decrypt(secret_keys.values(), encryption, data)
}

/// Verifies the query of a return URL, everything after the first `?`, unchanged, and returns its parameters. Accept each
/// `nonce` once.
pub fn verify_return_url(secret_keys: &SecretKeys, query: &str, now: i64) -> Result<BTreeMap<String, String>, Refused> {
    let (signed, signature) = query.rsplit_once("&sig=").ok_or(Refused)?;
    let signature = signature.strip_prefix("v1,").ok_or(Refused)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused)?;
    let is_signer = |key: &String| key.len() == 32 && is_signed(key.as_bytes(), signed.as_bytes(), &signature);
    if !secret_keys.values().any(is_signer) {
        return Err(Refused);
    }
    let parameters = parse(signed)?;
    let has_nonce = parameters.get("nonce").is_some_and(|nonce| !nonce.is_empty());
    let age = now - seconds(parameters.get("ts").ok_or(Refused)?)?;
    if has_nonce && (-TOLERANCE..=MAX_AGE).contains(&age) { Ok(parameters) } else { Err(Refused) }
}

/// Decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
/// [`verify_return_url`] first.
pub fn decrypt_return_url(secret_keys: &SecretKeys, encryption: Encryption, query: &str) -> Result<String, Refused> {
    let parameters = parse(query)?;
    let encrypted = parameters.get("encrypted").ok_or(Refused)?;
    match encryption {
        Encryption::Aes256Gcm => {
            let key = parameters.get("kid").and_then(|kid| secret_keys.get(kid));
            decrypt(key, encryption, encrypted)
        }
        Encryption::Aes256Ecb => decrypt(secret_keys.values(), encryption, encrypted),
    }
}

fn decrypt<'a>(
    secret_keys: impl IntoIterator<Item = &'a String>,
    encryption: Encryption,
    data: &str,
) -> Result<String, Refused> {
    let ciphertext = BASE64_STANDARD.decode(data).map_err(|_| Refused)?;
    let open = |secret_key: &String| {
        let key: [u8; 32] = secret_key.as_bytes().try_into().ok()?;
        let plain = match encryption {
            Encryption::Aes256Gcm => {
                let (nonce, ciphertext) = ciphertext.split_first_chunk::<12>()?;
                Aes256Gcm::new(&key.into()).decrypt(&(*nonce).into(), ciphertext).ok()?
            }
            Encryption::Aes256Ecb => {
                ecb::Decryptor::<Aes256>::new(&key.into()).decrypt_padded_vec::<Pkcs7>(&ciphertext).ok()?
            }
        };
        // ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
        String::from_utf8(plain).ok().filter(|text| text.starts_with('{') && text.ends_with('}'))
    };
    secret_keys.into_iter().find_map(open).ok_or(Refused)
}

fn secret_bytes(secret: &str) -> Result<Vec<u8>, Refused> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").ok_or(Refused)?).map_err(|_| Refused)?;
    if key.len() < 24 { Err(Refused) } else { Ok(key) }
}

fn is_signed(key: &[u8], content: &[u8], signature: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(content);
    mac.verify_slice(signature).is_ok()
}

fn seconds(text: &str) -> Result<i64, Refused> {
    let is_number = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(Refused)
}

fn parse(query: &str) -> Result<BTreeMap<String, String>, Refused> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let before = parameters.insert(name.into_owned(), value.into_owned());
        if before.is_some() {
            return Err(Refused);
        }
    }
    Ok(parameters)
}

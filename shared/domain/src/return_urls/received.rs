//! Verifies that a URL, which a browser sent to a customer's page, is an unchanged return URL of the project.
//!
//! This is the receiver's side. It needs only the settings and the keys. A signature or the tag of AES-256-GCM proves a URL.
//! AES-256-ECB has no integrity: an attacker who has two URLs can combine their blocks. An ECB ciphertext without a signature
//! therefore proves nothing. It is not even decrypted, because the response would reveal the plaintext of any ciphertext to
//! callers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::url::{ENCRYPTED, KEY_ID, NONCE, SIGNATURE, SIGNED_AT};
use super::{NamedKey, ReturnField, ReturnUrlSettings};
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::SecretKeyId;
use crate::foundation::time::Timestamp;
use crate::public_names;

/// A return URL has at most 2,048 characters of the customer's URL and four times the size of the encoded fields.
const MAX_CHARACTERS: usize = 32 * 1024;

/// How far a signature's time may be in the future, because clocks differ.
const MAX_AHEAD: Duration = Duration::from_mins(5);

/// Maximum age of a signed URL: 1 second to 1 day. The default is 1 hour, because a person may stay on the result page for a
/// while before they press OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 86400, default = 3600))]
#[serde(try_from = "u64")]
pub struct MaxAge(Duration);

/// A number of seconds outside the range of a [`MaxAge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 1 to 86400")]
pub struct BadMaxAge;

impl TryFrom<u64> for MaxAge {
    type Error = BadMaxAge;

    fn try_from(seconds: u64) -> Result<Self, BadMaxAge> {
        if (1..=86_400).contains(&seconds) { Ok(Self(Duration::from_secs(seconds))) } else { Err(BadMaxAge) }
    }
}

impl Default for MaxAge {
    fn default() -> Self {
        Self(Duration::from_hours(1))
    }
}

/// A request to verify a URL. Debug output hides the URL.
#[derive(Clone, PartialEq, Eq)]
pub struct BroughtUrl {
    /// The URL as the browser requested it, with its complete query.
    pub url: String,
    /// Maximum age of the URL.
    pub max_age: Option<MaxAge>,
}

impl TryFrom<Draft> for BroughtUrl {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let url = draft.required("url");
        let max_age = draft.optional("maxAgeSeconds");
        draft.check(|| Some(Self { url: url?, max_age }))
    }
}

impl fmt::Debug for BroughtUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BroughtUrl(…)")
    }
}

/// The contents of a verified return URL. Debug output hides them.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// The fields of the URL.
    pub fields: BTreeMap<ReturnField, String>,
    /// When the URL was signed, to the second; absent if the URL is not signed and AES-256-GCM alone proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
    /// A value that is unique to each signed URL. Store it to accept each URL only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Id of the key that proves the URL.
    pub key_id: SecretKeyId,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received(…)")
    }
}

public_names! {
    /// Why a URL is not accepted as a return URL of this project.
    pub enum NotOurs {
        /// The URL is not built like a return URL: a parameter is missing, unknown, repeated or in the wrong place.
        Malformed = "malformed",
        /// The URL does not begin with the project's return URL.
        OtherUrl = "other-url",
        /// The URL has no signature, but the settings or the request require one, or nothing else proves its origin.
        NotSigned = "not-signed",
        /// No valid key made this signature, or the URL was changed after it was signed.
        Signature = "signature",
        /// No valid key decrypts the fields.
        Undecryptable = "undecryptable",
        /// The URL was signed longer ago than the maximum age.
        Expired = "expired",
        /// The time of the signature is more than five minutes in the future.
        TooEarly = "too-early",
    }
}

impl ReturnUrlSettings {
    /// Returns the contents of `url` if one of `keys` proves that Signpost created it exactly so. The default maximum age of a
    /// signed URL is one hour. With a `max_age`, the URL must be signed, because only the signature covers a time.
    pub fn verify(
        &self,
        url: &str,
        keys: &[NamedKey],
        now: Timestamp,
        max_age: Option<MaxAge>,
    ) -> Result<Received, NotOurs> {
        // Browsers do not send the fragment, so a URL with a fragment was not taken from a request.
        let has_url_characters =
            url.len() <= MAX_CHARACTERS && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !has_url_characters {
            return Err(NotOurs::Malformed);
        }
        let added = self.url.added_to(url).ok_or(NotOurs::OtherUrl)?;
        let parameters = Parameters::read(added)?;
        match parameters.signature {
            Some(signature) => {
                let signed = signed_part(url, signature).ok_or(NotOurs::Malformed)?;
                let key = signer(keys, signed, signature).ok_or(NotOurs::Signature)?;
                parameters.accept_signed(key, now, max_age.unwrap_or_default())
            }
            None if self.signed || max_age.is_some() => Err(NotOurs::NotSigned),
            None => parameters.accept_encrypted(keys),
        }
    }
}

/// Returns the query before `&sig=`, byte for byte.
fn signed_part<'a>(url: &'a str, signature: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query.strip_suffix(signature)?.strip_suffix('=')?.strip_suffix(SIGNATURE)?.strip_suffix('&')
}

/// Returns the key that signed. Tries all keys, so the duration does not depend on which one it is.
fn signer<'a>(keys: &'a [NamedKey], signed: &str, signature: &str) -> Option<&'a NamedKey> {
    keys.iter().fold(None, |signer, named| if named.key.verifies(signed, signature) { Some(named) } else { signer })
}

/// The parameters that Signpost added to the return URL, each at most once.
#[derive(Default)]
struct Parameters<'a> {
    fields: BTreeMap<ReturnField, String>,
    encrypted: Option<String>,
    key_id: Option<SecretKeyId>,
    signed_at: Option<Timestamp>,
    nonce: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, NotOurs> {
        let mut parameters = Self::default();
        for piece in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = piece.split_once('=').ok_or(NotOurs::Malformed)?;
            // The signature comes last, because it does not cover anything after it.
            let is_new = parameters.signature.is_none() && parameters.take(name, value).ok_or(NotOurs::Malformed)?;
            if !is_new {
                return Err(NotOurs::Malformed);
            }
        }
        let is_complete =
            parameters.signature.is_none() || (parameters.signed_at.is_some() && parameters.nonce.is_some());
        let is_one_kind = parameters.encrypted.is_none() || parameters.fields.is_empty();
        let has_ciphertext = parameters.encrypted.is_some() || parameters.key_id.is_none();
        if is_complete && is_one_kind && has_ciphertext { Ok(parameters) } else { Err(NotOurs::Malformed) }
    }

    /// Stores a parameter. Returns whether it is the first with its name; `None` if its name or value is invalid.
    fn take(&mut self, name: &str, value: &'a str) -> Option<bool> {
        let is_new = match name {
            ENCRYPTED => self.encrypted.replace(decoded(value)?).is_none(),
            KEY_ID => self.key_id.replace(value.parse().ok()?).is_none(),
            SIGNED_AT => self.signed_at.replace(seconds(value)?).is_none(),
            NONCE => self.nonce.replace(value).is_none(),
            SIGNATURE => self.signature.replace(value).is_none(),
            field => self.fields.insert(field.parse().ok()?, decoded(value)?).is_none(),
        };
        Some(is_new)
    }

    /// Returns the contents of a URL that `key` has signed, unless it is too old.
    fn accept_signed(self, key: &NamedKey, now: Timestamp, max_age: MaxAge) -> Result<Received, NotOurs> {
        let signed_at = self.signed_at.ok_or(NotOurs::Malformed)?;
        if signed_at.since(now) > MAX_AHEAD {
            return Err(NotOurs::TooEarly);
        }
        if now.since(signed_at) > max_age.0 {
            return Err(NotOurs::Expired);
        }
        let nonce = self.nonce.map(str::to_owned);
        let fields = match (&self.encrypted, self.key_id) {
            (None, _) => self.fields,
            // Only URLs with AES-256-GCM have the id of the key.
            (Some(ciphertext), Some(_)) => fields_in(key.key.decrypt_gcm(ciphertext))?,
            (Some(ciphertext), None) => fields_in(key.key.decrypt_ecb(ciphertext))?,
        };
        Ok(Received { fields, signed_at: Some(signed_at), nonce, key_id: key.id })
    }

    /// Returns the contents of a URL without a signature, which AES-256-GCM alone must prove.
    fn accept_encrypted(self, keys: &[NamedKey]) -> Result<Received, NotOurs> {
        let (Some(ciphertext), Some(key_id)) = (&self.encrypted, self.key_id) else { return Err(NotOurs::NotSigned) };
        let named = keys.iter().find(|named| named.id == key_id).ok_or(NotOurs::Undecryptable)?;
        let fields = fields_in(named.key.decrypt_gcm(ciphertext))?;
        Ok(Received { fields, signed_at: None, nonce: None, key_id })
    }
}

/// Parses decrypted fields. Fails for other plaintexts of the same key, such as a webhook.
fn fields_in(plaintext: Option<Vec<u8>>) -> Result<BTreeMap<ReturnField, String>, NotOurs> {
    serde_json::from_slice(&plaintext.ok_or(NotOurs::Undecryptable)?).map_err(|_| NotOurs::Undecryptable)
}

fn decoded(value: &str) -> Option<String> {
    percent_decode_str(value).decode_utf8().ok().map(Into::into)
}

fn seconds(text: &str) -> Option<Timestamp> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    Timestamp::from_millis(text.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(1000)?)
}

#[cfg(test)]
mod tests;

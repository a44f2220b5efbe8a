//! Whether a URL that a browser brought to a customer's page is one of ours, unchanged.
//!
//! Everything here is the receiver's side, and needs nothing but the settings and the keys. What proves a URL is its
//! signature, or the tag of AES-256-GCM. AES-256-ECB has no integrity: who sees two such URLs can splice them. So without a
//! signature it proves nothing, and is not even decrypted: an answer would tell anybody who asks with a ciphertext of their
//! own what it opens to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::url::{ENCRYPTED, KEY_ID, NONCE, SIGNATURE, SIGNED_AT};
use super::{NamedKey, ReturnField, ReturnUrlSettings};
use crate::draft::{BadFields, Draft};
use crate::id::ReturnUrlKeyId;
use crate::time::Timestamp;

/// Ours have at most 2,048 characters of the customer's own and a fourfold of what people's fields may have.
const MOST_CHARACTERS: usize = 32 * 1024;

/// How far the clock of whoever asks may be behind ours.
const MOST_AHEAD: Duration = Duration::from_mins(5);

/// How old a signed URL may be: a second to a day, an hour unless asked otherwise. A person may stay on the result page
/// for a while before they press OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u32, minimum = 1, maximum = 86400, default = 3600))]
#[serde(try_from = "u64")]
pub struct MaxAge(Duration);

/// A number that is no [`MaxAge`].
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

/// A question whether a URL is one of ours. Its debug output hides the URL.
#[derive(Clone, PartialEq, Eq)]
pub struct BroughtUrl {
    /// The URL as the browser brought it, with its whole query.
    pub url: String,
    /// How old it may be.
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

/// What a URL of ours says. Debug output hides it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// What is said about the person.
    pub fields: BTreeMap<ReturnField, String>,
    /// When it was signed, to the second; `None` if AES-256-GCM alone proves it, which does not tell when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
    /// What makes it different from every other signed URL: who notes it takes each URL once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The key that proves it.
    pub key_id: ReturnUrlKeyId,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received(…)")
    }
}

/// Why a URL is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NotOurs {
    /// It is no URL that we could have made: parameters are missing, unknown, repeated or in another place.
    #[error("URL is not built like a return URL")]
    Malformed,
    /// It does not begin with the project's return URL.
    #[error("URL does not begin with the project's return URL")]
    OtherUrl,
    /// Nothing proves it: it has no signature, where the settings or the question want one, or nothing else would do.
    #[error("URL has no signature")]
    NotSigned,
    /// No valid key signed it as it is.
    #[error("URL was not signed by a valid key, or was changed afterwards")]
    Signature,
    /// Its fields cannot be decrypted.
    #[error("encrypted fields cannot be decrypted")]
    Undecryptable,
    /// It was signed too long ago.
    #[error("URL was signed too long ago")]
    Expired,
    /// It was signed more than five minutes from now.
    #[error("URL was signed in the future")]
    TooEarly,
}

impl ReturnUrlSettings {
    /// What `url` says, if one of `keys` proves that we made it, and just so. Without `max_age` that of a signed URL may be
    /// an hour. With one, a URL must say when it was made, and so be signed.
    pub fn verify(
        &self,
        url: &str,
        keys: &[NamedKey],
        now: Timestamp,
        max_age: Option<MaxAge>,
    ) -> Result<Received, NotOurs> {
        // The rest of a URL is there for browsers alone, so one that has a fragment was not taken from a request.
        let is_plausible =
            url.len() <= MOST_CHARACTERS && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_plausible {
            return Err(NotOurs::Malformed);
        }
        let added = self.url.added_to(url).ok_or(NotOurs::OtherUrl)?;
        let parameters = Parameters::read(added)?;
        match parameters.signature {
            Some(signature) => {
                let signed = signed_part(url, signature).ok_or(NotOurs::Malformed)?;
                let key = signer(keys, signed, signature).ok_or(NotOurs::Signature)?;
                parameters.signed_by(key, now, max_age.unwrap_or_default())
            }
            None if self.signed || max_age.is_some() => Err(NotOurs::NotSigned),
            None => parameters.sealed_by_one_of(keys),
        }
    }
}

/// All of the query before `&sig=`, exactly as it was received.
fn signed_part<'a>(url: &'a str, signature: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    query.strip_suffix(signature)?.strip_suffix('=')?.strip_suffix(SIGNATURE)?.strip_suffix('&')
}

/// The key that signed. All of them are tried, so that the time taken does not tell which.
fn signer<'a>(keys: &'a [NamedKey], signed: &str, signature: &str) -> Option<&'a NamedKey> {
    keys.iter().fold(None, |found, named| if named.key.verifies(signed, signature) { Some(named) } else { found })
}

/// The parameters that were added to the return URL, each once at most, spelled just as we do.
#[derive(Default)]
struct Parameters<'a> {
    fields: BTreeMap<ReturnField, String>,
    encrypted: Option<String>,
    key_id: Option<ReturnUrlKeyId>,
    signed_at: Option<Timestamp>,
    nonce: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, NotOurs> {
        let mut read = Self::default();
        for piece in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = piece.split_once('=').ok_or(NotOurs::Malformed)?;
            // The signature comes last: what stands after it, it does not cover.
            let is_new = read.signature.is_none() && read.take(name, value).ok_or(NotOurs::Malformed)?;
            if !is_new {
                return Err(NotOurs::Malformed);
            }
        }
        let is_whole = read.signature.is_none() || (read.signed_at.is_some() && read.nonce.is_some());
        let is_one_kind = read.encrypted.is_none() || read.fields.is_empty();
        let has_ciphertext = read.encrypted.is_some() || read.key_id.is_none();
        if is_whole && is_one_kind && has_ciphertext { Ok(read) } else { Err(NotOurs::Malformed) }
    }

    /// Notes one parameter, and tells whether it is the first of its name; `None` if it is none of ours.
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

    /// What is said, now that `key` is known to have signed it.
    fn signed_by(self, key: &NamedKey, now: Timestamp, max_age: MaxAge) -> Result<Received, NotOurs> {
        let signed_at = self.signed_at.ok_or(NotOurs::Malformed)?;
        if signed_at.since(now) > MOST_AHEAD {
            return Err(NotOurs::TooEarly);
        }
        if now.since(signed_at) > max_age.0 {
            return Err(NotOurs::Expired);
        }
        let nonce = self.nonce.map(str::to_owned);
        let fields = match (&self.encrypted, self.key_id) {
            (None, _) => self.fields,
            // Only AES-256-GCM names its key.
            (Some(ciphertext), Some(_)) => opened(key.key.decrypt_gcm(ciphertext))?,
            (Some(ciphertext), None) => opened(key.key.decrypt_ecb(ciphertext))?,
        };
        Ok(Received { fields, signed_at: Some(signed_at), nonce, key_id: key.id })
    }

    /// What is said without a signature: AES-256-GCM proves it alone.
    fn sealed_by_one_of(self, keys: &[NamedKey]) -> Result<Received, NotOurs> {
        let (Some(ciphertext), Some(key_id)) = (&self.encrypted, self.key_id) else { return Err(NotOurs::NotSigned) };
        let named = keys.iter().find(|named| named.id == key_id).ok_or(NotOurs::Undecryptable)?;
        let fields = opened(named.key.decrypt_gcm(ciphertext))?;
        Ok(Received { fields, signed_at: None, nonce: None, key_id })
    }
}

/// The fields of a decrypted object. Anything else that the same key encrypts, such as a webhook, is none.
fn opened(plaintext: Option<Vec<u8>>) -> Result<BTreeMap<ReturnField, String>, NotOurs> {
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

//! The final URL that a person is sent to after a verification.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serializer;
use thiserror::Error;

use super::url::{ENCRYPTED, KEY_ID, NONCE, SIGNATURE, SIGNED_AT};
use super::{Encryption, NamedKey, ReturnUrlSettings, Verification};
use crate::foundation::random::{self, Random};
use crate::foundation::time::Timestamp;

/// The characters to percent-encode in values: all except `@` and the unreserved characters of RFC 3986.
///
/// A query may contain more characters. But some parsers read `+` as a space and `;` as `&`, and quotes and brackets break when
/// people paste a URL. `@` is not encoded because the product's documentation shows it unencoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

pub(super) const NONCE_BYTES: usize = 16;

/// A project's return URL with the fields of one verification. It consists of visible ASCII characters. Debug output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// The URL as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location(…)")
    }
}

/// The settings require encryption or a signature, but the project has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("return URL requires encryption or a signature, but the project has no secretKey")]
pub struct KeyMissing;

impl ReturnUrlSettings {
    /// Returns the URL to send the person to after `verification`. `key` is the project's current key, if it has one, and `now`
    /// the time of the signature.
    ///
    /// The signature covers the query before it: everything after the first `?` and before `&sig=`.
    pub fn location(
        &self,
        verification: &Verification,
        key: Option<&NamedKey>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Location, KeyMissing> {
        let mut parameters = self.parameters(verification, key, random)?;
        if !self.signed {
            return Ok(Location(self.url_with(&parameters)));
        }
        let nonce = BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<NONCE_BYTES>(random));
        parameters.push(format!("{SIGNED_AT}={}", now.as_seconds()));
        parameters.push(format!("{NONCE}={nonce}"));
        let unsigned = self.url_with(&parameters);
        let (_, query) = unsigned.split_once('?').expect("a URL with parameters has a query");
        let signature = key.ok_or(KeyMissing)?.key.sign(query);
        Ok(Location(format!("{unsigned}&{SIGNATURE}={signature}")))
    }

    /// Returns the selected fields that have a value, each as `key=value`, or all of them in one encrypted parameter.
    fn parameters(
        &self,
        verification: &Verification,
        key: Option<&NamedKey>,
        random: &dyn Random,
    ) -> Result<Vec<String>, KeyMissing> {
        let values = self.values(verification);
        match self.encryption {
            Encryption::None => Ok(values.map(|(key, value)| parameter(key, value)).collect()),
            // Existing receivers of this format expect a single parameter, so the key's id is not added.
            Encryption::Aes256Ecb => {
                let encrypted = key.ok_or(KeyMissing)?.key.encrypt_ecb(&json_object(values));
                Ok(vec![parameter(ENCRYPTED, &encrypted)])
            }
            Encryption::Aes256Gcm => {
                let NamedKey { id, key } = key.ok_or(KeyMissing)?;
                let encrypted = key.encrypt_gcm(&json_object(values), random);
                Ok(vec![parameter(ENCRYPTED, &encrypted), parameter(KEY_ID, &id.to_string())])
            }
        }
    }

    /// Returns the selected fields that have a value, in the order of the URL.
    pub(super) fn values<'a>(&'a self, verification: &'a Verification) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.iter().filter_map(|field| Some((field.as_str(), verification.value(*field)?)))
    }

    fn url_with(&self, parameters: &[String]) -> String {
        if parameters.is_empty() {
            return self.url.to_string();
        }
        self.url.with_query(&parameters.join("&"))
    }
}

pub(super) fn parameter(key: &str, value: &str) -> String {
    format!("{key}={}", utf8_percent_encode(value, ENCODED))
}

/// Returns a compact JSON object with its members in the given order.
pub(super) fn json_object<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut json = Vec::new();
    serde_json::Serializer::new(&mut json).collect_map(members).expect("strings can be serialized");
    json
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aes_gcm::aead::Aead;
    use aes_gcm::{Aes256Gcm, KeyInit};
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::id::SecretKeyId;
    use crate::foundation::random::SystemRandom;
    use crate::return_urls::return_link::NewReturnLink;
    use crate::return_urls::{
        AppSchemes, NewReturnUrlSettings, Outcome, PersonFields, PersonValue, ReturnField, SecretKey,
    };

    const ALL_FIELDS: &str = r#"["userid","email","kycStatus","submissionId","cf1","cf2","cf3","errorCode"]"#;

    fn settings(url: &str, fields: &str, more: &str) -> ReturnUrlSettings {
        let body = format!(r#"{{"url":"{url}","fields":{fields}{more}}}"#);
        let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        new.accept(true, &AppSchemes::default()).unwrap()
    }

    fn verification(body: &str) -> Verification {
        let new: NewReturnLink = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        new.verification
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_764_000_000_123).unwrap()
    }

    fn key() -> NamedKey {
        NamedKey { id: SecretKeyId::new(now(), &SystemRandom), key: SecretKey::generate(&SystemRandom) }
    }

    fn plain(settings: &ReturnUrlSettings, verification: &Verification) -> String {
        settings.location(verification, None, now(), &SystemRandom).unwrap().as_str().to_owned()
    }

    fn parameters_of(url: &str) -> BTreeMap<String, String> {
        let url = Url::parse(url).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(map.len(), pairs.len(), "no parameter is repeated");
        map
    }

    #[test]
    fn the_products_example_of_a_completed_verification_is_reproduced() {
        let settings = settings("https://yourapp.com/verification-complete", ALL_FIELDS, "");
        let approved = verification(
            r#"{"kycStatus":"approved","userid":"user123","email":"user@example.com","submissionId":"sub_abc123",
                "cf1":"campaign_summer"}"#,
        );
        assert_eq!(
            plain(&settings, &approved),
            "https://yourapp.com/verification-complete?userid=user123&email=user@example.com&kycStatus=approved&submissionId=sub_abc123&cf1=campaign_summer"
        );
    }

    #[test]
    fn the_products_example_of_an_error_is_reproduced() {
        let settings = settings("https://yourapp.com/verification-complete", r#"["errorCode","kycStatus"]"#, "");
        let blocked = verification(r#"{"errorCode":"DE-20000","userid":"user123"}"#);
        assert_eq!(
            plain(&settings, &blocked),
            "https://yourapp.com/verification-complete?kycStatus=rejected&errorCode=DE-20000"
        );
    }

    #[test]
    fn only_selected_fields_with_a_value_are_added() {
        let settings = settings("https://argosidentity.com", r#"["cf2","userid","cf1"]"#, "");
        let pending = verification(r#"{"kycStatus":"pending","userid":"","email":"a@b.example","cf1":"1","cf2":"2"}"#);
        assert_eq!(plain(&settings, &pending), "https://argosidentity.com?cf1=1&cf2=2");
        let nothing = verification(r#"{"kycStatus":"pending"}"#);
        assert_eq!(plain(&settings, &nothing), "https://argosidentity.com");
    }

    #[test]
    fn all_ambiguous_characters_are_percent_encoded() {
        let settings = settings("https://a.example/?x=%20", r#"["cf1"]"#, "");
        let tricky = verification(r#"{"kycStatus":"approved","cf1":"a&b=c+d#e%f;g h'i\"j<k>/l?m:n(o)*,!한~._-@"}"#);
        assert_eq!(
            plain(&settings, &tricky),
            "https://a.example/?x=%20&cf1=a%26b%3Dc%2Bd%23e%25f%3Bg%20h%27i%22j%3Ck%3E%2Fl%3Fm%3An%28o%29%2A%2C%21%ED%95%9C~._-@"
        );
    }

    #[test]
    fn a_value_cannot_add_a_parameter_or_a_header() {
        let settings = settings("https://a.example/", r#"["userid","kycStatus"]"#, "");
        let person = PersonFields {
            userid: Some(PersonValue::try_from("x&kycStatus=approved#@evil.example".to_owned()).unwrap()),
            ..PersonFields::default()
        };
        let rejected = Verification { outcome: verification(r#"{"kycStatus":"rejected"}"#).outcome, person };
        assert_eq!(
            plain(&settings, &rejected),
            "https://a.example/?userid=x%26kycStatus%3Dapproved%23@evil.example&kycStatus=rejected"
        );
        assert!(PersonValue::try_from("x\r\nset-cookie: a=b".to_owned()).is_err());
    }

    #[test]
    fn gcm_encrypts_the_fields_as_a_json_object_and_adds_the_id_of_the_key() {
        let key = key();
        let approved = verification(r#"{"kycStatus":"approved","cf1":"한 \"x\"","userid":"u"}"#);
        let settings = settings("https://a.example/", ALL_FIELDS, r#","encryption":"aes-256-gcm""#);
        let location = settings.location(&approved, Some(&key), now(), &SystemRandom).unwrap();

        let parameters = parameters_of(location.as_str());
        let sealed = BASE64_STANDARD.decode(&parameters["encrypted"]).unwrap();
        let (nonce, ciphertext) = sealed.split_first_chunk::<12>().unwrap();
        let cipher = Aes256Gcm::new(&<[u8; 32]>::try_from(key.key.expose().as_bytes()).unwrap().into());
        let opened = cipher.decrypt(&(*nonce).into(), ciphertext).unwrap();
        assert_eq!((parameters.len(), &parameters["kid"]), (2, &key.id.to_string()));
        assert!(location.as_str().ends_with(&format!("&kid={}", key.id)), "{location:?}");
        assert_eq!(str::from_utf8(&opened).unwrap(), r#"{"userid":"u","kycStatus":"approved","cf1":"한 \"x\""}"#);
    }

    #[test]
    fn ecb_ciphertext_is_percent_encoded_base64() {
        let key = key();
        let approved = verification(r#"{"kycStatus":"approved"}"#);
        let settings = settings("https://a.example", ALL_FIELDS, r#","encryption":"aes-256-ecb""#);
        let location = settings.location(&approved, Some(&key), now(), &SystemRandom).unwrap();
        let encrypted = key.key.encrypt_ecb(br#"{"kycStatus":"approved"}"#);
        let escaped = encrypted.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        assert_eq!(location.as_str(), format!("https://a.example?encrypted={escaped}"));
    }

    #[test]
    fn a_signature_covers_the_query_before_it() {
        let key = key();
        let settings = settings("https://a.example/?x=1", r#"["kycStatus"]"#, r#","signed":true"#);
        let approved = verification(r#"{"kycStatus":"approved"}"#);
        let location = settings.location(&approved, Some(&key), now(), &SystemRandom).unwrap();

        let (_, query) = location.as_str().split_once('?').unwrap();
        let (signed, signature) = query.split_once("&sig=").unwrap();
        assert!(signed.starts_with("x=1&kycStatus=approved&ts=1764000000&nonce="), "{signed}");
        assert_eq!(signature, key.key.sign(signed));
        assert_eq!(parameters_of(location.as_str())["sig"], signature);
    }

    #[test]
    fn two_urls_that_are_signed_at_the_same_time_differ() {
        let key = key();
        let settings = settings("https://a.example", "[]", r#","signed":true"#);
        let sign = || settings.location(&verification(r#"{"kycStatus":"approved"}"#), Some(&key), now(), &SystemRandom);
        assert_ne!(sign(), sign());
    }

    #[test]
    fn without_a_key_no_unprotected_url_is_returned() {
        for more in [r#","signed":true"#, r#","encryption":"aes-256-ecb""#, r#","encryption":"aes-256-gcm""#] {
            let settings = settings("https://a.example", ALL_FIELDS, more);
            let approved = verification(r#"{"kycStatus":"approved"}"#);
            assert_eq!(settings.location(&approved, None, now(), &SystemRandom), Err(KeyMissing));
        }
    }

    proptest! {
        #[test]
        fn values_are_decoded_exactly(userid in "\\PC{0,60}", email in "[ -~]{0,60}", cf3 in "[&=+%#;?/@ 한é]{0,60}") {
            let value = |text: &str| PersonValue::try_from(text.to_owned()).ok();
            let person = PersonFields {
                userid: value(&userid), email: value(&email), cf3: value(&cf3), ..PersonFields::default()
            };
            let verification = Verification { outcome: Outcome::Error("TK-10001".parse().unwrap()), person };
            let settings = settings("https://a.example/?own=1", ALL_FIELDS, "");
            let url = plain(&settings, &verification);

            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
            let parameters = parameters_of(&url);
            for field in ReturnField::ALL {
                prop_assert_eq!(parameters.get(field.as_str()).map(String::as_str), verification.value(field));
            }
            prop_assert_eq!(&parameters["own"], "1");
        }
    }
}

//! The maximum length of the return URL of a link.
//!
//! Percent-encoding turns one byte into three characters, so fields within their own limits can make a URL of 12 KB. Common servers
//! reject request lines above 8 KB, and the customer's proxies may have lower limits. Minting rejects such fields, while the
//! operator can still shorten them.

use super::location::{NONCE_BYTES, json_object, parameter};
use super::url::{ENCRYPTED, KEY_ID, NONCE, SIGNATURE, SIGNED_AT};
use super::{Encryption, ReturnUrlSettings, Verification};
use crate::foundation::draft::{BadFields, pointer};

/// Maximum length of a return URL with its fields.
pub const MAX_LOCATION_BYTES: usize = 4096;

/// Length of a key's id, a UUID.
const KEY_ID_BYTES: usize = 36;
/// Length of a time in seconds since 1970, until the year 5138.
const SECONDS_BYTES: usize = 11;
/// Length of `v1,` and of an HMAC-SHA256 in base64url without padding.
const SIGNATURE_BYTES: usize = 3 + 43;
const AES_BLOCK_BYTES: usize = 16;
const GCM_NONCE_AND_TAG_BYTES: usize = 12 + 16;

impl ReturnUrlSettings {
    /// Fails if the return URL after `verification` can be longer than [`MAX_LOCATION_BYTES`] under these settings. The error names
    /// the field that contributes most.
    pub fn check_length(&self, verification: &Verification) -> Result<(), BadFields> {
        let length = self.max_location_bytes(verification);
        if length <= MAX_LOCATION_BYTES {
            return Ok(());
        }
        let size = |value: &str| match self.encryption {
            Encryption::None => parameter("", value).len(),
            Encryption::Aes256Ecb | Encryption::Aes256Gcm => value.len(),
        };
        let longest = self.values(verification).max_by_key(|(_, value)| size(value));
        let pointer = longest.map(|(name, _)| pointer(&[name])).unwrap_or_default();
        let detail = format!(
            "makes the return URL too long: under the project's settings it can have {length} bytes, and the \
             maximum is {MAX_LOCATION_BYTES}; shorten this field, or leave it out of the return URL's fields"
        );
        Err(BadFields::one(pointer, detail))
    }

    /// The length of the URL after `verification`. For an encrypted URL, an upper bound that is exceeded with negligible
    /// probability.
    fn max_location_bytes(&self, verification: &Verification) -> usize {
        let with_separator = |name: &str, bytes: usize| "&=".len() + name.len() + bytes;
        let values = self.values(verification);
        let fields = match self.encryption {
            Encryption::None => values.map(|(key, value)| "&".len() + parameter(key, value).len()).sum(),
            Encryption::Aes256Ecb => {
                let padded = (json_object(values).len() / AES_BLOCK_BYTES + 1) * AES_BLOCK_BYTES;
                with_separator(ENCRYPTED, max_base64_bytes(padded))
            }
            Encryption::Aes256Gcm => {
                let sealed = json_object(values).len() + GCM_NONCE_AND_TAG_BYTES;
                with_separator(ENCRYPTED, max_base64_bytes(sealed)) + with_separator(KEY_ID, KEY_ID_BYTES)
            }
        };
        let signature = if self.signed {
            with_separator(SIGNED_AT, SECONDS_BYTES)
                + with_separator(NONCE, (NONCE_BYTES * 4).div_ceil(3))
                + with_separator(SIGNATURE, SIGNATURE_BYTES)
        } else {
            0
        };
        self.url.as_str().len() + fields + signature
    }
}

/// The length of random bytes in base64 with `+`, `/` and `=` percent-encoded. On average, one character in 32 is `+` or `/`. This
/// allows for twice as many and 32 more, which is never reached in practice.
const fn max_base64_bytes(bytes: usize) -> usize {
    let characters = bytes.div_ceil(3) * 4;
    let padding = 2;
    characters + "%2B".len().saturating_sub(1) * (characters / 16 + 32 + padding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::id::SecretKeyId;
    use crate::foundation::random::SystemRandom;
    use crate::foundation::time::Timestamp;
    use crate::return_urls::return_link::NewReturnLink;
    use crate::return_urls::{NamedKey, SecretKey};

    fn settings(url: &str, protection: &str) -> ReturnUrlSettings {
        let fields = r#"["userid","email","kycStatus","submissionId","cf1","cf2","cf3","errorCode"]"#;
        let more = r#""skipResultPage":true,"allowAppScheme":false"#;
        serde_json::from_str(&format!(r#"{{"url":"{url}","fields":{fields},{protection},{more}}}"#)).unwrap()
    }

    fn verification(cf1: &str, cf2: &str) -> Verification {
        let body =
            serde_json::json!({"kycStatus": "approved", "userid": "user123", "cf1": cf1, "cf2": cf2}).to_string();
        NewReturnLink::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap().verification
    }

    const PROTECTIONS: [&str; 6] = [
        r#""encryption":"none","signed":false"#,
        r#""encryption":"none","signed":true"#,
        r#""encryption":"aes-256-ecb","signed":false"#,
        r#""encryption":"aes-256-ecb","signed":true"#,
        r#""encryption":"aes-256-gcm","signed":false"#,
        r#""encryption":"aes-256-gcm","signed":true"#,
    ];

    #[test]
    fn the_field_that_makes_a_url_too_long_is_named() {
        let wide = "한".repeat(450);
        let plain = settings("https://app.example/done", PROTECTIONS[0]);
        assert_eq!(plain.check_length(&verification(&wide[..3 * 100], "x")), Ok(()));
        let BadFields(bad) = plain.check_length(&verification("x", &wide)).unwrap_err();
        assert_eq!(bad[0].pointer, "/cf2");
        assert!(bad[0].detail.contains("can have 4119 bytes"), "{}", bad[0].detail);
        assert!(!bad[0].detail.contains('한'));
        // Ciphertexts are shorter than percent-encoded Hangul.
        assert_eq!(
            settings("https://app.example/done", PROTECTIONS[5]).check_length(&verification("x", &wide)),
            Ok(())
        );
        let long = settings(&format!("https://app.example/{}", "x".repeat(2000)), PROTECTIONS[5]);
        assert!(long.check_length(&verification("x", &wide)).is_err());
    }

    #[test]
    fn fields_outside_the_url_may_be_long() {
        let wide = "한".repeat(512);
        let narrow: ReturnUrlSettings = serde_json::from_str(
            r#"{"url":"https://app.example","fields":["userid"],"encryption":"none","signed":false,"skipResultPage":true,
                "allowAppScheme":false}"#,
        )
        .unwrap();
        assert_eq!(narrow.check_length(&verification(&wide, &wide)), Ok(()));
    }

    proptest! {
        #[test]
        fn a_url_is_never_longer_than_computed(cf1 in "[ -~가-힣]{0,300}", cf2 in "[가-힣]{0,300}", protection in 0..PROTECTIONS.len(), query in "(\\?x=1)?") {
            let settings = settings(&format!("https://app.example/done{query}"), PROTECTIONS[protection]);
            let verification = verification(&cf1, &cf2);
            let now = Timestamp::from_millis(1_764_000_000_123).unwrap();
            let key = NamedKey { id: SecretKeyId::new(now, &SystemRandom), key: SecretKey::generate(&SystemRandom) };
            let location = settings.location(&verification, Some(&key), now, &SystemRandom).unwrap();
            let bound = settings.max_location_bytes(&verification);
            prop_assert!(location.as_str().len() <= bound, "{} {bound}", location.as_str().len());
            if protection == 0 {
                prop_assert_eq!(location.as_str().len(), bound);
            }
        }
    }
}

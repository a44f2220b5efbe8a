//! Return URLs of Signpost and URLs that an attacker could make of them.

use proptest::prelude::*;

use super::*;
use crate::foundation::random::SystemRandom;
use crate::return_urls::return_link::NewReturnLink;
use crate::return_urls::{AppSchemes, NewReturnUrlSettings, PersonValue, SecretKey, Verification};

const SIGNED: &str = r#""signed":true"#;
const GCM: &str = r#""encryption":"aes-256-gcm""#;
const SIGNED_GCM: &str = r#""encryption":"aes-256-gcm","signed":true"#;
const ECB: &str = r#""encryption":"aes-256-ecb""#;
const SIGNED_ECB: &str = r#""encryption":"aes-256-ecb","signed":true"#;
const PLAIN: &str = r#""encryption":"none""#;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn key() -> NamedKey {
    NamedKey { id: SecretKeyId::new(now(), &SystemRandom), key: SecretKey::generate(&SystemRandom) }
}

fn settings(protection: &str) -> ReturnUrlSettings {
    let fields = r#"["userid","kycStatus","cf1","errorCode"]"#;
    let body = format!(r#"{{"url":"https://app.example/done?lang=ko","fields":{fields},{protection}}}"#);
    let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
    new.accept(true, &AppSchemes::default()).unwrap()
}

fn approved() -> Verification {
    let body = r#"{"kycStatus":"approved","userid":"user 123","cf1":"a&b=c+한"}"#;
    NewReturnLink::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap().verification
}

fn url(settings: &ReturnUrlSettings, key: &NamedKey) -> String {
    settings.location(&approved(), Some(key), now(), &SystemRandom).unwrap().as_str().to_owned()
}

fn approved_fields() -> BTreeMap<ReturnField, String> {
    ReturnField::ALL.into_iter().filter_map(|field| Some((field, approved().value(field)?.to_owned()))).collect()
}

/// Returns a URL with this query, signed by `key`.
fn signed(key: &NamedKey, query: &str) -> String {
    format!("https://app.example/done?{query}&sig={}", key.key.sign(query))
}

fn verify(settings: &ReturnUrlSettings, url: &str, keys: &[NamedKey]) -> Result<Received, NotOurs> {
    settings.verify(url, keys, now(), None)
}

#[test]
fn a_signed_url_is_accepted_plain_or_encrypted() {
    for protection in [SIGNED, SIGNED_GCM, SIGNED_ECB] {
        let (settings, key) = (settings(protection), key());
        let received = verify(&settings, &url(&settings, &key), std::slice::from_ref(&key)).unwrap();
        assert_eq!((received.fields, received.key_id), (approved_fields(), key.id), "{protection}");
        assert_eq!((received.signed_at, received.nonce.map(|nonce| nonce.len())), (Some(now()), Some(22)));
    }
}

#[test]
fn gcm_proves_a_url_but_not_its_age() {
    let (settings, key) = (settings(GCM), key());
    let url = url(&settings, &key);
    let received =
        settings.verify(&url, std::slice::from_ref(&key), now().plus(Duration::from_hours(48)), None).unwrap();
    assert_eq!(
        (received.fields, received.signed_at, received.nonce, received.key_id),
        (approved_fields(), None, None, key.id)
    );
    let max_age = Some(MaxAge::default());
    assert_eq!(settings.verify(&url, &[key], now(), max_age), Err(NotOurs::NotSigned));
}

#[test]
fn without_a_signature_neither_plain_fields_nor_ecb_prove_anything() {
    for protection in [PLAIN, ECB] {
        let (settings, key) = (settings(protection), key());
        assert_eq!(verify(&settings, &url(&settings, &key), &[key]), Err(NotOurs::NotSigned), "{protection}");
    }
}

#[test]
fn a_required_signature_cannot_be_removed() {
    for protection in [SIGNED, SIGNED_GCM, SIGNED_ECB] {
        let (settings, key) = (settings(protection), key());
        let url = url(&settings, &key);
        let (without_sig, _) = url.split_once("&sig=").unwrap();
        let (bare, _) = url.split_once("&ts=").unwrap();
        for stripped in [without_sig, bare] {
            assert_eq!(verify(&settings, stripped, std::slice::from_ref(&key)), Err(NotOurs::NotSigned), "{stripped}");
        }
    }
}

#[test]
fn only_valid_keys_of_the_project_verify() {
    let keys = [key(), key(), key()];
    for protection in [SIGNED, SIGNED_GCM, GCM] {
        let settings = settings(protection);
        for key in &keys {
            assert_eq!(verify(&settings, &url(&settings, key), &keys).unwrap().key_id, key.id);
        }
        let of_another_project = url(&settings, &key());
        let reason = if settings.signed { NotOurs::Signature } else { NotOurs::Undecryptable };
        assert_eq!(verify(&settings, &of_another_project, &keys), Err(reason));
        assert_eq!(verify(&settings, &url(&settings, &keys[0]), &[]), Err(reason));
    }
}

#[test]
fn every_change_of_a_signed_url_is_detected() {
    let (settings, key) = (settings(SIGNED), key());
    let good = url(&settings, &key);
    let (unsigned, signature) = good.split_once("&sig=").unwrap();
    let fields = "userid=user%20123&kycStatus=approved";
    assert!(good.contains(fields), "{good}");
    let ts = format!("ts={}", now().as_seconds());
    let without = |parameter: &str| good.replace(parameter, "").replace("&&", "&");
    for (what, url, reason) in [
        ("changed field", good.replace("user%20123", "user%20124"), NotOurs::Signature),
        ("re-ordered", good.replace(fields, "kycStatus=approved&userid=user%20123"), NotOurs::Signature),
        ("re-encoded with a plus", good.replace("user%20123", "user+123"), NotOurs::Signature),
        ("re-encoded in lower case", good.replace("%2B", "%2b"), NotOurs::Signature),
        ("decoded", good.replace("%3D", "="), NotOurs::Signature),
        ("removed field", without("userid=user%20123"), NotOurs::Signature),
        ("added field", good.replace("&ts=", "&errorCode=DE-20000&ts="), NotOurs::Signature),
        ("repeated field", good.replace("&ts=", "&kycStatus=approved&ts="), NotOurs::Malformed),
        ("mixed case", good.replace("kycStatus", "KycStatus"), NotOurs::Malformed),
        ("same field in mixed case", good.replace("&ts=", "&KYCSTATUS=approved&ts="), NotOurs::Malformed),
        ("field with an encoded name", good.replace("kycStatus", "kyc%53tatus"), NotOurs::Malformed),
        ("later", good.replace(&ts, &format!("ts={}", now().as_seconds() + 1)), NotOurs::Signature),
        ("missing time", without(&ts), NotOurs::Malformed),
        ("repeated time", good.replace("&nonce=", &format!("&{ts}&nonce=")), NotOurs::Malformed),
        ("time that is no number", good.replace(&ts, "ts=+1"), NotOurs::Malformed),
        ("another nonce", good.replace("&nonce=", "&nonce=A"), NotOurs::Signature),
        ("moved signature", unsigned.replace("&ts=", &format!("&sig={signature}&ts=")), NotOurs::Malformed),
        (
            "signature before the fields",
            format!("https://app.example/done?lang=ko&sig={signature}"),
            NotOurs::Malformed,
        ),
        ("repeated signature", format!("{good}&sig={signature}"), NotOurs::Malformed),
        ("more after the signature", format!("{good}&utm_source=x"), NotOurs::Malformed),
        ("nothing after an ampersand", format!("{good}&"), NotOurs::Malformed),
        ("empty signature", format!("{unsigned}&sig="), NotOurs::Signature),
        ("other version", good.replace("&sig=v1,", "&sig=v2,"), NotOurs::Signature),
        ("encoded signature", good.replace("&sig=v1,", "&sig=v1%2C"), NotOurs::Signature),
        ("shorter signature", good[..good.len() - 1].to_owned(), NotOurs::Signature),
        ("fragment", format!("{good}#top"), NotOurs::Malformed),
        ("space", format!("{good} "), NotOurs::Malformed),
        ("far too long", format!("{good}{}", "x".repeat(MAX_CHARACTERS)), NotOurs::Malformed),
        ("other host", good.replace("app.example", "evil.example"), NotOurs::OtherUrl),
        ("other path", good.replace("/done", "/admin"), NotOurs::OtherUrl),
        ("other query of its own", good.replace("lang=ko", "lang=en"), NotOurs::OtherUrl),
        ("no URL", "done".to_owned(), NotOurs::OtherUrl),
    ] {
        assert_ne!(url, good, "{what}");
        assert_eq!(verify(&settings, &url, std::slice::from_ref(&key)), Err(reason), "{what}: {url}");
    }
    assert!(verify(&settings, &good, &[key]).is_ok());
}

#[test]
fn a_url_is_accepted_in_the_form_that_browsers_normalize_it_to() {
    let body = r#"{"url":"HTTPS://App.Example:443","fields":["kycStatus"],"signed":true}"#;
    let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
    let (settings, key) = (new.accept(true, &AppSchemes::default()).unwrap(), key());
    let normalized = url(&settings, &key).replace("HTTPS://App.Example:443", "https://app.example/");
    assert!(verify(&settings, &normalized, &[key]).is_ok());
}

#[test]
fn a_url_is_accepted_up_to_its_maximum_age() {
    let (settings, key) = (settings(SIGNED), key());
    let (url, keys) = (url(&settings, &key), [key]);
    let verify = |at: Timestamp, max_age: Option<u64>| {
        settings.verify(&url, &keys, at, max_age.map(|seconds| seconds.try_into().unwrap())).map(|_| ())
    };
    let later = |seconds| now().plus(Duration::from_secs(seconds));
    let earlier = |seconds| now().minus(Duration::from_secs(seconds));
    assert_eq!((verify(later(3600), None), verify(later(3601), None)), (Ok(()), Err(NotOurs::Expired)));
    assert_eq!((verify(later(10), Some(10)), verify(later(11), Some(10))), (Ok(()), Err(NotOurs::Expired)));
    assert_eq!(verify(later(86_400), Some(86_400)), Ok(()));
    assert_eq!((verify(earlier(300), None), verify(earlier(301), None)), (Ok(()), Err(NotOurs::TooEarly)));
}

#[test]
fn a_signed_url_that_is_not_built_like_a_return_url_is_rejected() {
    let (settings, key) = (settings(SIGNED), key());
    let ts = now().as_seconds();
    for (query, reason) in [
        (format!("lang=ko&kycStatus=approved&ts={ts}"), NotOurs::Malformed),
        (format!("lang=ko&kycStatus=approved&nonce=x&ts={}", i64::MAX), NotOurs::Malformed),
        (format!("lang=ko&kycStatus=approved&encrypted=AAAA&ts={ts}&nonce=x"), NotOurs::Malformed),
        (format!("lang=ko&kid={}&ts={ts}&nonce=x", key.id), NotOurs::Malformed),
        (format!("lang=ko&encrypted=AAAA&kid=x&ts={ts}&nonce=x"), NotOurs::Malformed),
        (format!("lang=ko&kycStatus=%FF&ts={ts}&nonce=x"), NotOurs::Malformed),
        (format!("lang=ko&encrypted=AAAA&ts={ts}&nonce=x"), NotOurs::Undecryptable),
        (format!("lang=ko&encrypted=AAAA&kid={}&ts={ts}&nonce=x", key.id), NotOurs::Undecryptable),
    ] {
        assert_eq!(verify(&settings, &signed(&key, &query), std::slice::from_ref(&key)), Err(reason), "{query}");
    }
}

#[test]
fn a_ciphertext_of_something_else_is_rejected() {
    let (settings, key) = (settings(GCM), key());
    for plaintext in
        [r#"{"kycStatus":"approved","webhook_trigger":"approved"}"#, r#"{"kycStatus":1}"#, "[]", "approved"]
    {
        let encrypted = key.key.encrypt_gcm(plaintext.as_bytes(), &SystemRandom);
        let encrypted = encrypted.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let url = format!("https://app.example/done?lang=ko&encrypted={encrypted}&kid={}", key.id);
        assert_eq!(verify(&settings, &url, std::slice::from_ref(&key)), Err(NotOurs::Undecryptable), "{plaintext}");
    }
}

#[test]
fn reasons_have_stable_names() {
    for (reason, name) in [
        (NotOurs::Malformed, "malformed"),
        (NotOurs::OtherUrl, "other-url"),
        (NotOurs::NotSigned, "not-signed"),
        (NotOurs::Signature, "signature"),
        (NotOurs::Undecryptable, "undecryptable"),
        (NotOurs::Expired, "expired"),
        (NotOurs::TooEarly, "too-early"),
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), name);
    }
}

#[test]
fn debug_output_hides_the_contents_of_urls() {
    let (settings, key) = (settings(SIGNED), key());
    let received = verify(&settings, &url(&settings, &key), &[key]);
    assert_eq!(format!("{received:?}"), "Ok(Received(…))");
}

proptest! {
    #[test]
    fn every_changed_character_is_detected(position in 0_usize..400, byte in b'!'..=b'~') {
        for protection in [SIGNED, SIGNED_GCM, GCM] {
            let (settings, key) = (settings(protection), key());
            let good = url(&settings, &key);
            let mut bytes = good.clone().into_bytes();
            let position = position % bytes.len();
            // The case of scheme and host does not matter.
            prop_assume!(position > "https://app.example".len() && bytes[position] != byte);
            bytes[position] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            match verify(&settings, &changed, &[key]) {
                Err(_) => {}
                // Without a signature, `%2b` and `%2B` are the same ciphertext.
                Ok(received) => prop_assert!(!settings.signed && received.fields == approved_fields(), "{changed}"),
            }
        }
    }

    #[test]
    fn a_url_is_accepted_as_a_browser_sends_it(own in "[a-z0-9!$()*+,;:@/?~._=\\[\\]&'-]{0,30}", cf1 in "\\PC{0,40}") {
        let body = format!(r#"{{"url":"HTTPS://App.Example/x/../done?{own}","fields":["cf1"],"signed":true}}"#);
        let new = NewReturnUrlSettings::try_from(Draft::parse(body.as_bytes()).unwrap());
        prop_assume!(new.is_ok());
        let (settings, key) = (new.unwrap().accept(true, &AppSchemes::default()).unwrap(), key());
        let mut verification = approved();
        verification.person.cf1 = PersonValue::try_from(cf1).ok();
        let location = settings.location(&verification, Some(&key), now(), &SystemRandom).unwrap();
        // The crate `url` implements the URL standard of browsers.
        let sent = ::url::Url::parse(location.as_str()).unwrap();
        let received = verify(&settings, sent.as_str(), &[key]).unwrap();
        let sent_value = verification.value(ReturnField::Cf1).map(str::to_owned);
        prop_assert_eq!(received.fields.get(&ReturnField::Cf1).cloned(), sent_value);
    }

    #[test]
    fn an_arbitrary_url_is_never_accepted(text in "\\PC{0,80}", query in "[a-zA-Z=&%,0-9]{0,60}") {
        let (settings, keys) = (settings(GCM), [key()]);
        for url in [text, format!("https://app.example/done?lang=ko&{query}")] {
            prop_assert!(verify(&settings, &url, &keys).is_err());
        }
    }
}

//! Cases for signed and encrypted return URLs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::return_urls::NamedKey;
use url::form_urlencoded;

use super::Case;
use super::scene::{NOW, changed, keys, query, signed_by, signed_with_empty_key, written};

const APPROVED: &str =
    r#"{"kycStatus":"approved","userid":"user 1","email":"a+b@app.example","cf1":"한 é","cf2":"a&b=c;d"}"#;
const SIGNED: &str = r#","signed":true"#;
const GCM: &str = "aes-256-gcm";
const ECB: &str = "aes-256-ecb";

fn encryption(name: &str) -> String {
    format!(r#","encryption":"{name}""#)
}

/// Cases for `verify-return-url`.
pub(super) fn signed() -> Vec<Case> {
    let [key, other] = keys();
    [signed_taken(&key, &other), tampered_with(&key, &other), never_made(&key)].concat()
}

fn takes(name: &str, keys: &str, now: i64, query: &str) -> Case {
    let (signed, _) = query.split_once("&sig=").unwrap();
    let parameters = form_urlencoded::parse(signed.as_bytes());
    let mut lines: Vec<String> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
    lines.sort();
    Case::new("verify-return-url", name, Some(lines.join("; ")), &[keys, &now.to_string(), query])
}

fn refuses(name: &str, keys: &str, now: i64, query: &str) -> Case {
    Case::new("verify-return-url", name, None, &[keys, &now.to_string(), query])
}

fn signed_taken(key: &NamedKey, other: &NamedKey) -> Vec<Case> {
    let plain = query(APPROVED, "/done", SIGNED, key);
    let (one, both) = (written(key), format!("{} {}", written(other), written(key)));
    let takes_now = |name: &str, query: &str| takes(name, &one, NOW, query);
    vec![
        takes_now("as we make it", &plain),
        takes("one of several keys", &both, NOW, &plain),
        takes_now(
            "values full of special characters",
            &query(r#"{"kycStatus":"pending","cf1":"+ %20&sig=v1,x?#/\\\"'"}"#, "", SIGNED, key),
        ),
        takes_now("an error", &query(r#"{"errorCode":"DE-20000"}"#, "", SIGNED, key)),
        takes_now("parameters of the customer's own", &query(APPROVED, "/?lang=ko&x=a%26b&y=?&&&z", SIGNED, key)),
        takes_now("encrypted with GCM", &query(APPROVED, "", &(SIGNED.to_owned() + &encryption(GCM)), key)),
        takes_now("encrypted with ECB", &query(APPROVED, "", &(SIGNED.to_owned() + &encryption(ECB)), key)),
        takes("an hour old", &one, NOW + 3600, &plain),
        takes("five minutes early", &one, NOW - 300, &plain),
    ]
}

fn tampered_with(key: &NamedKey, other: &NamedKey) -> Vec<Case> {
    let good = query(APPROVED, "/done?lang=ko", SIGNED, key);
    let (signed, signature) = good.split_once("&sig=").unwrap();
    let one = written(key);
    let refuses_now = |name: &str, query: &str| refuses(name, &one, NOW, query);
    let moved = signed.replacen("userid=user%201&", "", 1).replacen("&ts=", "&userid=user%201&ts=", 1);
    assert_eq!(moved.len(), signed.len());
    vec![
        refuses("too old", &one, NOW + 3601, &good),
        refuses("from the future", &one, NOW - 301, &good),
        refuses("another key", &written(other), NOW, &good),
        refuses("no key", "", NOW, &good),
        refuses("an empty key, signed with it", "kid=", NOW, &signed_with_empty_key(signed)),
        refuses_now("signed with an empty key", &signed_with_empty_key(signed)),
        refuses_now("a changed field", &good.replace("approved", "rejected")),
        refuses_now("a changed ts", &good.replace("ts=1764", "ts=1765")),
        refuses_now("a changed nonce", &changed(&good, signed.len() - 3)),
        refuses_now("a changed parameter of the customer's own", &good.replace("lang=ko", "lang=en")),
        refuses_now("a changed signature", &changed(&good, signed.len() + 12)),
        refuses_now("a signature cut short", &good[..good.len() - 1]),
        refuses_now("a padded signature", &format!("{good}=")),
        refuses_now("an empty signature", &format!("{signed}&sig=v1,")),
        refuses_now("a signature of another version", &good.replace("sig=v1,", "sig=v2,")),
        refuses_now("a signature without a version", &good.replace("sig=v1,", "sig=")),
        refuses_now("no signature", signed),
        refuses_now("only a signature", &format!("sig={signature}")),
        refuses_now("the signature moved to the front", &format!("sig={signature}&{signed}")),
        refuses_now("the signature moved", &signed.replacen("&ts=", &format!("&sig={signature}&ts="), 1)),
        refuses_now("the signature twice", &format!("{good}&sig={signature}")),
        refuses_now("a parameter behind the signature", &format!("{good}&kycStatus=approved")),
        refuses_now("a parameter before all", &format!("kycStatus=approved&{good}")),
        refuses_now("a parameter twice", &format!("{signed}&kycStatus=approved&sig={signature}")),
        refuses_now("parameters in another order", &format!("{moved}&sig={signature}")),
        refuses_now("+ instead of %20", &good.replace("user%201", "user+1")),
        refuses_now("percent-encoding in lower case", &good.replace("%2B", "%2b")),
        refuses_now("more percent-encoding", &good.replace('@', "%40")),
        refuses_now("decoded to a space", &good.replace("%20", " ")),
        refuses_now("a leading ?", &format!("?{good}")),
        refuses_now("an empty query", ""),
    ]
}

/// Queries that Signpost never makes. All have a valid signature, so that only the named fault can cause the refusal.
fn never_made(key: &NamedKey) -> Vec<Case> {
    let one = written(key);
    let refuses = |name: &str, query: &str| refuses(&format!("signed, {name}"), &one, NOW, &signed_by(key, query));
    let proof = format!("ts={NOW}&nonce=abc");
    vec![
        refuses("no ts", "kycStatus=approved&nonce=abc"),
        refuses("an empty ts", "kycStatus=approved&ts=&nonce=abc"),
        refuses("a ts that is not a number", "kycStatus=approved&ts=1764e6&nonce=abc"),
        refuses("a ts with a sign", &format!("kycStatus=approved&ts=%2B{NOW}&nonce=abc")),
        refuses("a huge ts", "kycStatus=approved&ts=99999999999999999999999999&nonce=abc"),
        refuses("no nonce", &format!("kycStatus=approved&ts={NOW}")),
        refuses("an empty nonce", &format!("kycStatus=approved&ts={NOW}&nonce=")),
        refuses("a parameter twice", &format!("kycStatus=rejected&kycStatus=approved&{proof}")),
        refuses("a parameter twice, once encoded", &format!("kycStatus=rejected&kyc%53tatus=approved&{proof}")),
        refuses("ts twice", &format!("ts={NOW}&{proof}")),
        refuses("nothing", ""),
    ]
}

/// Cases for `decrypt-return-url`.
pub(super) fn encrypted() -> Vec<Case> {
    let [key, other] = keys();
    [encrypted_taken(&key, &other), refused_under_both(&key, &other), refused_under_one(&key, &other)].concat()
}

fn decrypts(name: &str, keys: &str, encryption: &str, query: &str, expected: &str) -> Case {
    let name = format!("{encryption}, {name}");
    Case::new("decrypt-return-url", &name, Some(expected.to_owned()), &[keys, encryption, query])
}

fn cannot_decrypt(name: &str, keys: &str, encryption: &str, query: &str) -> Case {
    Case::new("decrypt-return-url", &format!("{encryption}, {name}"), None, &[keys, encryption, query])
}

fn encrypted_taken(key: &NamedKey, other: &NamedKey) -> Vec<Case> {
    let expected =
        r#"{"userid":"user 1","email":"a+b@app.example","kycStatus":"approved","cf1":"한 é","cf2":"a&b=c;d"}"#;
    let (one, both) = (written(key), format!("{} {}", written(other), written(key)));
    let mut cases: Vec<Case> = [GCM, ECB]
        .iter()
        .flat_map(|name| {
            let made = |own: &str, more: &str| query(APPROVED, own, &(encryption(name) + more), key);
            [
                decrypts("as we make it", &one, name, &made("", ""), expected),
                decrypts("one of several keys", &both, name, &made("", ""), expected),
                decrypts("signed too", &one, name, &made("", SIGNED), expected),
                decrypts("parameters of the customer's own", &one, name, &made("/?lang=ko&y=?", ""), expected),
            ]
        })
        .collect();
    cases.push(spliced(key));
    cases
}

/// Shows the weakness of ECB: the receiver cannot notice swapped blocks.
fn spliced(key: &NamedKey) -> Case {
    let made = query(
        r#"{"kycStatus":"rejected","userid":"012340123456789ABCDEFfedcba987654321043210"}"#,
        "",
        &encryption(ECB),
        key,
    );
    let encoded = made.strip_prefix("encrypted=").unwrap().replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let mut bytes = BASE64_STANDARD.decode(encoded).unwrap();
    let (first, second) = bytes[16..48].split_at_mut(16);
    first.swap_with_slice(second);
    let query = format!("encrypted={}", percent_encoded(&BASE64_STANDARD.encode(bytes)));
    let expected = r#"{"userid":"01234fedcba98765432100123456789ABCDEF43210","kycStatus":"rejected"}"#;
    decrypts("swapped blocks go unnoticed", &written(key), ECB, &query, expected)
}

fn percent_encoded(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn refused_under_both(key: &NamedKey, other: &NamedKey) -> Vec<Case> {
    let both = [(GCM, ECB), (ECB, GCM)].map(|(name, another)| {
        let good = query(APPROVED, "", &encryption(name), key);
        let (encrypted, kid) =
            good.split_once("&kid=").map_or((good.as_str(), None), |(first, kid)| (first, Some(kid)));
        let kid = kid.map(|kid| format!("&kid={kid}")).unwrap_or_default();
        let one = written(key);
        let refuses = |what: &str, query: &str| cannot_decrypt(what, &one, name, query);
        vec![
            cannot_decrypt("another key", &written(other), name, &good),
            cannot_decrypt("no key", "", name, &good),
            cannot_decrypt("an empty key", &format!("{}=", key.id), name, &good),
            refuses("encrypted in the other mode", &query(APPROVED, "", &encryption(another), key)),
            refuses("not encrypted", "kycStatus=approved"),
            refuses("an empty query", ""),
            refuses("empty", &format!("encrypted={kid}")),
            refuses("the last letters changed", &format!("{}{kid}", changed(encrypted, encrypted.len() - 10))),
            refuses("cut short", &format!("{}{kid}", &encrypted[..encrypted.len() - 9])),
            refuses("not base64", &format!("encrypted=!!!!{kid}")),
            refuses("twice", &format!("{encrypted}&{encrypted}{kid}")),
            refuses("a field twice", &format!("{good}&x=1&x=2")),
        ]
    });
    both.concat()
}

fn refused_under_one(key: &NamedKey, other: &NamedKey) -> Vec<Case> {
    let good = query(APPROVED, "", &encryption(GCM), key);
    let (encrypted, kid) = good.split_once("&kid=").unwrap();
    let both = format!("{} {}", written(other), written(key));
    let refuses = |what: &str, query: &str| cannot_decrypt(what, &both, GCM, query);
    vec![
        refuses("no kid", encrypted),
        refuses("an empty kid", &format!("{encrypted}&kid=")),
        refuses("an unknown kid", &format!("{encrypted}&kid=constructor")),
        refuses("another key's kid", &format!("{encrypted}&kid={}", other.id)),
        refuses("kid twice", &format!("{good}&kid={kid}")),
        refuses("the ciphertext changed", &changed(&good, "encrypted=".len() + 30)),
    ]
}

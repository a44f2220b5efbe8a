//! Cases for encrypted bodies.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyInit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::foundation::random::letters_and_digits;

use super::Case;
use super::scene::{Pattern, Webhook, changed, keys, written};

const DATA: &str = r#"{"name": "한 é + %20", "cf1": "0123456789abcdef0123456789abcdef"}"#;
const GCM: &str = "aes-256-gcm";
const ECB: &str = "aes-256-ecb";

pub(super) fn cases() -> Vec<Case> {
    [taken(), refused_under_both(), refused_under_one()].concat()
}

fn encrypted(encryption: &str) -> String {
    Webhook::of(DATA, &format!(r#","encryption":"{encryption}""#), false).body
}

/// The ciphertext: the value of `data`, the only member of an encrypted body.
fn data(body: &str) -> &str {
    body.strip_prefix(r#"{"data":""#).unwrap().strip_suffix(r#""}"#).unwrap()
}

fn body(data: &str) -> String {
    format!(r#"{{"data":"{data}"}}"#)
}

fn takes(name: &str, keys: &str, encryption: &str) -> Case {
    let plain = Webhook::of(DATA, "", false).body;
    Case::new("decrypt-body", name, Some(plain), &[keys, encryption, &encrypted(encryption)])
}

fn refuses(name: &str, keys: &str, encryption: &str, body: &str) -> Case {
    Case::new("decrypt-body", &format!("{encryption}, {name}"), None, &[keys, encryption, body])
}

fn taken() -> Vec<Case> {
    let [key, other] = keys().map(|key| written(&key));
    vec![
        takes("GCM", &key, GCM),
        takes("ECB", &key, ECB),
        takes("GCM, another key first", &format!("{other} {key}"), GCM),
        takes("ECB, another key first", &format!("{other} {key}"), ECB),
        takes("ECB, a wrong key first that decrypts by chance", &format!("kid={} {key}", seems_to_fit()), ECB),
    ]
}

/// A wrong key that decrypts the ECB body to bytes with valid padding. That happens by chance for one key in 256.
fn seems_to_fit() -> String {
    let ciphertext = BASE64_STANDARD.decode(data(&encrypted(ECB))).unwrap();
    let fits = |key: &String| {
        let cipher = ecb::Decryptor::<Aes256>::new(&<[u8; 32]>::try_from(key.as_bytes()).unwrap().into());
        cipher.decrypt_padded_vec::<Pkcs7>(&ciphertext).is_ok_and(|plain| !plain.starts_with(b"{"))
    };
    (0..=u8::MAX).map(|number| letters_and_digits(32, &Pattern(number))).find(fits).unwrap()
}

fn refused_under_both() -> Vec<Case> {
    let [key, other] = keys().map(|key| written(&key));
    let both = [(GCM, ECB), (ECB, GCM)].map(|(encryption, another)| {
        let good = encrypted(encryption);
        let letters = data(&good);
        vec![
            refuses("another key", &other, encryption, &good),
            refuses("without a key", "", encryption, &good),
            refuses("an empty key", "kid=", encryption, &good),
            refuses("a key of 16 letters", "kid=0123456789abcdef", encryption, &good),
            refuses("encrypted in the other mode", &key, encryption, &encrypted(another)),
            refuses("the last letters changed", &key, encryption, &body(&changed(letters, letters.len() - 6))),
            refuses("cut in the middle of a group", &key, encryption, &body(&letters[..letters.len() - 5])),
            refuses("cut to a few bytes", &key, encryption, &body(&letters[..24])),
            refuses("empty", &key, encryption, &body("")),
            refuses("not base64", &key, encryption, &body("!!!!")),
            refuses("without data", &key, encryption, "{}"),
            refuses("data that is a number", &key, encryption, r#"{"data":12345678}"#),
            refuses("an array", &key, encryption, "[]"),
            refuses("not JSON", &key, encryption, letters),
            refuses("an empty body", &key, encryption, ""),
            refuses("not encrypted", &key, encryption, &Webhook::of(DATA, "", false).body),
        ]
    });
    both.concat()
}

fn refused_under_one() -> Vec<Case> {
    let [key, _] = keys().map(|key| written(&key));
    let good = encrypted(GCM);
    let bytes = BASE64_STANDARD.decode(data(&good)).unwrap();
    let ecb = BASE64_STANDARD.decode(data(&encrypted(ECB))).unwrap();
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        body(&BASE64_STANDARD.encode(bytes))
    };
    vec![
        refuses("a bit of the nonce changed", &key, GCM, &flipped(0)),
        refuses("a bit of the ciphertext changed", &key, GCM, &flipped(40)),
        refuses("a bit of the tag changed", &key, GCM, &flipped(bytes.len() - 1)),
        refuses("only nonce and tag", &key, GCM, &body(&BASE64_STANDARD.encode(&bytes[bytes.len() - 28..]))),
        refuses("a tag of four bytes", &key, GCM, &body(&BASE64_STANDARD.encode(&bytes[..bytes.len() - 12]))),
        refuses("a block cut off", &key, ECB, &body(&BASE64_STANDARD.encode(&ecb[..ecb.len() - 16]))),
        refuses("a block in the middle changed", &key, ECB, &body(&changed(data(&encrypted(ECB)), 60))),
        refuses("a wrong key that decrypts by chance", &format!("kid={}", seems_to_fit()), ECB, &encrypted(ECB)),
    ]
}

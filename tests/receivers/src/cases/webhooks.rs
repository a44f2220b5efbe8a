//! Cases for webhooks: their headers and signatures.

use super::Case;
use super::scene::{NOW, Webhook, changed};

const DATA: &str = r#"{"submissionId": "sub_1", "name": "한 é + %20", "score": 1.0}"#;

/// Well-formed signatures that fit no webhook here. They come from the tests of Standard Webhooks.
const FOREIGN: [&str; 2] =
    ["Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", "tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ="];

pub(super) fn cases() -> Vec<Case> {
    [taken(), several_secrets(), refused_for_their_signature(), refused_for_their_headers()].concat()
}

fn webhook() -> Webhook {
    Webhook::of(DATA, "", false)
}

fn case(name: &str, is_taken: bool, now: i64, webhook: &Webhook) -> Case {
    let Webhook { secret, id, timestamp, signatures, body } = webhook;
    let now = now.to_string();
    let given = [secret, &now, id, timestamp, signatures, body].map(String::as_str);
    Case::new("verify-webhook", name, is_taken.then(|| id.clone()), &given)
}

fn taken() -> Vec<Case> {
    let good = webhook();
    let with = |signatures: String| Webhook { signatures, ..good.clone() };
    let rotating = Webhook::of(DATA, "", true);
    let [foreign, other] = FOREIGN;
    // The first public test vector: proof that does not come from our own code.
    let public = Webhook {
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(),
        id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".to_owned(),
        timestamp: "1649367553".to_owned(),
        signatures: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=".to_owned(),
        body: r#"{"email":"test@example.com","username":"test_user"}"#.to_owned(),
    };
    vec![
        case("as we send it", true, NOW, &good),
        case("the public test vector of Standard Webhooks", true, 1_649_367_553, &public),
        case("in the format of ARGOS", true, NOW, &Webhook::of(DATA, r#","format":"argos""#, false)),
        case("encrypted with GCM", true, NOW, &Webhook::of(DATA, r#","encryption":"aes-256-gcm""#, false)),
        case("encrypted with ECB", true, NOW, &Webhook::of(DATA, r#","encryption":"aes-256-ecb""#, false)),
        case("during a rotation, the new secret", true, NOW, &rotating),
        case(
            "during a rotation, the old secret",
            true,
            NOW,
            &Webhook { secret: good.secret.clone(), ..rotating.clone() },
        ),
        case("v1a beside v1", true, NOW, &Webhook::of(DATA, r#","signatures":["v1","v1a"]"#, false)),
        case(
            "the right one among several",
            true,
            NOW,
            &with(format!("v1,{foreign} v2,{other} {} v1,{other}", good.signatures)),
        ),
        case("an empty body", true, NOW, &Webhook { body: String::new(), ..good.clone() }.sign_again()),
        case("five minutes old", true, NOW + 300, &good),
        case("five minutes early", true, NOW - 300, &good),
    ]
}

/// Receivers that know more than one secret.
fn several_secrets() -> Vec<Case> {
    let (good, rotating) = (webhook(), Webhook::of(DATA, "", true));
    let (old, new) = (good.secret.clone(), rotating.secret.clone());
    let with = |secrets: &[&str], webhook: &Webhook| Webhook { secret: secrets.join(" "), ..webhook.clone() };
    let [foreign, _] = FOREIGN;
    let stranger = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    vec![
        case("the first of two secrets", true, NOW, &with(&[&old, stranger], &good)),
        case("the second of two secrets", true, NOW, &with(&[stranger, &old], &good)),
        case("two secrets during a rotation", true, NOW, &with(&[&old, &new], &rotating)),
        case(
            "the second secret fits the second signature",
            true,
            NOW,
            &Webhook { signatures: format!("v1,{foreign} {}", good.signatures), ..with(&[stranger, &old], &good) },
        ),
        case("no secret", false, NOW, &with(&[], &good)),
        case("two other secrets", false, NOW, &with(&[stranger, &new], &good)),
        case("a malformed secret beside the right one", false, NOW, &with(&[&old, "whsec_****"], &good)),
        case("a malformed secret before the right one", false, NOW, &with(&["whsec_****", &old], &good)),
    ]
}

fn refused_for_their_signature() -> Vec<Case> {
    let good = webhook();
    let refuses = |name: &str, webhook: Webhook| case(name, false, NOW, &webhook);
    let with = |signatures: &str| Webhook { signatures: signatures.to_owned(), ..good.clone() };
    let (_, bare) = good.signatures.split_once(',').unwrap();
    let [foreign, other] = FOREIGN;
    vec![
        refuses("another secret", Webhook { secret: Webhook::of(DATA, "", true).secret, ..good.clone() }),
        refuses("a changed body", Webhook { body: good.body.replace("1.0", "9.0"), ..good.clone() }),
        refuses("a re-serialised body", Webhook { body: good.body.replace(": ", ":"), ..good.clone() }),
        refuses("a body with an extra space", Webhook { body: format!("{} ", good.body), ..good.clone() }),
        refuses("a changed id", Webhook { id: changed(&good.id, 0), ..good.clone() }),
        refuses("a changed timestamp", Webhook { timestamp: (NOW + 1).to_string(), ..good.clone() }),
        refuses("no signature", with("")),
        refuses("an empty signature", with("v1,")),
        refuses("only v1a", Webhook::of(DATA, r#","signatures":["v1a"]"#, false)),
        refuses("only unknown versions", with(&format!("v2,{bare} v1a,{bare} v11,{bare}"))),
        refuses("several that do not fit", with(&format!("v1,{foreign} v1,{other}"))),
        refuses("a signature cut short", with(&good.signatures[..11])),
        refuses("a signature without its last letter", with(&good.signatures[..good.signatures.len() - 2])),
        refuses("a changed signature", with(&changed(&good.signatures, 20))),
        refuses("a signature without a version", with(bare)),
        refuses("a signature separated by a comma", with(&format!("v1,{foreign},{}", good.signatures))),
        refuses("an empty secret", Webhook { secret: String::new(), ..good.clone() }.sign_again()),
        refuses("a secret that is only a prefix", Webhook { secret: "whsec_".to_owned(), ..good.clone() }.sign_again()),
        refuses("a short secret", Webhook { secret: "whsec_AAAA".to_owned(), ..good.clone() }.sign_again()),
        refuses("a secret that is not base64", Webhook { secret: "whsec_****".to_owned(), ..good.clone() }),
    ]
}

/// All have a valid signature, so that only the named header can cause the refusal.
fn refused_for_their_headers() -> Vec<Case> {
    let good = webhook();
    let refuses = |name: &str, webhook: Webhook| case(name, false, NOW, &webhook.sign_again());
    let at = |timestamp: &str| Webhook { timestamp: timestamp.to_owned(), ..good.clone() };
    vec![
        case("too old", false, NOW + 301, &good),
        case("from the future", false, NOW - 301, &good),
        refuses("no id", Webhook { id: String::new(), ..good.clone() }),
        refuses("no timestamp", at("")),
        refuses("a timestamp that is not a number", at("hello")),
        refuses("a timestamp with a sign", at(&format!("+{NOW}"))),
        refuses("a timestamp with a space", at(&format!(" {NOW}"))),
        refuses("a timestamp with a fraction", at(&format!("{NOW}.5"))),
        refuses("a timestamp with an exponent", at("1764e6")),
        refuses("a timestamp in other digits", at("１７６４００００００")),
        refuses("a negative timestamp", at(&format!("-{NOW}"))),
        refuses("a huge timestamp", at("99999999999999999999999999")),
    ]
}

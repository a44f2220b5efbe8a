//! Cases for a whole receiver: it verifies, keeps, and works later.

use super::Case;
use super::scene::{NOW, Webhook, changed, keys, written};

/// Ids that are safe as names of files, and ids that are not. A signature proves who chose an id, and not that it is harmless.
fn ids() -> Vec<Case> {
    let case =
        |name: &str, expected: Option<&str>, id: &str| Case::new("keep", name, expected.map(ToOwned::to_owned), &[id]);
    vec![
        case("an id of ours", Some("kept"), &webhook(1, "").id),
        case("an id of another sender", Some("kept"), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
        case("the longest id", Some("kept"), &"a".repeat(64)),
        case("an id that is too long", None, &"a".repeat(65)),
        case("an empty id", None, ""),
        case("another folder", None, "../outside"),
        case("the folder above", None, ".."),
        case("a folder below", None, "a/b"),
        case("a backslash", None, r"..\outside"),
        case("a hidden file", None, ".hidden"),
        case("a space", None, "a b"),
        case("a letter that is not ASCII", None, "é"),
    ]
}

/// A request, and whether the work on it succeeds.
type Request = (Webhook, bool);

pub(super) fn cases() -> Vec<Case> {
    let [first, second, third] = [1, 2, 3].map(|sequence| webhook(sequence, ""));
    let loose = Webhook { body: second.body.replace(r#""sequence":2,"#, ""), ..second.clone() }.sign_again();
    assert_ne!(loose.body, second.body);
    let forged = Webhook { signatures: changed(&second.signatures, 20), ..second.clone() };
    let works = |webhook: &Webhook| (webhook.clone(), true);
    let fails = |webhook: &Webhook| (webhook.clone(), false);
    let again = Webhook { timestamp: (NOW + 60).to_string(), ..first.clone() }.sign_again();
    let receivers = vec![
        case("in order", "kept new, kept new, kept new", "", &[works(&first), works(&second), works(&third)]),
        case("out of order", "kept new, kept older, kept new", "", &[works(&second), works(&first), works(&third)]),
        case("a webhook twice", "kept new, seen", "", &[works(&first), works(&first)]),
        case("a retry with a new timestamp", "kept new, seen", "", &[works(&first), works(&again)]),
        case(
            "a retry after newer ones",
            "kept new, kept new, seen",
            "",
            &[works(&first), works(&second), works(&again)],
        ),
        case("a forged one", "kept new, refused, kept new", "", &[works(&first), works(&forged), works(&third)]),
        case("a forged one with the id of a later one", "refused, kept new", "", &[works(&forged), works(&second)]),
        case("failed work is done later", "kept failed, kept new new", "", &[fails(&first), works(&second)]),
        case("failed work is done at a retry", "kept failed, seen new", "", &[fails(&first), works(&again)]),
        case(
            "without a sequence",
            "kept new, kept new, kept older",
            "",
            &[works(&third), works(&loose), works(&first)],
        ),
        case(
            "encrypted with GCM",
            "kept new, kept older",
            "aes-256-gcm",
            &[2, 1].map(|sequence| works(&webhook(sequence, "aes-256-gcm"))),
        ),
        case(
            "encrypted with ECB",
            "kept new, kept older",
            "aes-256-ecb",
            &[2, 1].map(|sequence| works(&webhook(sequence, "aes-256-ecb"))),
        ),
    ];
    [ids(), receivers].concat()
}

pub(super) fn webhook(sequence: u64, encryption: &str) -> Webhook {
    let setting = format!(r#","encryption":"{encryption}""#);
    Webhook::numbered(sequence, if encryption.is_empty() { "" } else { &setting })
}

fn case(name: &str, expected: &str, encryption: &str, requests: &[Request]) -> Case {
    let [key, _] = keys().map(|key| written(&key));
    let secret = requests[0].0.secret.clone();
    let mut given = vec![secret, NOW.to_string(), key, encryption.to_owned()];
    for (webhook, works) in requests {
        let Webhook { id, timestamp, signatures, body, .. } = webhook.clone();
        given.extend([id, timestamp, signatures, body, if *works { "yes" } else { "no" }.to_owned()]);
    }
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    Case::new("receive", name, Some(expected.to_owned()), &given)
}

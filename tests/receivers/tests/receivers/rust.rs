//! Runs the cases on the Rust receiver.

use std::io;

use receivers::cases::Case;
use receivers::inbox;
use receivers::signpost::{self, Applied, Encryption, Refused, SecretKeys};
use serde_json::Value;

/// What the receiver returns for a case.
pub(crate) fn outcome(case: &Case) -> Result<String, Refused> {
    let given: Vec<&str> = case.given.iter().map(String::as_str).collect();
    match (case.function, given.as_slice()) {
        ("verify-webhook", [secrets, now, request @ ..]) => verify(secrets, now, request),
        ("decrypt-body", [keys, encryption, body]) => {
            signpost::decrypt_body(&keys_of(keys), encryption_of(encryption), body.as_bytes())
        }
        ("verify-return-url", [keys, now, query]) => {
            let parameters = signpost::verify_return_url(&keys_of(keys), query, now.parse().unwrap())?;
            let lines: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            Ok(lines.join("; "))
        }
        ("decrypt-return-url", [keys, encryption, query]) => {
            signpost::decrypt_return_url(&keys_of(keys), encryption_of(encryption), query)
        }
        ("apply", [last, sequence]) => Ok(word(signpost::apply(last.parse().ok(), sequence.parse().ok())).to_owned()),
        ("keep", [id]) => {
            let folder = tempfile::tempdir().unwrap();
            let is_kept = inbox::keep(folder.path(), id, b"{}").map_err(|_| Refused)?;
            Ok(if is_kept { "kept" } else { "seen" }.to_owned())
        }
        ("receive", [secrets, now, keys, encryption, requests @ ..]) => {
            Ok(receive((secrets, now), (keys, encryption), requests))
        }
        other => panic!("{other:?}"),
    }
}

/// Verifies a request: `webhook-id`, `webhook-timestamp`, `webhook-signature` and body.
fn verify(secrets: &str, now: &str, request: &[&str]) -> Result<String, Refused> {
    let secrets: Vec<&str> = secrets.split_whitespace().collect();
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let header = |name: &str| {
        let at = names.iter().position(|header| *header == name)?;
        Some(request[at]).filter(|value| !value.is_empty())
    };
    signpost::verify_webhook(&secrets, header, request[3].as_bytes(), now.parse().unwrap()).map(ToOwned::to_owned)
}

fn receive((secrets, now): (&str, &str), (keys, encryption): (&str, &str), requests: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (mut last, mut said) = (None, Vec::new());
    for request in requests.chunks(5) {
        let mut happened = vec![match verify(secrets, now, request) {
            Ok(id) if inbox::keep(folder.path(), &id, request[3].as_bytes()).unwrap() => "kept",
            Ok(_) => "seen",
            Err(Refused) => "refused",
        }];
        let worked = inbox::work(folder.path(), |_, body| {
            if request[4] == "no" {
                return Err(io::Error::other("the work fails"));
            }
            let sequence = sequence(keys, encryption, body);
            let outcome = signpost::apply(last, sequence);
            last = if outcome == Applied::New { sequence.or(last) } else { last };
            happened.push(word(outcome));
            Ok(())
        });
        happened.extend(worked.is_err().then_some("failed"));
        said.push(happened.join(" "));
    }
    said.join(", ")
}

fn sequence(keys: &str, encryption: &str, body: &[u8]) -> Option<u64> {
    let text = match encryption {
        "" => String::from_utf8(body.to_vec()).unwrap(),
        _ => signpost::decrypt_body(&keys_of(keys), encryption_of(encryption), body).unwrap(),
    };
    serde_json::from_str::<Value>(&text).unwrap()["sequence"].as_u64()
}

fn word(outcome: Applied) -> &'static str {
    match outcome {
        Applied::New => "new",
        Applied::Seen => "seen",
        Applied::Older => "older",
    }
}

fn keys_of(text: &str) -> SecretKeys {
    let keys = text.split_whitespace().filter_map(|key| key.split_once('='));
    keys.map(|(kid, key)| (kid.to_owned(), key.to_owned())).collect()
}

fn encryption_of(name: &str) -> Encryption {
    if name == "aes-256-gcm" { Encryption::Aes256Gcm } else { Encryption::Aes256Ecb }
}

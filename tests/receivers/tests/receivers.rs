//! The receivers of `docs/receivers`, each in its own language, on all cases.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use receivers::cases::{self, Case};
use receivers::runtimes::{self, GO, JAVA, JAVAC, NODE, OPENSSL, PHP, RUBY, compare, file, output, script};
use receivers::signpost::{self, Encryption, Refused, SecretKeys};

#[test]
fn the_cases_are_what_our_own_code_makes() {
    let (path, made) = (runtimes::case_file(), cases::file());
    if std::env::var_os("RECEIVER_CASES").is_some_and(|wish| wish == "write") {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap();
    assert!(kept == made, "cases.tsv is of another time; RECEIVER_CASES=write has this test write it anew");
}

#[test]
fn no_two_cases_have_the_same_name() {
    let mut names: Vec<String> = cases::all().into_iter().map(|case| case.name).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn node() {
    compare(script(&mut NODE.required(), file("tests/receivers/drivers/driver.mjs")));
}

#[tokio::test]
async fn python() {
    let requirements = file("tests/receivers/requirements.txt");
    let python = stack::tools::python_with("receivers", &requirements).await.unwrap_or_else(|error| panic!("{error}"));
    compare(script(&mut Command::new(python), file("tests/receivers/drivers/driver.py")));
}

#[test]
fn java() {
    let classes = tempfile::tempdir().unwrap();
    let sources = ["docs/receivers/java/Signpost.java", "tests/receivers/drivers/Driver.java"].map(file);
    output(JAVAC.required().args(["-encoding", "UTF-8", "-d"]).arg(classes.path()).args(sources));
    compare(JAVA.required().arg("-cp").arg(classes.path()).arg("Driver"));
}

#[test]
fn go() {
    let Some(mut go) = GO.optional() else { return };
    let module = tempfile::tempdir().unwrap();
    let files =
        [("docs/receivers/go/signpost.go", "signpost/signpost.go"), ("tests/receivers/drivers/driver.go", "main.go")];
    runtimes::copy(module.path(), files);
    fs::write(module.path().join("go.mod"), "module receivers\n\ngo 1.19\n").unwrap();
    go.current_dir(module.path()).args(["build", "-o", "driver", "."]);
    go.envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")]);
    output(go.env("GOCACHE", runtimes::cache("go")));
    compare(&mut Command::new(module.path().join("driver")));
}

#[test]
fn php() {
    let Some(mut php) = PHP.optional() else { return };
    compare(script(&mut php, file("tests/receivers/drivers/driver.php")));
}

#[test]
fn ruby() {
    let Some(mut ruby) = RUBY.optional() else { return };
    compare(script(ruby.arg("-w"), file("tests/receivers/drivers/driver.rb")));
}

#[test]
fn rust() {
    runtimes::compare_with(|case| outcome(case).ok());
}

fn outcome(case: &Case) -> Result<String, Refused> {
    let given: Vec<&str> = case.given.iter().map(String::as_str).collect();
    match (case.function, given.as_slice()) {
        ("verify-webhook", [secret, now, id, timestamp, signatures, body]) => {
            let headers = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signatures)];
            let header = |name: &str| {
                let (_, value) = headers.iter().find(|(header, _)| *header == name)?;
                Some(**value).filter(|value| !value.is_empty())
            };
            signpost::verify_webhook(secret, header, body.as_bytes(), now.parse().unwrap()).map(ToOwned::to_owned)
        }
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
        other => panic!("{other:?}"),
    }
}

fn keys_of(text: &str) -> SecretKeys {
    let keys = text.split_whitespace().filter_map(|key| key.split_once('='));
    keys.map(|(kid, key)| (kid.to_owned(), key.to_owned())).collect()
}

fn encryption_of(name: &str) -> Encryption {
    if name == "aes-256-gcm" { Encryption::Aes256Gcm } else { Encryption::Aes256Ecb }
}

#[test]
fn openssl_decrypts_all_that_is_aes_256_ecb() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for case in cases::all() {
        let [_, encryption, sent] = case.given.as_slice() else { continue };
        let Some(expected) = case.expected.filter(|_| encryption == "aes-256-ecb") else { continue };
        let ciphertext = ciphertext(case.function, sent);
        let path = folder.path().join("ciphertext");
        fs::write(&path, BASE64_STANDARD.decode(ciphertext).unwrap()).unwrap();
        let opened = case.given[0].split(' ').filter_map(|key| key.split_once('=')).find_map(|(_, key)| {
            let hex = key.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            let mut openssl = OPENSSL.required();
            let openssl = openssl.args(["enc", "-d", "-aes-256-ecb", "-K", &hex, "-in"]).arg(&path);
            // With another key the padding may look right by chance.
            let output = openssl.output().unwrap();
            (output.status.success() && output.stdout.starts_with(b"{")).then_some(output.stdout)
        });
        assert_eq!(opened.as_deref(), Some(expected.as_bytes()), "{}", case.name);
        count += 1;
    }
    assert!(count > 4, "{count}");
}

fn ciphertext(function: &str, sent: &str) -> String {
    if function == "decrypt-body" {
        let body: serde_json::Value = serde_json::from_str(sent).unwrap();
        return body["data"].as_str().unwrap().to_owned();
    }
    let mut parameters = url::form_urlencoded::parse(sent.as_bytes());
    parameters.find(|(name, _)| name == "encrypted").unwrap().1.into_owned()
}

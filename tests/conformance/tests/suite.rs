//! Runs cases with small senders of this test.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]
#![expect(clippy::disallowed_methods, reason = "the senders of this test read the clock")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use conformance::case::{self, Case};
use conformance::signature;
use conformance::suite::{self, Options, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A sender that a test makes right or wrong.
#[derive(Clone, Copy)]
struct Sender {
    secret: &'static str,
    attempts: usize,
    follows_redirects: bool,
}

const RIGHT: Sender = Sender { secret: SECRET, attempts: 2, follows_redirects: false };

impl Sender {
    /// Sends one event until it is answered with success. Gives up early if the receiver does not answer.
    async fn send(self, url: String) {
        for _ in 0..self.attempts {
            let answer = self.post(&url).await;
            let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
            if let Some(location) = location.filter(|_| self.follows_redirects) {
                self.post(location).await;
                return;
            }
            if answer.starts_with("HTTP/1.1 2") && answer.contains("\r\n\r\n") {
                return;
            }
        }
    }

    async fn post(self, url: &str) -> String {
        // Also `https` without TLS, as no sender should.
        let (authority, path) = url.split_once("://").unwrap().1.split_once('/').unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
        let signature = signature::sign(self.secret, "msg_1", &now, b"{}");
        let request = format!(
            "POST /{path} HTTP/1.1\r\nhost: {authority}\r\nwebhook-id: msg_1\r\nwebhook-timestamp: {now}\r\n\
             webhook-signature: {signature}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A case can answer with a reset.
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn cases(only: &[&str]) -> Vec<Case> {
    let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
    case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"), &only).unwrap()
}

fn options(driver: Vec<String>) -> Options {
    Options {
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        secrets: vec![SECRET.to_owned()],
        driver,
        patience: Duration::from_secs(1),
        quiet: Duration::from_millis(300),
        jobs: 1,
    }
}

/// Runs one case of the folder with a sender, and returns its verdict.
async fn judge(name: &str, sender: Sender) -> Verdict {
    let (options, cases) = (options(Vec::new()), cases(&[name]));
    let receivers = suite::start(&cases, &options).await.unwrap();
    let sending = tokio::spawn(sender.send(receivers.of(&cases[0]).url.clone()));
    let mut outcomes = suite::run(cases, &receivers, &options, |_| ()).await;
    sending.await.unwrap();
    outcomes.remove(0).verdict
}

fn failed(fault: &str) -> Verdict {
    Verdict::Failed(vec![fault.to_owned()])
}

#[test]
fn all_cases_have_the_right_form() {
    let all = cases(&[]);
    assert!(all.len() > 40, "{}", all.len());
    for case in all {
        assert!(!case.rule.is_empty(), "{}", case.name);
        assert!(case.expect.requests.min <= case.expect.requests.max, "{}", case.name);
    }
}

#[tokio::test]
async fn a_right_sender_passes() {
    for name in ["success-200", "success-204", "success-of-an-old-server", "retry-500", "redirect-302"] {
        // The sender does not know HTTP/1.0.
        let attempts = if name == "success-of-an-old-server" { 1 } else { 2 };
        assert_eq!(judge(name, Sender { attempts, ..RIGHT }).await, Verdict::Passed, "{name}");
    }
}

#[tokio::test]
async fn a_right_sender_passes_when_the_receiver_breaks_off() {
    for name in ["reset", "close", "not-http", "cut-short"] {
        assert_eq!(judge(name, RIGHT).await, Verdict::Passed, "{name}");
    }
}

#[tokio::test]
async fn wrong_senders_fail() {
    let no_retry = Sender { attempts: 1, ..RIGHT };
    assert_eq!(judge("retry-500", no_retry).await, failed("1 requests instead of 2"));
    let bad_signature = Sender { secret: OTHER, ..RIGHT };
    let fault = "request 1: no v1 signature fits id, timestamp and body";
    assert_eq!(judge("success-200", bad_signature).await, failed(fault));
    let follows = Sender { follows_redirects: true, ..RIGHT };
    let faults = ["1 requests instead of 2", "followed a redirect"].map(str::to_owned).to_vec();
    assert_eq!(judge("redirect-302", follows).await, Verdict::Failed(faults));
    let hurries = judge("retry-after-seconds-429", RIGHT).await;
    let Verdict::Failed(faults) = hurries else { panic!("{hurries:?}") };
    assert!(faults[0].starts_with("waited 0.0 s"), "{faults:?}");
    let plain = judge("no-tls", Sender { attempts: 1, ..RIGHT }).await;
    let faults = ["1 requests instead of 0", "0 TLS handshakes broken off instead of at least 2"];
    assert_eq!(plain, Verdict::Failed(faults.map(str::to_owned).to_vec()));
    for name in ["untrusted-certificate", "no-tls"] {
        let silent = judge(name, Sender { attempts: 0, ..RIGHT }).await;
        assert_eq!(silent, failed("0 TLS handshakes broken off instead of at least 2"), "{name}");
    }
}

#[tokio::test]
async fn a_case_with_several_steps_is_skipped_without_a_driver() {
    let verdict = judge("replay", RIGHT).await;
    assert!(matches!(verdict, Verdict::Skipped(_)), "{verdict:?}");
}

/// A driver can start a sender that goes on after the last action, and keeps its files in the folder of the case.
#[tokio::test]
async fn the_folder_of_a_driver_stays_until_the_verdict() {
    let report = tempfile::NamedTempFile::new().unwrap();
    let script = r#"[ "$CONFORMANCE_ACTION" = publish ] || exit 0
        (sleep 0.5; [ -d "$CONFORMANCE_FOLDER" ] && echo there > "$1") < /dev/null > /dev/null 2>&1 &"#;
    let driver = ["sh", "-c", script, "driver", report.path().to_str().unwrap()].map(str::to_owned).to_vec();
    let (options, cases) = (options(driver), cases(&["success-200"]));
    let receivers = suite::start(&cases, &options).await.unwrap();

    let outcomes = suite::run(cases, &receivers, &options, |_| ()).await;

    assert_eq!(outcomes[0].verdict, failed("0 requests instead of 1"));
    assert_eq!(std::fs::read_to_string(report.path()).unwrap(), "there\n");
}

#[tokio::test]
async fn a_driver_that_fails_or_cannot_do_an_action_is_named() {
    for (code, expected) in
        [(3, Verdict::Skipped("the sender cannot create".to_owned())), (1, failed("the driver cannot create: no"))]
    {
        let script = format!("echo yes; echo no >&2; exit {code}");
        let (options, cases) = (options(["sh", "-c", &script].map(str::to_owned).to_vec()), cases(&["success-200"]));
        let receivers = suite::start(&cases, &options).await.unwrap();
        let outcomes = suite::run(cases, &receivers, &options, |_| ()).await;
        assert_eq!(outcomes[0].verdict, expected);
    }
}

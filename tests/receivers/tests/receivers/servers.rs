//! Starts the server of each language, and sends webhooks to it over HTTP.

use std::time::Duration;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::random::SystemRandom;
use domain::webhooks::signature::SigningSecret;
use receivers::cases;
use reqwest::Client;
use tokio::task::JoinSet;

use crate::program::{Language, Program, Server};

/// A webhook to send.
#[derive(Clone)]
struct Webhook {
    id: String,
    body: String,
    signature: String,
    seconds: i64,
    is_test: bool,
}

impl Webhook {
    /// The webhook of an event with this `sequence`, signed now.
    fn new(sequence: u64, encryption: &str, secret: &SigningSecret) -> Self {
        let (id, body) = cases::webhook(sequence, encryption);
        let now = SystemClock.now();
        let signature = secret.sign(id.parse().unwrap(), now, body.as_bytes());
        Self { id, body, signature, seconds: now.as_seconds(), is_test: false }
    }

    /// Sends it. Returns the status of the answer.
    async fn send(self, client: Client, url: String) -> u16 {
        let mut request = client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", self.id)
            .header("webhook-timestamp", self.seconds)
            .header("webhook-signature", self.signature);
        if self.is_test {
            request = request.header("webhook-test", "true");
        }
        request.body(self.body).send().await.unwrap().status().as_u16()
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap()
}

async fn send(server: &Server, webhook: &Webhook) -> u16 {
    webhook.clone().send(client(), server.url.clone()).await
}

/// Sends a webhook several times at once. Returns the statuses of the answers.
async fn send_at_once(server: &Server, webhook: &Webhook) -> Vec<u16> {
    let client = client();
    let sends = (0..4).map(|_| webhook.clone().send(client.clone(), server.url.clone()));
    sends.collect::<JoinSet<u16>>().join_all().await
}

/// The server verifies with two secrets, handles each webhook once, and ignores older events, also after a crash.
async fn verify_drop_and_ignore(program: &Program) {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, other] = [(); 3].map(|()| SigningSecret::generate(&SystemRandom));
    let secrets = format!("{} {}", first.expose(), second.expose());
    let [one, two, three, five] = [1, 2, 3, 5].map(|sequence| Webhook::new(sequence, "", &first));
    let [four, six, seven] = [4, 6, 7].map(|sequence| Webhook::new(sequence, "", &second));
    let forged = Webhook::new(3, "", &other);
    let changed = Webhook { body: three.body.replace("approved", "rejected"), ..three.clone() };
    let test = Webhook { is_test: true, ..five };

    let mut server = program.start(&folder, [("SIGNING_SECRETS", &secrets)]).await;
    assert_eq!(send_at_once(&server, &two).await, [204; 4]);
    assert_eq!(server.handled().await, format!("new approved {}", two.id));
    assert_eq!(send(&server, &two).await, 204);
    assert_eq!(send(&server, &one).await, 204);
    assert_eq!(server.handled().await, format!("older approved {}", one.id), "the second is not handled again");
    assert_eq!(send(&server, &forged).await, 400);
    assert_eq!(send(&server, &changed).await, 400);
    assert_eq!(send(&server, &test).await, 204);
    for webhook in [&four, &six] {
        assert_eq!(send(&server, webhook).await, 204);
        assert_eq!(server.handled().await, format!("new approved {}", webhook.id), "refused ones are not handled");
    }
    assert_eq!(server.kill().await, [""; 0]);

    let mut server = program.start(&folder, [("SIGNING_SECRETS", &secrets)]).await;
    assert_eq!(send(&server, &four).await, 204);
    assert_eq!(send(&server, &three).await, 204);
    let mut handled = server.handled().await;
    if handled == format!("seen approved {}", six.id) {
        // The crash came after the work, and before the webhook was marked as done. The work is not repeated.
        handled = server.handled().await;
    }
    assert_eq!(handled, format!("older approved {}", three.id), "the server remembers ids and sequences");
    assert_eq!(send(&server, &seven).await, 204);
    assert_eq!(server.handled().await, format!("new approved {}", seven.id));
}

/// The server answers before it decrypts, keeps what it cannot handle yet, and handles it after the next start.
async fn decrypt_later(program: &Program, encryption: &str) {
    let folder = tempfile::tempdir().unwrap();
    let secret = SigningSecret::generate(&SystemRandom);
    let [one, two] = [1, 2].map(|sequence| Webhook::new(sequence, encryption, &secret));
    let (signing, wrong) = (secret.expose(), format!("old={}", "a".repeat(32)));
    let right = format!("{wrong} {}", cases::secret_key());
    let variables = |keys| [("SIGNING_SECRETS", &*signing), ("ENCRYPTION", encryption), ("SECRET_KEYS", keys)];

    let server = program.start(&folder, variables(&wrong)).await;
    for webhook in [&one, &two] {
        assert_eq!(send(&server, webhook).await, 204);
    }
    assert_eq!(server.kill().await, [""; 0]);

    let mut server = program.start(&folder, variables(&right)).await;
    for webhook in [&one, &two] {
        assert_eq!(server.handled().await, format!("new approved {}", webhook.id));
    }
}

async fn do_all_five(language: Language) {
    let Some(program) = Program::of(language).await else { return };
    verify_drop_and_ignore(&program).await;
    for encryption in ["aes-256-gcm", "aes-256-ecb"] {
        decrypt_later(&program, encryption).await;
    }
}

#[tokio::test]
async fn the_server_in_node_does_all_five_things() {
    do_all_five(Language::Node).await;
}

#[tokio::test]
async fn the_server_in_python_does_all_five_things() {
    do_all_five(Language::Python).await;
}

#[tokio::test]
async fn the_server_in_java_does_all_five_things() {
    do_all_five(Language::Java).await;
}

#[tokio::test]
async fn the_server_in_go_does_all_five_things() {
    do_all_five(Language::Go).await;
}

#[tokio::test]
async fn the_server_in_php_does_all_five_things() {
    do_all_five(Language::Php).await;
}

#[tokio::test]
async fn the_server_in_ruby_does_all_five_things() {
    do_all_five(Language::Ruby).await;
}

#[tokio::test]
async fn the_server_in_rust_does_all_five_things() {
    do_all_five(Language::Rust).await;
}

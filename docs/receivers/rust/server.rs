//! A server that receives webhooks of Signpost. Copy this file as `main.rs`, with `signpost.rs` and `inbox.rs` beside it.
//! README.md lists the crates that it needs, and says how to run it.

pub mod inbox;
pub mod signpost;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use signpost::{Applied, Encryption, SecretKeys};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    fs::create_dir_all("inbox")?;
    fs::create_dir_all("submissions")?;
    let secrets = variable("SIGNING_SECRETS").ok_or("SIGNING_SECRETS is not set")?;
    let (arrived, wakes) = mpsc::channel();
    let receiver = Arc::new((secrets, arrived));
    let decryption = match variable("ENCRYPTION").as_deref() {
        None => None,
        Some("aes-256-gcm") => Some((secret_keys(), Encryption::Aes256Gcm)),
        Some("aes-256-ecb") => Some((secret_keys(), Encryption::Aes256Ecb)),
        Some(_) => return Err("ENCRYPTION must be aes-256-gcm or aes-256-ecb".into()),
    };
    let listener = TcpListener::bind(format!("127.0.0.1:{}", variable("PORT").unwrap_or("3000".to_owned()))).await?;
    println!("listening on http://{}", listener.local_addr()?);
    thread::spawn(move || work_later(decryption.as_ref(), &wakes));
    Ok(axum::serve(listener, Router::new().fallback(receive).with_state(receiver)).await?)
}

async fn receive(
    State(receiver): State<Arc<(String, Sender<()>)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, StatusCode> {
    let (secrets, arrived) = &*receiver;
    let secrets: Vec<&str> = secrets.split_whitespace().collect();
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let now = UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    // 1. Verify the raw bytes. While a secret is rotated, there are several.
    let id = signpost::verify_webhook(&secrets, header, &body, now.try_into().unwrap_or(0)).map_err(|refused| {
        eprintln!("not accepted: {refused}");
        // After this status and the next one, Signpost sends the webhook again.
        StatusCode::BAD_REQUEST
    })?;
    // 3. Drop webhooks that were seen: `keep` stores each id once. A test is only answered.
    if header("webhook-test") != Some("true") {
        let id = id.to_owned();
        let kept = spawn_blocking(move || inbox::keep(Path::new("inbox"), &id, &body)).await;
        kept.map_err(io::Error::other).flatten().map_err(|error| {
            eprintln!("not accepted: {error}");
            StatusCode::INTERNAL_SERVER_ERROR
        })?;
        // It fails only while the program ends. The next start works on what is stored.
        let _ = arrived.send(());
    }
    // 5. Answer at once. The webhook is stored, so the work can wait.
    Ok(StatusCode::NO_CONTENT)
}

/// Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later.
fn handle(decryption: Option<&(SecretKeys, Encryption)>, id: &str, body: &[u8]) -> io::Result<()> {
    // 2. Decrypt the body, if the endpoint has an encryption.
    let event: Value = match decryption {
        None => serde_json::from_slice(body)?,
        Some((keys, encryption)) => {
            serde_json::from_str(&signpost::decrypt_body(keys, *encryption, body).map_err(io::Error::other)?)?
        }
    };
    let (submission, sequence) = (event["submissionId"].as_str(), event["sequence"].as_u64());
    let last = last_sequence(submission)?;
    // 4. Ignore an event that is older than the last one of its submission.
    let outcome = match signpost::apply(last, sequence) {
        Applied::New => {
            update(submission, &event["type"], sequence.or(last))?;
            "new"
        }
        Applied::Seen => "seen",
        Applied::Older => "older",
    };
    println!("{outcome} {} {id}", event["type"].as_str().unwrap_or_default());
    Ok(())
}

// Replace these three functions by a table of your database. A file has the status and the sequence of a submission.

fn last_sequence(submission: Option<&str>) -> io::Result<Option<u64>> {
    let Some(submission) = submission else { return Ok(None) };
    match fs::read(file_of(submission)) {
        Ok(stored) => Ok(serde_json::from_slice::<Value>(&stored)?["sequence"].as_u64()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stores the status and the sequence together, so that a crash cannot separate them.
fn update(submission: Option<&str>, status: &Value, sequence: Option<u64>) -> io::Result<()> {
    let Some(submission) = submission else { return Ok(()) };
    let file = file_of(submission);
    let draft = file.with_extension("new");
    fs::write(&draft, json!({ "submission": submission, "status": status, "sequence": sequence }).to_string())?;
    fs::rename(draft, file)
}

/// Ids of submissions can have characters that names of files cannot have.
fn file_of(submission: &str) -> PathBuf {
    Path::new("submissions").join(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(submission)))
}

/// 5. Works when the server starts, after each webhook, and every ten seconds in case the work failed.
fn work_later(decryption: Option<&(SecretKeys, Encryption)>, arrived: &Receiver<()>) {
    loop {
        // Signals that came until now are for webhooks that are stored.
        while arrived.try_recv().is_ok() {}
        if let Err(error) = inbox::work(Path::new("inbox"), |id, body| handle(decryption, id, body)) {
            eprintln!("work failed: {error}");
        }
        let _ = arrived.recv_timeout(Duration::from_secs(10));
    }
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name)?.into_string().ok()
}

fn secret_keys() -> SecretKeys {
    let keys = variable("SECRET_KEYS").unwrap_or_default();
    keys.split_whitespace()
        .filter_map(|key| key.split_once('='))
        .map(|(id, key)| (id.to_owned(), key.to_owned()))
        .collect()
}

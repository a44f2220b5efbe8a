//! Runs the readers of the feed in Node.js, Python and Rust against a small server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::http::StatusCode;
use receivers::feed::{Error, Feed, Reader};
use receivers::feed_server::{FeedServer, KEY, PROJECT, RETRY_AFTER_SECONDS};
use receivers::inbox;
use receivers::runtimes::{self, file, script};
use serde_json::Value;
use stack::node::Node;
use tempfile::TempDir;
use tokio::process::Command;

#[derive(Debug, Clone, Copy)]
enum Language {
    Node,
    Python,
    Rust,
}

const LANGUAGES: [Language; 3] = [Language::Node, Language::Python, Language::Rust];

/// A program that reads the feed. Its folder keeps the cursor and the events between runs.
struct Program {
    language: Language,
    folder: TempDir,
    key: &'static str,
}

impl Program {
    fn new(language: Language) -> Self {
        Self { language, folder: tempfile::tempdir().unwrap(), key: KEY }
    }

    /// Runs the program until it has caught up, or until it crashes after the event `crash_at`. Returns what it printed.
    async fn run(&self, server: &FeedServer, crash_at: Option<&str>) -> Vec<String> {
        let folder = self.folder.path();
        let (mut command, driver) = match self.language {
            Language::Node => (Node::find().await.unwrap().command(), "tests/receivers/drivers/feed.mjs"),
            Language::Python => (runtimes::python().await, "tests/receivers/drivers/feed.py"),
            Language::Rust => return run_rust(&server.url, self.key, folder, crash_at).await,
        };
        script(&mut command, file(driver)).args([&server.url, PROJECT, self.key]).arg(folder).args(crash_at);
        let output = Command::from(command).stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        let expected = if crash_at.is_some() { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
    }
}

async fn run_rust(api: &str, key: &str, folder: &Path, crash_at: Option<&str>) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let inbox = folder.join("inbox");
    fs::create_dir_all(&inbox).unwrap();
    let crash_at = crash_at.map(ToOwned::to_owned);
    let mut reader = Printer { cursor: folder.join("cursor"), inbox, crash_at, printed: Vec::new() };
    let feed = Feed { api, project: PROJECT, key, wait: 0, limit: 4 };
    let read = feed.catch_up(&client, &mut reader).await;
    if let Err(error) = read
        && reader.crash_at.is_none()
    {
        assert!(error.to_string().starts_with("401"), "{error}");
        reader.printed.push("refused".to_owned());
    }
    reader.printed
}

struct Printer {
    cursor: PathBuf,
    inbox: PathBuf,
    crash_at: Option<String>,
    printed: Vec<String>,
}

impl Reader for Printer {
    fn load(&mut self) -> Result<Option<String>, Error> {
        if self.cursor.exists() { Ok(Some(fs::read_to_string(&self.cursor)?)) } else { Ok(None) }
    }

    fn store(&mut self, cursor: &str) -> Result<(), Error> {
        let draft = self.cursor.with_extension("new");
        fs::write(&draft, cursor)?;
        Ok(fs::rename(draft, &self.cursor)?)
    }

    fn handle(&mut self, event: &Value) -> Result<(), Error> {
        let id = event["id"].as_str().ok_or("no id")?;
        let is_kept = inbox::keep(&self.inbox, id, event.to_string().as_bytes())?;
        self.printed.push(format!("{id} {} {}", event["sequence"], if is_kept { "kept" } else { "seen" }));
        if self.crash_at.as_deref() == Some(id) { Err("crashed".into()) } else { Ok(()) }
    }
}

/// What a program prints for the events with these numbers.
fn lines(numbers: impl IntoIterator<Item = usize>, word: &str) -> Vec<String> {
    numbers.into_iter().map(|number| format!("event-{number:03} {number} {word}")).collect()
}

#[tokio::test]
async fn a_reader_gets_every_event_once_and_goes_on_where_it_ended() {
    for language in LANGUAGES {
        let (server, program) = (FeedServer::start(10, []).await.unwrap(), Program::new(language));

        assert_eq!(program.run(&server, None).await, lines(1..=10, "kept"), "{language:?}");
        let cursors: Vec<_> = server.calls().into_iter().map(|call| call.after).collect();
        let cursor = |end: usize| Some(format!("cursor:{end}"));
        assert_eq!(cursors, [None, cursor(4), cursor(8)], "{language:?}");

        assert!(program.run(&server, None).await.is_empty(), "{language:?}");
        server.publish();
        assert_eq!(program.run(&server, None).await, lines([11], "kept"), "{language:?}");
    }
}

#[tokio::test]
async fn a_reader_that_crashed_before_it_stored_the_cursor_gets_the_page_again() {
    for language in LANGUAGES {
        let (server, program) = (FeedServer::start(10, []).await.unwrap(), Program::new(language));

        assert_eq!(program.run(&server, Some("event-006")).await, lines(1..=6, "kept"), "{language:?}");
        let again = [lines(5..=6, "seen"), lines(7..=10, "kept")].concat();
        assert_eq!(program.run(&server, None).await, again, "{language:?}");
        let kept = fs::read_dir(program.folder.path().join("inbox")).unwrap();
        let mut kept: Vec<_> = kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        kept.sort();
        assert_eq!(kept, server.ids(), "{language:?}");
    }
}

#[tokio::test]
async fn an_empty_page_is_not_the_end_if_there_are_more() {
    for language in LANGUAGES {
        let (server, program) = (FeedServer::start(2, []).await.unwrap(), Program::new(language));
        server.search_longer();

        assert_eq!(program.run(&server, None).await, lines(1..=2, "kept"), "{language:?}");
    }
}

#[tokio::test]
async fn a_limited_reader_waits_as_long_as_retry_after_says() {
    for language in LANGUAGES {
        let answers = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        let (server, program) = (FeedServer::start(2, answers).await.unwrap(), Program::new(language));

        assert_eq!(program.run(&server, None).await, lines(1..=2, "kept"), "{language:?}");
        let calls = server.calls();
        let pauses: Vec<_> = calls.windows(2).take(2).map(|pair| pair[1].at - pair[0].at).collect();
        assert!(
            pauses.iter().all(|pause| *pause >= Duration::from_secs(RETRY_AFTER_SECONDS)),
            "{language:?}: {pauses:?}"
        );
        assert_eq!(calls[2].status, StatusCode::OK, "{language:?}");
    }
}

#[tokio::test]
async fn a_reader_with_a_wrong_key_ends_with_an_error() {
    for language in LANGUAGES {
        let server = FeedServer::start(2, []).await.unwrap();
        let program = Program { key: "sp_test_other", ..Program::new(language) };

        assert_eq!(program.run(&server, None).await, ["refused"], "{language:?}");
        assert_eq!(server.calls().len(), 1, "{language:?}");
    }
}

//! Follows cli/README.md from an empty folder to verified webhooks, with the servers of its page.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use e2e::{run, stack};
use stack::Stack;
use stack::progress::Progress;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::listen::test_project;
use crate::program::{Ended, Printed, printed, signpost, wait_for_line};

trials! {
    a_developer_with_node_follows_the_page_to_verified_webhooks,
    a_developer_with_python_follows_the_page_to_verified_webhooks,
}

const PAGE: &str = "cli/README.md";

fn a_developer_with_node_follows_the_page_to_verified_webhooks() {
    run(follow_the_page(Language {
        program: "node",
        server: "server.mjs",
        receiver: "node/signpost.mjs",
        first_line: "// server.mjs\n",
        reads_body: "const body = ",
        captures: "const { writeFileSync }",
    }));
}

fn a_developer_with_python_follows_the_page_to_verified_webhooks() {
    run(follow_the_page(Language {
        program: "python3",
        server: "server.py",
        receiver: "python/signpost.py",
        first_line: "# server.py\n",
        reads_body: "body = ",
        captures: "        open(",
    }));
}

/// What the page says for a language.
struct Language {
    program: &'static str,
    /// Name of the file in the developer's folder.
    server: &'static str,
    /// The file that is copied from docs/receivers.
    receiver: &'static str,
    /// How the code of the server, its line that reads the body, and the code that captures a webhook begin.
    first_line: &'static str,
    reads_body: &'static str,
    captures: &'static str,
}

async fn follow_the_page(language: Language) {
    let stack = stack().await;
    let (project, key) = test_project(stack, &format!("/tutorial/{}", language.program)).await;
    let started_at = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    write_server(&language, folder.path());
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let forward = format!("http://127.0.0.1:{port}/hook");
    let arguments = ["listen", "--forward", &forward, "--project", &project];
    let start_to_listen = || {
        let mut listen = signpost(stack, &key, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = printed(&mut listen);
        (listen, lines)
    };
    let simulate = async || {
        let ended = Ended::of(signpost(stack, &key, &["simulate", "approved", "--project", &project])).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };

    let (mut listen, mut lines) = start_to_listen();
    let line = wait_for_line(&mut lines, "Signing secret").await;
    let secret = line.rsplit_once(' ').unwrap().1.to_owned();
    wait_for_line(&mut lines, "Waiting for events").await;
    let (mut server, mut logged) = start_server(&language, folder.path(), port, &secret).await;
    simulate().await;
    for event_type in ["submit", "approved", "aml"] {
        wait_for_line(&mut logged, &format!("verified {event_type} ")).await;
        wait_for_line(&mut lines, "  204  ").await;
    }
    Progress::shown().tell(format_args!(
        "tutorial with {}: three verified webhooks after {:.1} s",
        language.program,
        started_at.elapsed().as_secs_f64()
    ));
    assert_eq!(verify(stack, folder.path(), &secret).await.code, Some(0));

    // Another run has another secret, which the server does not know.
    listen.kill().await.unwrap();
    let (mut listen, mut lines) = start_to_listen();
    wait_for_line(&mut lines, "Waiting for events").await;
    simulate().await;
    for _ in 0..3 {
        wait_for_line(&mut logged, "refused:").await;
        wait_for_line(&mut lines, "  400  ").await;
    }
    let explained = verify(stack, folder.path(), &secret).await;
    assert!(explained.code == Some(1) && explained.stdout.contains("invalid"), "{explained:?}");
    listen.kill().await.unwrap();
    server.kill().await.unwrap();
}

/// Verifies the webhook that the server captured last.
async fn verify(stack: &Stack, folder: &Path, secret: &str) -> Ended {
    let mut verify = signpost(stack, "", &["verify", "--headers", "headers.txt", "--body", "body.json"]);
    verify.current_dir(folder).env("SIGNPOST_SIGNING_SECRET", secret);
    Ended::of(verify).await
}

/// Writes the server of the page, which also captures webhooks, and the file that it needs.
fn write_server(language: &Language, folder: &Path) {
    let mut server = String::new();
    for line in code(language.first_line).lines() {
        server.extend([line, "\n"]);
        if line.trim_start().starts_with(language.reads_body) {
            server += &code(language.captures);
        }
    }
    std::fs::write(folder.join(language.server), server).unwrap();
    let receiver = root().join("docs/receivers").join(language.receiver);
    std::fs::copy(&receiver, folder.join(receiver.file_name().unwrap())).unwrap();
}

/// Starts the server, and returns once it takes connections.
async fn start_server(language: &Language, folder: &Path, port: u16, secret: &str) -> (Child, Printed) {
    let mut command = Command::new(language.program);
    command.arg(language.server).current_dir(folder).env("SIGNING_SECRET", secret).env("PORT", port.to_string());
    let mut server = command.kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = printed(&mut server);
    wait_for_line(&mut lines, "listening").await;
    (server, lines)
}

/// The code block of the page that begins with this.
fn code(beginning: &str) -> String {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| Some(block.split_once('\n')?.1.to_owned()));
    let mut blocks = blocks.filter(|code| code.starts_with(beginning));
    blocks.next().unwrap_or_else(|| panic!("{PAGE} has no {beginning}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

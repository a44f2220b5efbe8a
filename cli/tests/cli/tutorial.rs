//! The servers in docs/cli.md verify what `signpost listen` sends.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::response::IntoResponse as _;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::listen::{SECRET, event};
use crate::program::{Ended, interrupt, offline, read_until, signpost};
use crate::testing::FakeServer;

const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQI";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// The code block of docs/cli.md that begins with this.
fn code(beginning: &str) -> String {
    let page = std::fs::read_to_string(docs().join("cli.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| Some(block.split_once('\n')?.1.to_owned()));
    let mut blocks = blocks.filter(|code| code.starts_with(beginning));
    blocks.next().unwrap_or_else(|| panic!("docs/cli.md has no {beginning}"))
}

/// Starts a server in a folder with the receiver's file. It also writes what it gets to files, as docs/cli.md shows. Returns it
/// once it takes connections, with its port.
async fn start(program: &str, folder: &Path, server: &str, receiver: &str) -> (Child, u16) {
    let (comment, body, capture) = match program {
        "node" => ("//", "const body = ", "const { writeFileSync }"),
        _ => ("#", "body = ", "        open("),
    };
    let page = code(&format!("{comment} {server}\n"));
    let lines = page.lines().map(|line| {
        let added = if line.trim_start().starts_with(body) { code(capture) } else { String::new() };
        format!("{line}\n{added}")
    });
    std::fs::write(folder.join(server), lines.collect::<Vec<_>>().concat()).unwrap();
    let file = docs().join("receivers").join(receiver);
    std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.arg(server).current_dir(folder).env("SIGNING_SECRET", SECRET).env("PORT", port.to_string());
    let mut child = command.kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
    read_until(child.stdout.as_mut().unwrap(), "listening").await;
    (child, port)
}

async fn follow_the_tutorial(program: &str, server: &str, receiver: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, port) = start(program, folder.path(), server, receiver).await;
    let (id, body) = event("{}");
    let page = format!(r#"{{"items":[{body}],"cursor":"c"}}"#);
    let api = FakeServer::start(move |_, _| page.clone().into_response()).await;
    let forward = format!("http://127.0.0.1:{port}/hook");
    let mut printed = server.stdout.take().unwrap();
    for (secret, status, code, line) in
        [(SECRET, "  204  ", 0, format!("verified approved {id}")), (OTHER_SECRET, "  400  ", 1, "refused:".to_owned())]
    {
        let listen = signpost(&api, &["listen", "--forward", &forward, "--secret", secret, "--count", "1"]);
        let ended = Ended::of(listen).await;
        assert!(ended.code == Some(code) && ended.stdout.contains(status), "{ended:?}");
        read_until(&mut printed, &line).await;
        let captured = ["verify", "--headers", "headers.txt", "--body", "body.json"];
        let mut verify = offline(&captured);
        verify.current_dir(folder.path()).env("SIGNPOST_SIGNING_SECRET", SECRET);
        let ended = Ended::of(verify).await;
        assert_eq!(ended.code, Some(code), "the captured files have the same result: {ended:?}");
    }
    interrupt(&server).await;
    server.wait().await.unwrap();
}

#[tokio::test]
async fn the_server_of_node_verifies_a_webhook() {
    follow_the_tutorial("node", "server.mjs", "node/signpost.mjs").await;
}

#[tokio::test]
async fn the_server_of_python_verifies_a_webhook() {
    follow_the_tutorial("python3", "server.py", "python/signpost.py").await;
}

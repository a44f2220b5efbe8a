//! Runs the scripts of `tests/browser` in a real browser. Installs their packages and Chromium below `target/` first.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::process::Command;

use crate::node::Node;
use crate::tools::{self, ToolsError};
use crate::{Stack, paths, up};

/// Whether the Chromium that npm installs runs on this machine.
const HAS_CHROMIUM: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// Why a script failed or could not run.
#[derive(Debug, Error)]
pub enum BrowserError {
    /// npm has a Chromium for Linux on x86-64 only.
    #[error(
        "the page tests install Chromium for Linux on x86-64 only: set the variable CHROMIUM to the path of another Chromium and run this again"
    )]
    NoChromium,
    /// Node.js or an npm package cannot be installed.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// A file cannot be written, or Node.js cannot be started.
    #[error("cannot run the page tests")]
    Io(#[from] io::Error),
    /// The script failed. This is its output.
    #[error("{0}")]
    Failed(String),
}

/// Runs a script of `tests/browser` against a stack. The script writes its pictures to `target/browser-tests`.
pub async fn test(stack: &Stack, script: &str) -> Result<(), BrowserError> {
    run(stack, script, &paths::target().join("browser-tests")).await
}

/// Runs a script of `tests/browser` against a stack. The script writes its pictures to `pictures`.
pub async fn run(stack: &Stack, script: &str, pictures: &Path) -> Result<(), BrowserError> {
    if !HAS_CHROMIUM && env::var_os("CHROMIUM").is_none() {
        return Err(BrowserError::NoChromium);
    }
    let node = Node::find().await?;
    let packages = prepare(&node).await?;
    let mut facts = NamedTempFile::new()?;
    facts.write_all(up::facts(stack).to_string().as_bytes())?;

    let mut command = node.command();
    command.arg("--test-reporter=spec").arg(scripts().join(script));
    command.env("STACK_JSON", facts.path()).env("BROWSER_TOOLS", packages);
    command.env("SCREENSHOTS", pictures);
    let output = Command::from(command).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(BrowserError::Failed(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

/// Installs the npm packages and Chromium if `package-lock.json` has changed since the last time. Returns their folder.
async fn prepare(node: &Node) -> Result<PathBuf, ToolsError> {
    let home = tools::home("browser");
    let lock_file = scripts().join("package-lock.json");
    tools::install_once(&home, "installed-for.json", &lock_file, install(node, &home)).await?;
    Ok(home)
}

async fn install(node: &Node, home: &Path) -> Result<(), ToolsError> {
    // This also removes what an interrupted installation left of Chromium. Unpacking would take it for the whole.
    node.install(home, &scripts()).await?;
    let chromium = home.join("chromium");
    fs::create_dir_all(&chromium).map_err(|error| ToolsError::Io(home.to_owned(), error))?;
    let mut unpack = node.command();
    unpack.arg(scripts().join("unpack.mjs")).env("BROWSER_TOOLS", home).env("TMPDIR", chromium);
    tools::run("unpack Chromium", unpack).await
}

fn scripts() -> PathBuf {
    paths::workspace().join("tests/browser")
}

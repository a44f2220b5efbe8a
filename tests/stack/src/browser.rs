//! Tests in a real browser: the scripts in `tests/browser`, and what they need.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::process::Command;

use crate::tools::{self, ToolsError};
use crate::{Stack, paths, up};

/// Where Debian puts it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// What the pinned packages ask for.
const OLDEST_NODE: u32 = 20;

/// Why a script in a browser did not come to a good end.
#[derive(Debug, Error)]
pub enum BrowserError {
    /// No browser, no Node.js, one too old, or one without npm.
    #[error(
        "the browser tests need Chromium and Node.js {OLDEST_NODE} or newer with npm: install them (Debian: `apt-get install chromium nodejs npm`), or name another Chromium in the variable CHROMIUM, and run this again"
    )]
    Missing,
    /// The packages cannot be installed.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// A file cannot be written, or a program not be run.
    #[error("cannot run the browser tests")]
    Io(#[from] io::Error),
    /// What the script wrote.
    #[error("{0}")]
    Failed(String),
}

/// Runs a script of `tests/browser` against a stack. Its pictures are in `target/browser-tests` afterwards.
pub async fn test(stack: &Stack, script: &str) -> Result<(), BrowserError> {
    let chromium = env::var_os("CHROMIUM").map_or_else(|| PathBuf::from(CHROMIUM), PathBuf::from);
    if !chromium.is_file() || !has_node().await {
        return Err(BrowserError::Missing);
    }
    let tools = prepare().await?;
    let mut facts = NamedTempFile::new()?;
    facts.write_all(up::facts(stack).to_string().as_bytes())?;

    let mut command = Command::new("node");
    command.arg("--test-reporter=spec").arg(scripts().join(script));
    command.env("STACK_JSON", facts.path()).env("BROWSER_TOOLS", tools).env("CHROMIUM", chromium);
    command.env("SCREENSHOTS", paths::target().join("browser-tests"));
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(BrowserError::Failed(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

/// Makes sure that the packages are there, and gives the folder that has them.
async fn prepare() -> Result<PathBuf, ToolsError> {
    let home = tools::home("browser");
    tools::install_once(&home, "installed-for.json", &scripts().join("package-lock.json"), install(&home)).await?;
    Ok(home)
}

async fn install(home: &Path) -> Result<(), ToolsError> {
    let io_error = |error| ToolsError::Io(home.to_owned(), error);
    fs::create_dir_all(home).map_err(io_error)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(scripts().join(file), home.join(file)).map_err(io_error)?;
    }
    let mut npm: Vec<&OsStr> = "ci --ignore-scripts --no-audit --no-fund --prefix".split(' ').map(OsStr::new).collect();
    npm.push(home.as_ref());
    tools::run("install the packages of tests/browser/package.json", Path::new("npm"), &npm).await
}

fn scripts() -> PathBuf {
    paths::workspace().join("tests/browser")
}

async fn has_node() -> bool {
    let is_new = version_of("node").await.as_deref().and_then(major).is_some_and(|major| major >= OLDEST_NODE);
    is_new && version_of("npm").await.is_some()
}

async fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first number of a version such as `v20.19.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_by_their_first_number() {
        for (version, expected) in [("v20.19.2\n", Some(20)), ("v8.0.0", Some(8)), ("20.1.0", None), ("", None)] {
            assert_eq!(major(version), expected, "{version}");
        }
    }
}

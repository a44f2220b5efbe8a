//! The function binaries, built by Cargo as everything else.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use thiserror::Error;
use tokio::process::Command;

use crate::paths;
use crate::progress::Progress;

/// All functions, by the names of their folders.
pub(crate) const FUNCTIONS: [&str; 6] =
    ["api", "redirect", "webhook-sender", "webhook-retry", "daily-digest", "mail-feedback"];

/// Why there are no functions to deploy.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Cargo could not be run.
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    /// The compiler's own words.
    #[error("the functions do not build:\n{0}")]
    Failed(String),
    /// Cargo built no such binary.
    #[error("cargo built no binary {0}")]
    Missing(&'static str),
}

/// Where each function's binary is, by the name of its folder.
pub(crate) type Binaries = BTreeMap<&'static str, PathBuf>;

/// Builds all functions, in one call and in the profile in which the tests are built.
pub(crate) async fn build(progress: &Progress) -> Result<Binaries, BuildError> {
    progress.step("building the functions", run_cargo(progress.is_shown())).await
}

/// What Cargo reports of something it built.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

async fn run_cargo(is_shown: bool) -> Result<Binaries, BuildError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    // By binary and not by package: so Cargo chooses features for the workspace as a whole, as `cargo test --workspace`
    // does, and nothing is compiled twice.
    command.args(["build", "--message-format=json-render-diagnostics"]);
    command.args(FUNCTIONS.iter().flat_map(|name| ["--bin", name]));
    // What Cargo told us about our own package must not reach the build: ring's build script depends on these variables, and
    // would be run again, and all of TLS compiled again, for no reason.
    let of_our_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(of_our_package) {
            command.env_remove(name);
        }
    }
    command.current_dir(paths::workspace()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command.stderr(if is_shown { Stdio::inherit() } else { Stdio::piped() });
    let built = command.spawn().map_err(BuildError::Cargo)?.wait_with_output().await.map_err(BuildError::Cargo)?;
    if !built.status.success() {
        return Err(BuildError::Failed(String::from_utf8_lossy(&built.stderr).trim().to_owned()));
    }

    let messages = String::from_utf8_lossy(&built.stdout);
    let artifacts: Vec<Artifact> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let binary_of = |name: &'static str| {
        let artifact =
            artifacts.iter().find(|artifact| artifact.target.name == name && artifact.target.kind == ["bin"]);
        artifact
            .and_then(|artifact| artifact.executable.clone())
            .map(|path| (name, path))
            .ok_or(BuildError::Missing(name))
    };
    FUNCTIONS.into_iter().map(binary_of).collect()
}

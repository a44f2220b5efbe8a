//! Builds the function binaries.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use thiserror::Error;
use tokio::process::Command;

use crate::paths;
use crate::progress::Progress;

/// The names of all functions, which are also those of their folders and binaries.
pub(crate) const FUNCTIONS: [&str; 8] =
    ["api", "authorizer", "console", "redirect", "webhook-sender", "webhook-retry", "daily-digest", "mail-feedback"];

/// The function that sends webhooks, and its twin that trusts a certificate authority of the tests.
const SENDER: &str = "webhook-sender";
const TRUSTING_SENDER: &str = "trusting-sender";

/// The command line, which is built with the functions and not deployed.
pub(crate) const COMMAND_LINE: &str = "signpost";

/// Why the functions could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Cargo could not be started.
    #[error("cannot run cargo")]
    Cargo(#[source] io::Error),
    /// The script that starts webhook-sender could not be written.
    #[error("cannot write the script that starts webhook-sender")]
    Script(#[source] io::Error),
    /// The functions do not compile. This is the compiler's output.
    #[error("the functions do not compile:\n{0}")]
    Failed(String),
    /// Cargo did not report this binary.
    #[error("cargo did not build the binary {0}")]
    Missing(&'static str),
}

/// The paths of the binaries, by name.
pub(crate) type Binaries = BTreeMap<&'static str, PathBuf>;

/// Builds all functions and the command line in one call, in the same profile as the tests. With `trusted_root`, webhook-sender is
/// a script in `dir` that starts the one that trusts only this authority.
pub(crate) async fn build(
    progress: &Progress,
    trusted_root: Option<&Path>,
    dir: &Path,
) -> Result<Binaries, BuildError> {
    let twin = trusted_root.map(|_| TRUSTING_SENDER);
    let names: Vec<_> = FUNCTIONS.into_iter().chain([COMMAND_LINE]).chain(twin).collect();
    let mut binaries = progress.step("building the functions", run_cargo(progress.is_shown(), &names)).await?;
    if let (Some(root), Some(sender)) = (trusted_root, binaries.remove(TRUSTING_SENDER)) {
        let script = dir.join(SENDER);
        let start = format!("#!/bin/sh\nTRUSTED_ROOT='{}' exec '{}'\n", root.display(), sender.display());
        fs::write(&script, start).map_err(BuildError::Script)?;
        binaries.insert(SENDER, script);
    }
    Ok(binaries)
}

/// A message of Cargo about a finished target. Other messages do not fit this type.
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

async fn run_cargo(is_shown: bool, names: &[&'static str]) -> Result<Binaries, BuildError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    // With `--bin`, Cargo selects features for the whole workspace, as `cargo test --workspace` does. With `--package` it
    // would select fewer and compile everything a second time.
    command.args(["build", "--message-format=json-render-diagnostics"]);
    command.args(names.iter().flat_map(|name| ["--bin", name]));
    // Cargo set these variables for our own package. ring's build script depends on them, so passing them on would
    // recompile ring and everything above it.
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
    names.iter().copied().map(binary_of).collect()
}

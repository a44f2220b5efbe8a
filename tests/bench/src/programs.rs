//! The measured programs, built as for deployment.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::BenchError;

/// The functions, built without the features for tests, and the package `baseline`. That package also contains webhook-sender as
/// `trusting-sender`, which trusts the receiver of the bench.
const PACKAGES: [&str; 7] = ["api", "authorizer", "console", "redirect", "webhook-retry", "daily-digest", "baseline"];

/// Folder of the programs.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Builds the programs with the profile `release`. If `BENCH_PROGRAMS` names a folder with programs of another version, uses
    /// these instead.
    pub(crate) fn build() -> Result<Self, BenchError> {
        if let Some(folder) = env::var_os("BENCH_PROGRAMS") {
            return Ok(Self(folder.into()));
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&workspace).args(["build", "--release", "--locked", "--bins"]);
        for package in PACKAGES {
            command.args(["--package", package]);
        }
        // These variables describe the bench. They would make cargo run build scripts again.
        for (name, _) in
            env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
        if !command.status()?.success() {
            return Err(BenchError::Build);
        }
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        Ok(Self(target.join("release")))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

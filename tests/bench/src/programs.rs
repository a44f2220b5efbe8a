//! The programs that are measured, built as they are deployed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::BenchError;

/// The functions, built without the features that tests add, and the programs that they are measured against.
/// webhook-sender is among the latter, for it has to trust the bench's receiver.
const PACKAGES: [&str; 5] = ["api", "redirect", "webhook-retry", "daily-digest", "baseline"];

/// Where the programs are.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Builds them with the profile `release`, unless `BENCH_PROGRAMS` names a folder with those of another version.
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
        // What the cargo that runs the bench says about it would make build scripts run again.
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

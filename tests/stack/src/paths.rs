//! Paths on this machine.

use std::env;
use std::path::PathBuf;

/// The file in a stack's directory that says how other programs reach the stack.
pub(crate) const FACTS_FILE: &str = "stack.json";

/// The root of the repository.
pub(crate) fn workspace() -> PathBuf {
    crate_dir().join("../..")
}

/// The path of a file in this crate.
pub(crate) fn own(file: &str) -> PathBuf {
    crate_dir().join(file)
}

/// Cargo's target directory. The stack installs its tools there too.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn crate_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

//! Where things are on this machine.

use std::env;
use std::path::PathBuf;

/// The repository.
pub(crate) fn workspace() -> PathBuf {
    crate_dir().join("../..")
}

/// A file of this crate.
pub(crate) fn own(file: &str) -> PathBuf {
    crate_dir().join(file)
}

/// Where Cargo puts what it builds, and we what we fetch.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn crate_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

//! Programs of others, fetched once, pinned, below `target/`. First of all the emulator: Python packages in a virtual environment.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;

use crate::paths;
use crate::progress::Progress;

/// Names under which a Python may be found, newest first after the usual one.
const PYTHONS: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];

/// Succeeds on a Python that can make a virtual environment for the packages in `requirements.txt`.
const PYTHON_TEST: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// Why the tools are not there.
#[derive(Debug, Error)]
pub enum ToolsError {
    /// No Python, one too old, or one without `venv`.
    #[error(
        "the local stack needs Python 3.11 or newer with its venv module: install it (Debian and Ubuntu: `apt install python3 python3-venv`, Fedora: `dnf install python3`, macOS: `brew install python`) and run this again"
    )]
    NoPython,
    /// A step of the installation failed; its own words follow.
    #[error("cannot {doing}:\n{said}")]
    Step {
        /// What was tried.
        doing: &'static str,
        /// What the program said.
        said: String,
    },
    /// A file below `target/` cannot be written.
    #[error("cannot set up the tools in {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// Makes sure that the tools are there, and gives their Python. Does nothing if they are as `requirements.txt` wants them.
pub(crate) async fn prepare(progress: &Progress) -> Result<PathBuf, ToolsError> {
    let (home, requirements) = (home("local-stack"), paths::own("requirements.txt"));
    let work = progress.step(
        "installing the emulator of AWS (MiniStack, about 70 MB of Python packages)",
        install(&home, &requirements),
    );
    install_once(&home, "requirements.txt", &requirements, work).await?;
    Ok(python_in(&home))
}

/// Makes sure that the virtual environment `name` has what the file `requirements` lists, and gives its Python.
pub async fn python_with(name: &str, requirements: &Path) -> Result<PathBuf, ToolsError> {
    let home = home(name);
    install_once(&home, "requirements.txt", requirements, install(&home, requirements)).await?;
    Ok(python_in(&home))
}

fn python_in(home: &Path) -> PathBuf {
    home.join("bin/python")
}

/// Where tools of a kind are.
pub(crate) fn home(name: &str) -> PathBuf {
    paths::target().join("tools").join(name)
}

/// Has `work` install into `home` what the file `wanted` lists, unless it was done for just that before: then the file
/// `stamp` in `home` says so.
pub(crate) async fn install_once(
    home: &Path,
    stamp: &str,
    wanted: &Path,
    work: impl Future<Output = Result<(), ToolsError>>,
) -> Result<(), ToolsError> {
    let io_error = |error| ToolsError::Io(home.to_owned(), error);
    fs::create_dir_all(paths::target().join("tools")).map_err(io_error)?;
    let lock = File::create(home.with_added_extension("lock")).map_err(io_error)?;
    // Tests and `cargo stack up` may come here at once. The lock goes with the file, when this returns.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.map_err(io::Error::other);
    let _lock = lock.flatten().map_err(io_error)?;

    let (stamp, wanted) = (home.join(stamp), fs::read(wanted).map_err(io_error)?);
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        work.await?;
        // Last, so that an installation that was interrupted is done again.
        fs::write(&stamp, &wanted).map_err(io_error)?;
    }
    Ok(())
}

async fn install(home: &Path, requirements: &Path) -> Result<(), ToolsError> {
    let system_python = find_python().await?;
    let venv: [&OsStr; 4] = ["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), home.as_ref()];
    run("make a Python virtual environment", &system_python, &venv).await?;
    let mut pip: Vec<&OsStr> =
        "-m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r"
            .split(' ')
            .map(OsStr::new)
            .collect();
    pip.push(requirements.as_ref());
    run("install the pinned Python packages", &python_in(home), &pip).await
}

async fn find_python() -> Result<PathBuf, ToolsError> {
    for name in PYTHONS {
        let test = Command::new(name).args(["-c", PYTHON_TEST]).stdin(Stdio::null()).output().await;
        if test.is_ok_and(|output| output.status.success()) {
            return Ok(PathBuf::from(name));
        }
    }
    Err(ToolsError::NoPython)
}

/// Runs a program of the installation to its end.
pub(crate) async fn run(doing: &'static str, program: &Path, arguments: &[&OsStr]) -> Result<(), ToolsError> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| ToolsError::Io(program.to_owned(), error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(ToolsError::Step { doing, said: String::from_utf8_lossy(&said).trim().to_owned() })
}

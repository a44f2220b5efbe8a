//! Installs third-party programs below `target/`: pinned, and only once. The emulator is one of them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;

use crate::paths;
use crate::progress::Progress;

/// Names to try for Python: the usual one first, then from new to old.
const PYTHONS: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];

/// Succeeds on a Python that can create a virtual environment for the packages in `requirements.txt`.
const PYTHON_TEST: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// Why a tool could not be installed.
#[derive(Debug, Error)]
pub enum ToolsError {
    /// Python is missing, older than 3.11, or lacks `venv`.
    #[error(
        "the local stack needs Python 3.11 or newer with its venv module: install it (Debian and Ubuntu: `apt install python3 python3-venv`, Fedora: `dnf install python3`, macOS: `brew install python`) and run this again"
    )]
    NoPython,
    /// The Python package that carries Node.js is installed, but does not work.
    #[error("the Node.js below target/tools/node does not work: delete that folder and run this again")]
    NoNode,
    /// A step of the installation failed. The output of its program follows.
    #[error("cannot {doing}:\n{output}")]
    Step {
        /// The step, as a verb and its object.
        doing: &'static str,
        /// Standard output and standard error of the program.
        output: String,
    },
    /// A file below `target/` cannot be written, or a program cannot be started.
    #[error("cannot set up the tools in {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// Installs the emulator's packages if `requirements.txt` has changed since the last time. Returns the path of their Python.
pub(crate) async fn prepare(progress: &Progress) -> Result<PathBuf, ToolsError> {
    let (home, requirements) = (home("local-stack"), paths::own("requirements.txt"));
    let work = progress.step(
        "installing the emulator of AWS (MiniStack, about 70 MB of Python packages)",
        install(&home, &requirements),
    );
    install_once(&home, "requirements.txt", &requirements, work).await?;
    Ok(python_in(&home))
}

/// Installs the packages listed in `requirements` into the virtual environment `name`, once. Returns the path of its Python.
pub async fn python_with(name: &str, requirements: &Path) -> Result<PathBuf, ToolsError> {
    let home = home(name);
    install_once(&home, "requirements.txt", requirements, install(&home, requirements)).await?;
    Ok(python_in(&home))
}

fn python_in(home: &Path) -> PathBuf {
    home.join("bin/python")
}

/// The folder of an installation, below `target/tools`.
pub(crate) fn home(name: &str) -> PathBuf {
    paths::target().join("tools").join(name)
}

/// Runs `work`, which installs into `home` the packages listed in the file `wanted`. Skips it if the last installation was
/// made from the same list: `stamp` is a copy of that list in `home`.
pub(crate) async fn install_once(
    home: &Path,
    stamp: &str,
    wanted: &Path,
    work: impl Future<Output = Result<(), ToolsError>>,
) -> Result<(), ToolsError> {
    let io_error = |error| ToolsError::Io(home.to_owned(), error);
    fs::create_dir_all(paths::target().join("tools")).map_err(io_error)?;
    let lock = File::create(home.with_added_extension("lock")).map_err(io_error)?;
    // Tests and `cargo stack up` may get here at the same time. Closing the file on return releases the lock.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.map_err(io::Error::other);
    let _lock = lock.flatten().map_err(io_error)?;

    let (stamp, wanted) = (home.join(stamp), fs::read(wanted).map_err(io_error)?);
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        work.await?;
        // The stamp comes last, so that an interrupted installation is repeated.
        fs::write(&stamp, &wanted).map_err(io_error)?;
    }
    Ok(())
}

async fn install(home: &Path, requirements: &Path) -> Result<(), ToolsError> {
    let mut venv = std::process::Command::new(find_python().await?);
    venv.args(["-m", "venv", "--clear"]).arg(home);
    run("create a Python virtual environment", venv).await?;
    let mut pip = std::process::Command::new(python_in(home));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--require-hashes", "-r"]).arg(requirements);
    run("install the pinned Python packages", pip).await
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

/// Runs one program of an installation. `doing` names the step in the error message.
pub(crate) async fn run(doing: &'static str, command: std::process::Command) -> Result<(), ToolsError> {
    let program = PathBuf::from(command.get_program());
    let output = Command::from(command).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| ToolsError::Io(program, error))?;
    if output.status.success() {
        return Ok(());
    }
    let output = [output.stdout, output.stderr].concat();
    Err(ToolsError::Step { doing, output: String::from_utf8_lossy(&output).trim().to_owned() })
}

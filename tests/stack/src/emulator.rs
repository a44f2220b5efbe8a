//! `MiniStack`: an emulator of AWS that runs the functions as processes on this machine.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thiserror::Error;

use crate::faults::Faults;
use crate::guard::{self, Guarded};
use crate::options::StackOptions;
use crate::paths;
use crate::permissions::Check;
use crate::server;

/// The region of all emulated services.
pub(crate) const REGION: &str = "us-east-1";

/// The time-out for the start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The size of the log's end that is shown after a failure, in bytes.
const LOG_TAIL: u64 = 8 * 1024;

/// Why the emulator did not start.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// A file, a port or the process could not be created.
    #[error("cannot start the emulator")]
    Io(#[from] io::Error),
    /// It ended, or did not become healthy in time. This is the end of its log.
    #[error("the emulator did not start; the end of its log:\n{0}")]
    NotUp(String),
}

/// A running emulator. Dropping it ends the emulator and all functions.
#[derive(Debug)]
pub(crate) struct Emulator {
    url: String,
    log: PathBuf,
    checks: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    process: Guarded,
    faults: Option<Faults>,
}

impl Emulator {
    pub(crate) async fn start(python: &Path, options: &StackOptions) -> Result<Self, EmulatorError> {
        options.progress.step("starting the emulator", Self::start_quietly(python, options)).await
    }

    async fn start_quietly(python: &Path, options: &StackOptions) -> Result<Self, EmulatorError> {
        let (scratch, log) = match &options.dir {
            // The log is outside of `scratch`, so that it remains readable after the end.
            Some(dir) => (dir.join("emulator"), dir.join("emulator.log")),
            None => temporary()?,
        };
        if options.dir.is_some() && scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;

        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let url = format!("http://{address}");
        let environment = environment(address, &url, &scratch, options.enforce_roles);
        let faults = if options.with_faults { Some(Faults::start(address).await?) } else { None };
        let output = File::create(&log)?;
        let checks = scratch.join("checks.jsonl");
        let mut command = guard::command(python, Some(&scratch), python);
        command.arg(paths::own("emulator.py")).arg(&checks);
        // Functions inherit the emulator's environment. It gets only what it needs, so that functions cannot depend on
        // variables of this machine.
        command.env_clear().envs(environment.iter().cloned());
        if let Some(faults) = &faults {
            // The emulator only passes this variable on to the functions, whose calls then go through the proxy.
            command.env("AWS_ENDPOINT_URL", faults.url());
        }
        command.stdout(output.try_clone()?).stderr(Stdio::from(output));

        let process = Guarded::spawn(command)?;
        let mut emulator = Self { url, log, checks, environment, process, faults };
        emulator.wait_until_up().await?;
        Ok(emulator)
    }

    async fn wait_until_up(&mut self) -> Result<(), EmulatorError> {
        let client = server::client();
        let health = format!("{}/_ministack/health", self.url);
        let start = Instant::now();
        loop {
            if client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if self.process.has_ended() || start.elapsed() > START_TIMEOUT {
                return Err(EmulatorError::NotUp(self.log_tail()));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The emulator's URL, without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The URL that the functions use: that of the faults proxy, if there is one.
    pub(crate) fn functions_url(&self) -> String {
        self.faults.as_ref().map_or_else(|| self.url.clone(), Faults::url)
    }

    /// The proxy that disturbs the functions' calls, if the stack was started with faults.
    pub(crate) fn faults(&self) -> Option<&Faults> {
        self.faults.as_ref()
    }

    /// The environment variables with which an AWS SDK reaches the emulator.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        self.environment.clone()
    }

    /// The checks of roles so far, without repetitions. Empty if the emulator does not enforce roles.
    pub(crate) fn checks(&self) -> io::Result<Vec<Check>> {
        let lines = fs::read_to_string(&self.checks)?;
        lines.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
    }

    /// The end of the emulator's log.
    pub(crate) fn log_tail(&self) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.log)?;
            file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(LOG_TAIL)))?;
            let mut tail = Vec::new();
            file.read_to_end(&mut tail)?;
            Ok(tail)
        };
        read().map_or_else(|error| error.to_string(), |tail| String::from_utf8_lossy(&tail).into_owned())
    }
}

/// Creates a temporary directory, with the log in it. `launch.py` removes it when the emulator ends.
fn temporary() -> io::Result<(PathBuf, PathBuf)> {
    let dir = TempDir::with_prefix("signpost-")?.keep();
    let log = dir.join("emulator.log");
    Ok((dir, log))
}

fn environment(address: SocketAddr, url: &str, scratch: &Path, enforce_roles: bool) -> Vec<(&'static str, OsString)> {
    let mut environment: Vec<(&'static str, OsString)> = vec![
        // Anyone who reaches the emulator can run code in it, and by default it listens on all interfaces.
        ("BIND_HOST", "127.0.0.1".into()),
        ("GATEWAY_PORT", address.port().to_string().into()),
        ("AWS_ENDPOINT_URL", url.into()),
        ("AWS_REGION", REGION.into()),
        ("AWS_DEFAULT_REGION", REGION.into()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
        ("AUTH", if enforce_roles { "true" } else { "false" }.into()),
        ("LOG_LEVEL", "WARNING".into()),
        ("SFTP_ENABLED", "0".into()),
        ("TMPDIR", scratch.into()),
        ("S3_DATA_DIR", scratch.join("s3").into()),
        ("STATE_DIR", scratch.join("state").into()),
        ("PYTHONUNBUFFERED", "1".into()),
    ];
    environment.extend(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
    environment
}

#[cfg(test)]
mod tests {
    use tokio::process::Command;

    use super::*;
    use crate::progress::Progress;
    use crate::tools;

    #[tokio::test]
    async fn mappings_and_callers_do_not_get_the_same_messages() {
        let python = tools::prepare(&Progress::silent()).await.unwrap();
        let mut tests = Command::new(python);
        tests.args(["-m", "unittest", "--quiet", "test_emulator"]).current_dir(paths::own(""));
        let output = tests.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

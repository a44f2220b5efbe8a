//! `MiniStack`, the emulator of AWS that runs the functions as processes of this machine.

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

use crate::StackOptions;
use crate::faults::Faults;
use crate::guard::{self, Guarded};
use crate::server;

/// The region it is told to be in.
pub(crate) const REGION: &str = "us-east-1";

/// How long it may take to answer for the first time.
const START: Duration = Duration::from_mins(1);

/// How much of its log is worth showing, in bytes.
const LOG_TAIL: u64 = 8 * 1024;

/// Why there is no emulator.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// A file, port or process cannot be had.
    #[error("cannot start the emulator")]
    Io(#[from] io::Error),
    /// It ended, or never answered.
    #[error("the emulator did not start; it said:\n{0}")]
    NotUp(String),
}

/// A running emulator. Dropping it ends it and all functions.
#[derive(Debug)]
pub(crate) struct Emulator {
    url: String,
    log: PathBuf,
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
            // The log stays, to be read after the fact.
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
        let mut command = guard::command(python, Some(&scratch), python.with_file_name("ministack"));
        // Functions inherit what the emulator has, so it gets what it needs and nothing else.
        command.env_clear().envs(environment.iter().cloned());
        if let Some(faults) = &faults {
            // It makes no use of this itself, but hands it on to the functions.
            command.env("AWS_ENDPOINT_URL", faults.url());
        }
        command.stdout(output.try_clone()?).stderr(Stdio::from(output));

        let mut emulator = Self { url, log, environment, process: Guarded::spawn(command)?, faults };
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
            if self.process.has_ended() || start.elapsed() > START {
                return Err(EmulatorError::NotUp(self.log_tail()));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Where it is, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the functions find it.
    pub(crate) fn functions_url(&self) -> String {
        self.faults.as_ref().map_or_else(|| self.url.clone(), Faults::url)
    }

    /// What can be done to the functions' calls, if that was asked for.
    pub(crate) fn faults(&self) -> Option<&Faults> {
        self.faults.as_ref()
    }

    /// What a program needs in its environment to find it and be let in.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        self.environment.clone()
    }

    /// The last lines it wrote.
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

/// A directory that ends with the emulator, log and all: `launch.py` removes it.
fn temporary() -> io::Result<(PathBuf, PathBuf)> {
    let dir = TempDir::with_prefix("signpost-")?.keep();
    let log = dir.join("emulator.log");
    Ok((dir, log))
}

fn environment(address: SocketAddr, url: &str, scratch: &Path, enforce_roles: bool) -> Vec<(&'static str, OsString)> {
    let mut environment: Vec<(&'static str, OsString)> = vec![
        // It runs uploaded code for whoever reaches it, and would listen on all interfaces.
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

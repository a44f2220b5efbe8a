//! `cargo stack up`: a stack to play with, until Ctrl-C.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::demo::{self, DemoError};
use crate::progress::Progress;
use crate::{Stack, StackError, StackOptions, paths};

/// Delays that one can sit and watch: ten attempts in less than ten minutes.
pub const SHORT_SCHEDULE: &str = "1s,2s,4s,8s,15s,30s,1m,2m,5m";

/// Pauses of a failing endpoint that one can sit and watch.
const SHORT_PAUSES: &str = "failures=10,over=30s,pause=5s,longest=1m,warn=24h,disable=120h";

/// What the command line asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpOptions {
    /// Delays before the second and each further attempt; [`SHORT_SCHEDULE`] if `None`.
    pub retry_schedule: Option<String>,
    /// Leave the demo out.
    pub no_demo: bool,
    /// Where the stack's files go; `target/stack` if `None`.
    pub dir: Option<PathBuf>,
}

/// Why there is no stack.
#[derive(Debug, Error)]
pub enum UpError {
    /// Another one has the directory.
    #[error("a stack is already up in {}: its URLs are in {}", .0.display(), .0.join("stack.json").display())]
    AlreadyUp(PathBuf),
    /// It did not start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// It started, but does not work.
    #[error("the stack is up, but the demo failed: {failure}\nthe end of its log:\n{log}")]
    Demo {
        /// What failed.
        failure: DemoError,
        /// What the emulator and the functions said.
        log: String,
    },
    /// A file cannot be written.
    #[error("cannot use {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// Starts a stack, shows that it works, writes `stack.json`, and stays until a signal comes.
pub async fn up(options: UpOptions) -> Result<(), UpError> {
    let dir = options.dir.unwrap_or_else(|| paths::target().join("stack"));
    let io_error = |error| UpError::Io(dir.clone(), error);
    fs::create_dir_all(&dir).map_err(io_error)?;
    let dir = fs::canonicalize(&dir).map_err(io_error)?;
    let _lock = lock(&dir)?;
    // From here on a signal ends the wait below, and so the stack, in good order.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io_error)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(io_error)?;

    let progress = Progress::shown();
    let file = dir.join("stack.json");
    let variables_file = dir.join("functions.env");
    let work = async {
        let stack = Stack::start(StackOptions {
            dir: Some(dir.clone()),
            retry_schedule: Some(options.retry_schedule.unwrap_or_else(|| SHORT_SCHEDULE.to_owned())),
            parameters: [("HealthPolicy".to_owned(), SHORT_PAUSES.to_owned())].into(),
            progress,
            ..StackOptions::default()
        });
        let stack = stack.await?;
        let shown = if options.no_demo { Ok(()) } else { show_demo(&stack, progress).await };
        if let Err(failure) = shown {
            return Err(UpError::Demo { failure, log: stack.log_tail().await });
        }
        let facts = facts(&stack);
        let variables = stack.function_variables().await?;
        // In quotes, for values have `=` in them, and `cargo lambda` would stumble over that.
        let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
        write_private(&variables_file, &lines.concat()).map_err(|error| UpError::Io(variables_file.clone(), error))?;
        write_private(&file, &format!("{facts:#}\n")).map_err(|error| UpError::Io(file.clone(), error))?;
        print_facts(&facts, &file);
        std::future::pending::<()>().await;
        drop(stack);
        Ok(())
    };
    let result = tokio::select! {
        result = work => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    let _ = fs::remove_file(&file);
    let _ = fs::remove_file(&variables_file);
    if result.is_ok() {
        progress.tell("\nthe stack has ended");
    }
    result
}

/// Keeps others from using the directory as long as this process lives.
fn lock(dir: &Path) -> Result<File, UpError> {
    let path = dir.join("lock");
    let io_error = |error| UpError::Io(path.clone(), error);
    let file = File::create(&path).map_err(io_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(UpError::AlreadyUp(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(error)),
    }
}

async fn show_demo(stack: &Stack, progress: Progress) -> Result<(), DemoError> {
    let work = demo::deliver_all_types(stack);
    let (project_id, lines) = progress.step("demo: one webhook of each type to the receiver", work).await?;
    println!("\n  {:<12} {:>8}  {:<9} {:>8}", "type", "attempt", "signature", "ms");
    for line in lines {
        let signature = if line.verified { "verified" } else { "WRONG" };
        println!(
            "  {:<12} {:>8}  {:<9} {:>8}",
            line.event_type.as_str(),
            line.attempt,
            signature,
            line.took.as_millis()
        );
    }
    println!();
    let link = progress.step("demo: a return link", demo::mint_return_link(stack, &project_id)).await?;
    let subject = progress.step("demo: today's report by mail", demo::mail_report(stack, &project_id)).await?;
    println!("\n  project      {project_id}\n  return link  {link}\n  mail sent    “{subject}”");
    Ok(())
}

/// What other programs need to know.
pub(crate) fn facts(stack: &Stack) -> Value {
    json!({
        "api": stack.api_url,
        "redirect": stack.redirect_url,
        "operatorKey": stack.operator_key,
        "mail": stack.mail_url,
        "receiver": stack.receiver.url(""),
        "emulator": stack.emulator_url,
        "region": stack.region,
        "outputs": stack.outputs,
    })
}

fn print_facts(facts: &Value, file: &Path) {
    let explained = [
        ("api", "the settings API"),
        ("redirect", "return links"),
        ("operatorKey", "send it as x-api-key"),
        ("mail", "the mails sent, as JSON; /0, /1 … in HTML"),
        ("receiver", "takes webhooks and checks them"),
        ("emulator", "the AWS services; credentials test/test"),
    ];
    println!("\nSignpost is up:\n");
    for (name, meaning) in explained {
        println!("  {name:<12} {:<54} {meaning}", facts[name].as_str().unwrap_or_default());
    }
    println!("\nThe same is in {}. Ctrl-C ends all of it.", file.display());
}

/// Writes a file that only this user can read: there is a key in it. It appears whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_added_extension("draft");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    fs::rename(draft, path)
}

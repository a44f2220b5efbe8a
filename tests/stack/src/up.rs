//! `cargo stack up`: a stack to try things out, until Ctrl-C.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::console::{self, ConsoleError, ConsoleOptions};
use crate::demo::{self, DemoError};
use crate::progress::Progress;
use crate::{Stack, StackError, StackOptions, paths};

/// Retry delays short enough to watch: ten attempts in less than ten minutes.
pub const SHORT_SCHEDULE: &str = "1s,2s,4s,8s,15s,30s,1m,2m,5m";

/// A health policy short enough to watch: pauses of a failing endpoint last from 5 seconds to a minute.
const SHORT_PAUSES: &str = "failures=10,over=30s,pause=5s,longest=1m,warn=24h,disable=120h";

/// Webhooks that each path of the receiver keeps. The demo reads its own; later ones are only counted and verified.
///
/// A stack may stay up for days, so this bounds its memory.
const WEBHOOKS_KEPT: usize = 100;

/// The file with the environment variables of the functions.
const VARIABLES_FILE: &str = "functions.env";

/// Options of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpOptions {
    /// Delays before the second and each later attempt. `None` means [`SHORT_SCHEDULE`].
    pub retry_schedule: Option<String>,
    /// Create an empty project instead of running the demo.
    pub no_demo: bool,
    /// The directory for the stack's files. `None` means `target/stack`.
    pub dir: Option<PathBuf>,
}

/// Why `cargo stack up` failed.
#[derive(Debug, Error)]
pub enum UpError {
    /// Another stack uses the directory.
    #[error("a stack is already up in {}: its URLs are in {}", .0.display(), .0.join(paths::FACTS_FILE).display())]
    AlreadyUp(PathBuf),
    /// The stack did not start.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The stack started, but the demo failed.
    #[error("the stack is up, but the demo failed: {failure}\nthe end of its log:\n{log}")]
    Demo {
        /// The cause.
        failure: DemoError,
        /// The latest log lines of the emulator and the functions.
        log: String,
    },
    /// The stack is up, but its console cannot be opened.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// A file of the stack cannot be read or written.
    #[error("cannot use {}", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// The directory of a stack's files, unless another is chosen.
pub fn default_dir() -> PathBuf {
    paths::target().join("stack")
}

/// Starts a stack, creates a project, runs the demo, writes `stack.json`, and waits for SIGINT or SIGTERM.
pub async fn up(mut options: UpOptions) -> Result<(), UpError> {
    let dir = options.dir.take().unwrap_or_else(default_dir);
    let io_error = |error| UpError::Io(dir.clone(), error);
    fs::create_dir_all(&dir).map_err(io_error)?;
    let dir = fs::canonicalize(&dir).map_err(io_error)?;
    let _lock = lock(&dir)?;
    // From here on, a signal ends the `select!` below, which drops the stack in good order.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io_error)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(io_error)?;

    let progress = Progress::shown();
    let result = tokio::select! {
        result = stay_up(&dir, options, progress) => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    for file in [paths::FACTS_FILE, VARIABLES_FILE] {
        let _ = fs::remove_file(dir.join(file));
    }
    if result.is_ok() {
        progress.tell("\nthe stack has ended");
    }
    result
}

/// Starts a stack and keeps it up until this future is dropped.
async fn stay_up(dir: &Path, options: UpOptions, progress: Progress) -> Result<(), UpError> {
    let stack = Stack::start(StackOptions {
        dir: Some(dir.to_owned()),
        retry_schedule: Some(options.retry_schedule.unwrap_or_else(|| SHORT_SCHEDULE.to_owned())),
        parameters: [("HealthPolicy".to_owned(), SHORT_PAUSES.to_owned())].into(),
        webhooks_kept: WEBHOOKS_KEPT,
        progress,
        ..StackOptions::default()
    });
    let stack = stack.await?;
    let project = if options.no_demo {
        console::create_project(&stack.api()).await?
    } else {
        match show_demo(&stack, progress).await {
            Ok(project) => project,
            Err(failure) => return Err(UpError::Demo { failure, log: stack.log_tail().await }),
        }
    };
    write_files(dir, &stack, &project).await?;
    let link = console::link(dir, &ConsoleOptions::default()).await?;
    println!("\nThe console, as an admin of project {project} (`cargo stack console` makes another link):\n\n  {link}");
    std::future::pending().await
}

/// Writes and prints what people and other programs need to use the stack.
async fn write_files(dir: &Path, stack: &Stack, project: &str) -> Result<(), UpError> {
    let mut facts = facts(stack);
    facts["project"] = project.into();
    let variables = stack.function_variables().await?;
    // `cargo lambda` misreads an unquoted value that contains `=`.
    let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
    for (name, text) in [(VARIABLES_FILE, lines.concat()), (paths::FACTS_FILE, format!("{facts:#}\n"))] {
        let file = dir.join(name);
        write_private(&file, &text).map_err(|error| UpError::Io(file, error))?;
    }
    print_facts(&facts, &dir.join(paths::FACTS_FILE));
    Ok(())
}

/// Locks the directory until this process ends.
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

/// Shows that the main job is done. Returns the id of the demo's project.
async fn show_demo(stack: &Stack, progress: Progress) -> Result<String, DemoError> {
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
    Ok(project_id)
}

/// The content of `stack.json`: what other programs need to use the stack.
pub(crate) fn facts(stack: &Stack) -> Value {
    json!({
        "api": stack.api_url,
        "redirect": stack.redirect_url,
        "console": stack.console_url,
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
        ("console", "the customers' settings pages, opened by a link"),
        ("operatorKey", "send it as x-api-key"),
        ("mail", "the latest mails, as JSON; /0, /1 … in HTML"),
        ("receiver", "receives and verifies the demo's webhooks"),
        ("emulator", "the AWS services; credentials test/test"),
    ];
    println!("\nSignpost is up:\n");
    for (name, meaning) in explained {
        println!("  {name:<12} {:<54} {meaning}", facts[name].as_str().unwrap_or_default());
    }
    println!("\nThe same values are in {}. Ctrl-C ends the stack.", file.display());
}

/// Writes a file that only this user can read, because it contains a key. Renaming makes the whole file appear at once.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_added_extension("draft");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    fs::rename(draft, path)
}

//! `cargo stack`: runs Signpost on this machine.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws::lambda::telemetry;
use stack::console::{self, ConsoleOptions};
use stack::pictures;
use stack::up::{self, UpOptions};

const HELP: &str = "\
Runs all of Signpost on this machine, without an AWS account.

    cargo stack up [OPTION …]   install tools, build, deploy, run the demo, and stay up until Ctrl-C
    cargo stack console [OPTION …]  print a link that opens the console of the running stack
    cargo stack pictures        take the pictures in docs/pictures again, in a browser

    --retry-schedule 1s,2s,…    delays before the second and each later attempt of a delivery (default: ten attempts in ten minutes)
    --no-demo                   create an empty project instead of running the demo
    --role admin|developer|viewer  role of the console link (default: admin)
    --project ID                project of the console link (default: the project that `up` created)
    --dir DIRECTORY             directory for stack.json and the log (default: target/stack)
    --help                      show this help
";

#[tokio::main]
async fn main() -> ExitCode {
    let command = match read(std::env::args().skip(1)) {
        Ok(Some(command)) => command,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let result: Result<(), Box<dyn Error>> = match command {
        Command::Up(options) => up::up(options).await.map_err(Into::into),
        Command::Console(dir, options) => open_console(&dir, &options).await,
        Command::Pictures => pictures::take().await.map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", telemetry::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
enum Command {
    Up(UpOptions),
    Console(PathBuf, ConsoleOptions),
    Pictures,
}

async fn open_console(dir: &Path, options: &ConsoleOptions) -> Result<(), Box<dyn Error>> {
    println!("{}", console::link(dir, options).await?);
    Ok(())
}

/// Reads the arguments. `None` means that help was requested.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Command>, String> {
    let mut options = UpOptions::default();
    match arguments.next().as_deref() {
        Some("up") => {}
        Some("console") => return read_console(arguments),
        Some("pictures") => return Ok(Some(Command::Pictures)),
        None | Some("help" | "--help" | "-h") => return Ok(None),
        Some(other) => return Err(format!("unknown command: {other}")),
    }
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--retry-schedule" => {
                options.retry_schedule = Some(arguments.next().ok_or("--retry-schedule needs delays")?);
            }
            "--no-demo" => options.no_demo = true,
            "--dir" => options.dir = Some(arguments.next().ok_or("--dir needs a directory")?.into()),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option: {other}")),
        }
    }
    Ok(Some(Command::Up(options)))
}

/// Reads the options of `cargo stack console`.
fn read_console(mut arguments: impl Iterator<Item = String>) -> Result<Option<Command>, String> {
    let (mut dir, mut options) = (up::default_dir(), ConsoleOptions::default());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--role" => {
                let role = arguments.next().ok_or("--role needs a role")?;
                options.role = role.parse().map_err(|_| format!("unknown role: {role}"))?;
            }
            "--project" => options.project = Some(arguments.next().ok_or("--project needs an id")?),
            "--dir" => dir = arguments.next().ok_or("--dir needs a directory")?.into(),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("unknown option: {other}")),
        }
    }
    Ok(Some(Command::Console(dir, options)))
}

#[cfg(test)]
mod tests {
    use domain::projects::console::Role;

    use super::*;

    fn read_words(words: &str) -> Result<Option<Command>, String> {
        read(words.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn all_options_are_read() {
        let options = read_words("up --retry-schedule 1s,2s --no-demo --dir /tmp/x").unwrap();
        let expected =
            UpOptions { retry_schedule: Some("1s,2s".to_owned()), no_demo: true, dir: Some("/tmp/x".into()) };
        assert_eq!(options, Some(Command::Up(expected)));
    }

    #[test]
    fn a_missing_command_shows_help() {
        assert_eq!(read_words("").unwrap(), None);
    }

    #[test]
    fn the_options_of_a_console_link_are_read() {
        let options = read_words("console --role viewer --project 01 --dir /tmp/x").unwrap();
        let expected = ConsoleOptions { role: Role::Viewer, project: Some("01".to_owned()) };
        assert_eq!(options, Some(Command::Console("/tmp/x".into(), expected)));
        assert_eq!(read_words("console --role boss").unwrap_err(), "unknown role: boss");
    }

    #[test]
    fn unknown_commands_and_options_are_refused() {
        assert_eq!(read_words("up --fast").unwrap_err(), "unknown option: --fast");
        assert_eq!(read_words("down").unwrap_err(), "unknown command: down");
    }
}

//! `cargo stack`: runs Signpost on this machine.

use std::error::Error;
use std::process::ExitCode;

use aws::lambda::telemetry;
use stack::pictures;
use stack::up::{self, UpOptions};

const HELP: &str = "\
Runs all of Signpost on this machine, without an AWS account.

    cargo stack up [OPTION …]   install tools, build, deploy, run the demo, and stay up until Ctrl-C
    cargo stack pictures        take the pictures in docs/pictures again, in a browser

    --retry-schedule 1s,2s,…    delays before the second and each later attempt of a delivery (default: ten attempts in ten minutes)
    --no-demo                   skip the demo
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
    Pictures,
}

/// Reads the arguments. `None` means that help was requested.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Command>, String> {
    let mut options = UpOptions::default();
    match arguments.next().as_deref() {
        Some("up") => {}
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

#[cfg(test)]
mod tests {
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
    fn unknown_commands_and_options_are_refused() {
        assert_eq!(read_words("up --fast").unwrap_err(), "unknown option: --fast");
        assert_eq!(read_words("down").unwrap_err(), "unknown command: down");
    }
}

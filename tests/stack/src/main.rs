//! `cargo stack`: Signpost on this machine.

use std::process::ExitCode;

use shared::telemetry;
use stack::up::{self, UpOptions};

const HELP: &str = "\
Runs the whole of Signpost on this machine, without an AWS account.

    cargo stack up [OPTION …]   set up, build, deploy, show that it works, and stay up until Ctrl-C

    --retry-schedule 1s,2s,…    delays before the second and each further attempt of a delivery (default: ten attempts in ten minutes)
    --no-demo                   start only
    --dir DIRECTORY             where stack.json and the log go (default: target/stack)
    --help                      this text
";

#[tokio::main]
async fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match up::up(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", telemetry::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// What the arguments ask for; `None` is for help.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<UpOptions>, String> {
    let mut options = UpOptions::default();
    match arguments.next().as_deref() {
        Some("up") => {}
        None | Some("help" | "--help" | "-h") => return Ok(None),
        Some(other) => return Err(format!("no such command: {other}")),
    }
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--retry-schedule" => {
                options.retry_schedule = Some(arguments.next().ok_or("--retry-schedule needs delays")?);
            }
            "--no-demo" => options.no_demo = true,
            "--dir" => options.dir = Some(arguments.next().ok_or("--dir needs a directory")?.into()),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("no such option: {other}")),
        }
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &str) -> Result<Option<UpOptions>, String> {
        read(words.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = read_words("up --retry-schedule 1s,2s --no-demo --dir /tmp/x").unwrap();
        let expected =
            UpOptions { retry_schedule: Some("1s,2s".to_owned()), no_demo: true, dir: Some("/tmp/x".into()) };
        assert_eq!(options, Some(expected));
    }

    #[test]
    fn no_command_asks_for_help() {
        assert_eq!(read_words("").unwrap(), None);
    }

    #[test]
    fn unknown_words_are_refused() {
        assert_eq!(read_words("up --fast").unwrap_err(), "no such option: --fast");
        assert_eq!(read_words("down").unwrap_err(), "no such command: down");
    }
}

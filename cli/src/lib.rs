//! `signpost`, the command line of Signpost. It uses only the public API of a deployment.
//!
//! | module | contains |
//! | --- | --- |
//! | [`arguments`] | commands and options |
//! | [`config`] | the deployment and the API key |
//! | `api` | calls of the API, with retries |
//! | `check` | `signpost check` |
//! | `trigger`, `deliveries` | the commands of these names |
//! | `delivery` | deliveries as the API returns them |
//! | `interrupt`, `output` | Ctrl-C, and lines on the terminal |

use std::error::Error;
use std::io;
use std::process::ExitCode;

pub mod arguments;
pub mod config;

mod api;
mod check;
mod deliveries;
mod delivery;
mod interrupt;
mod output;
mod trigger;

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Command};
use crate::config::{Config, ConfigError};
use crate::output::Output;

/// The name of the program.
const PROGRAM: &str = "signpost";

/// Exit code: the command succeeded, and everything that it checked works.
const WORKS: u8 = 0;

/// Exit code: something does not work.
const DOES_NOT_WORK: u8 = 1;

/// Exit code: the command was used wrongly, so nothing was tried.
const WRONG_USAGE: u8 = 2;

/// Runs a command. `var` looks up environment variables.
pub async fn run(arguments: Arguments, var: impl Fn(&str) -> Option<String>) -> ExitCode {
    let json = arguments.json;
    ExitCode::from(exit_code(try_run(arguments, var, Output::new(json)).await))
}

async fn try_run(
    arguments: Arguments,
    var: impl Fn(&str) -> Option<String>,
    output: Output,
) -> Result<bool, ConfigError> {
    let config = Config::read(arguments.api, var);
    Ok(match arguments.command {
        Command::Completions { shell } => {
            // Written as a whole, because the generator panics if the reader closes the pipe.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
            output::write_line(&mut io::stdout(), &String::from_utf8_lossy(&script));
            true
        }
        Command::Check(options) => {
            let config = config?.of_operator()?;
            options.check_reachable(&config.api)?;
            check::run(&config, &options, output).await
        }
        Command::Trigger(options) => is_done(trigger::run(&config?, &options, output).await),
        Command::Deliveries(options) => is_done(deliveries::run(&config?, &options, output).await),
    })
}

/// Writes the error of a command, if it failed.
fn is_done<E: Error + 'static>(result: Result<(), E>) -> bool {
    result.map_err(|error| write_error(&error)).is_ok()
}

fn write_error(error: &(dyn Error + 'static)) {
    output::write_line(&mut io::stderr(), &format!("error: {}", output::chain(error)));
}

fn exit_code(result: Result<bool, ConfigError>) -> u8 {
    match result {
        Ok(true) => WORKS,
        Ok(false) => DOES_NOT_WORK,
        Err(error) => {
            write_error(&error);
            WRONG_USAGE
        }
    }
}

//! `signpost`, the command line of Signpost. It uses only the public API of a deployment.
//!
//! | module | contains |
//! | --- | --- |
//! | [`arguments`] | commands and options |
//! | [`config`] | the deployment, the API key and the project |
//! | `api`, `project` | calls of the API, with retries, and those below one project |
//! | `connection` | what commands that keep running do while the API cannot be reached |
//! | `error` | why a command failed, and what to do |
//! | `check` | `signpost check` |
//! | `listen` | `signpost listen`: the feed, and the webhooks made from it |
//! | `trigger`, `simulate` | `signpost trigger` and `signpost simulate` |
//! | `verify` | `signpost verify` |
//! | `deliveries`, `replay` | `signpost deliveries` and `signpost replay` |
//! | `delivery` | deliveries as the API returns them |
//! | `confirmation`, `interrupt`, `output` | questions, Ctrl-C, and lines on the terminal |

use std::process::ExitCode;

pub mod arguments;
pub mod config;

mod api;
mod check;
mod confirmation;
mod connection;
mod deliveries;
mod delivery;
mod error;
mod interrupt;
mod listen;
mod output;
mod project;
mod replay;
mod simulate;
#[cfg(test)]
mod testing;
mod trigger;
mod verify;

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Command, ProjectOption};
use crate::config::{Config, ConfigError};
use crate::error::CommandError;
use crate::output::Output;
use crate::project::Project;

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
    let output = Output::new(arguments.json, arguments.command.runs_until_interrupted());
    ExitCode::from(exit_code(try_run(arguments, var, output).await))
}

/// Returns whether everything works.
async fn try_run(
    arguments: Arguments,
    var: impl Fn(&str) -> Option<String>,
    output: Output,
) -> Result<bool, CommandError> {
    let config = Config::read(arguments.api, &var);
    match arguments.command {
        Command::Completions { shell } => {
            // Written as a whole, because the generator panics if the reader closes the pipe.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
            output.write(&String::from_utf8_lossy(&script));
            Ok(true)
        }
        Command::Check(options) => {
            let config = config?.of_operator()?;
            options.check_reachable(&config.api)?;
            Ok(check::run(&config, &options, output).await)
        }
        Command::Verify(options) => verify::run(&options, var, output),
        Command::Listen(options) => listen::run(&project(config, options.project)?, &options, output).await,
        Command::Simulate(options) => simulate::run(&project(config, options.project)?, &options, output).await,
        Command::Trigger(options) => trigger::run(&project(config, options.project)?, &options, output).await,
        Command::Deliveries(options) => deliveries::run(&project(config, options.project)?, &options, output).await,
        Command::Replay(options) => replay::run(&project(config, options.project)?, &options, output).await,
    }
}

fn project(config: Result<Config, ConfigError>, option: ProjectOption) -> Result<Project, ConfigError> {
    let config = config?;
    let id = config.project(option.id)?;
    Ok(Project::new(&config, id))
}

fn exit_code(result: Result<bool, CommandError>) -> u8 {
    match result {
        Ok(true) => WORKS,
        Ok(false) => DOES_NOT_WORK,
        Err(error) => {
            error.write();
            if error.is_wrong_usage() { WRONG_USAGE } else { DOES_NOT_WORK }
        }
    }
}

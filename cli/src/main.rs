//! `signpost`: Signpost on the command line.

use std::process::ExitCode;

use clap::Parser as _;
use cli::arguments::Arguments;
use cli::config;

#[tokio::main]
async fn main() -> ExitCode {
    // Clap prints help and wrong usage itself, and ends with the exit code 2 after wrong usage.
    cli::run(Arguments::parse(), config::environment).await
}

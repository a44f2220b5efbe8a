//! `conformance serve`: see the README.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use conformance::case;
use conformance::receiver::Receivers;
use conformance::report;
use conformance::suite::{self, Options};
use serde_json::json;

/// Tests a sender of webhooks against Standard Webhooks.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens a receiver for each case, waits for the webhooks and prints the results. Exits with 1 if a case failed.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Folder of the cases.
    #[arg(long, default_value = "cases")]
    cases: PathBuf,
    /// Runs only this case. Can be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Secret of all endpoints, `whsec_` and base64. Can be repeated, oldest first. A driver can report others.
    #[arg(long)]
    secret: Vec<String>,
    /// Address of the receivers. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// URL under which the sender reaches `--listen`, such as that of a tunnel.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Seconds to wait for the next request. Must be longer than the sender's pauses before a second and third attempt.
    #[arg(long, default_value_t = 30.0)]
    patience: f64,
    /// Seconds to watch that no further request comes.
    #[arg(long, default_value_t = 10.0)]
    quiet: f64,
    /// Cases that run at once with a driver.
    #[arg(long, default_value_t = 8)]
    jobs: usize,
    /// Prints the results as JSON.
    #[arg(long)]
    json: bool,
    /// Program that makes the sender act, and its arguments. Without it, the URLs are printed, and you make the sender act.
    #[arg(last = true, value_name = "DRIVER")]
    driver: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve(serve) = Arguments::parse().command;
    match run(serve).await {
        Ok(is_conforming) => ExitCode::from(u8::from(!is_conforming)),
        Err(error) => {
            let mut cause = Some(error.as_ref() as &dyn std::error::Error);
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::from(2)
        }
    }
}

async fn run(serve: Serve) -> Result<bool, Box<dyn std::error::Error>> {
    let cases = case::read(&serve.cases, &serve.only)?;
    let options = Options {
        listen: serve.listen,
        public_url: serve.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        secrets: serve.secret,
        driver: serve.driver,
        patience: Duration::try_from_secs_f64(serve.patience)?,
        quiet: Duration::try_from_secs_f64(serve.quiet)?,
        jobs: serve.jobs,
    };
    let receivers = suite::start(&cases, &options).await?;
    if options.driver.is_empty() {
        print_plan(&cases, &receivers);
    }
    let outcomes = suite::run(cases, &receivers, &options, |outcome| eprintln!("{}", report::line(outcome))).await;
    let printed =
        if serve.json { format!("{:#}", report::json(&outcomes)) } else { format!("\n{}", report::table(&outcomes)) };
    println!("{printed}");
    eprintln!("{}", report::summary(&outcomes));
    Ok(!outcomes.iter().any(suite::Outcome::is_failed))
}

/// Prints a line of JSON for each case: its name, URL and the data to publish.
fn print_plan(cases: &[case::Case], receivers: &Receivers) {
    for case in cases {
        println!("{}", json!({ "case": case.name, "url": receivers.of(case).url, "data": case.data }));
    }
}

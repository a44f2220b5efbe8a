//! `cargo bench-all`: the costs of Signpost as ratios to a baseline.
//!
//! Absolute figures depend on the machine; ratios hardly do. Each measurement alternates with its baseline in the same run, and
//! the bench prints the medians over all rounds. The functions are the binaries that are deployed, built with the profile
//! `release`. A local runtime API of Lambda sends them events, and the kernel counts the processor time of their process. AWS (an
//! in-memory DynamoDB and minimal versions of SQS, SES and Secrets Manager) and the receiver run in the process of the bench, so
//! their cost is not counted. The functions reach both over TLS.
//!
//! Arguments select measurements by name. With `quick` each measurement is only long enough to show that it works.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]

mod authorizer;
mod aws;
mod bare_client;
mod billing;
mod cold_start;
mod error;
mod feed;
mod hosts;
mod lambda;
mod process;
mod programs;
mod receiver;
mod report;
mod requests;
mod sender;
mod size;
mod sweep;
mod table;
mod tables;
mod tls;
mod world;

use error::BenchError;
use programs::Programs;
use size::Size;
use table::Table;
use world::World;

#[tokio::main]
async fn main() -> Result<(), BenchError> {
    let mut chosen: Vec<String> = std::env::args().skip(1).collect();
    let size = if chosen.iter().any(|name| name == "quick") { Size::QUICK } else { Size::FULL };
    chosen.retain(|name| name != "quick");
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);

    // The HTTP client of the database needs a default provider. Installing one fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::start(Programs::build()?).await?;
    let mut table = Table::default();
    if is_chosen("start") {
        cold_start::measure(&world, size, &mut table).await?;
    }
    if is_chosen("sender") {
        sender::measure(&world, size, &mut table).await?;
        hosts::measure(&world, size, &mut table).await?;
    }
    if is_chosen("requests") {
        requests::measure(&world, size, &mut table).await?;
    }
    if is_chosen("authorizer") {
        authorizer::measure(&world, size, &mut table).await?;
    }
    if is_chosen("feed") {
        feed::measure(&world, size, &mut table).await?;
    }
    if is_chosen("billing") {
        billing::measure(&world, size, &mut table).await?;
    }
    if is_chosen("report") {
        report::measure(&world, size, &mut table).await?;
    }
    if is_chosen("sweep") {
        sweep::measure(&world, size, &mut table).await?;
    }
    println!("{table}");
    Ok(())
}

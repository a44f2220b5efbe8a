//! `cargo bench-all`: what Signpost costs, as ratios.
//!
//! Figures in seconds tell of a machine; ratios tell of the program. So everything is measured in turn with a baseline in the same
//! run, and what is printed is the median of the rounds. The functions are the binaries that are deployed, built with the profile
//! `release`; a stand-in for Lambda's runtime API hands them events, and their processor time is the kernel's count for their process
//! alone. AWS (an in-memory DynamoDB, and the few answers of SQS, SES and Secrets Manager) and the receiver are in this process,
//! which nobody counts; both are reached over TLS.
//!
//! Names of measurements as arguments choose among them; `quick` makes each so short that it only shows that it works.

#![expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]

mod aws;
mod bare_client;
mod billing;
mod cold_start;
mod error;
mod lambda;
mod process;
mod programs;
mod receiver;
mod report;
mod requests;
mod sender;
mod size;
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

    // Only the client that talks to the database asks for it, and it fails only if it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::start(Programs::build()?).await?;
    let mut table = Table::default();
    if is_chosen("start") {
        cold_start::measure(&world, size, &mut table).await?;
    }
    if is_chosen("sender") {
        sender::measure(&world, size, &mut table).await?;
    }
    if is_chosen("requests") {
        requests::measure(&world, size, &mut table).await?;
    }
    if is_chosen("billing") {
        billing::measure(&world, size, &mut table).await?;
    }
    if is_chosen("report") {
        report::measure(&world, size, &mut table).await?;
    }
    println!("{table}");
    Ok(())
}

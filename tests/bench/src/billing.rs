//! The units that AWS bills for one event of 1 KB that is published and delivered to one endpoint.

use serde_json::Value;

use crate::aws::Usage;
use crate::cold_start::millis;
use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::Table;
use crate::world::{World, batch, event, send, small_event};

/// Number of batches whose duration is measured.
const BATCHES: usize = 5;

/// Memory of webhook-sender in GB.
const SENDER_MEMORY_GB: f64 = 0.5;

/// Billing units of one event.
struct Units {
    write: f64,
    read: f64,
    sqs: f64,
    bytes_out: f64,
    gb_ms: f64,
}

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let (ten, one) = (units(world, size, 10, &event()).await?, units(world, size, 1, &event()).await?);
    let mut line = |what: &str, unit: &str, of: fn(&Units) -> f64, goal| {
        table.count(format!("per event, batches of 10 against 1: {what}"), unit, of(&ten), of(&one), goal);
    };
    line("DynamoDB write units", "", |units| units.write, "≤ 3");
    line("DynamoDB read units", "", |units| units.read, "≤ 1");
    line("SQS requests", "", |units| units.sqs, "");
    line("bytes to and from the receiver, with TLS handshake", "B", |units| units.bytes_out, "");
    line("Lambda GB-ms of the sender, receivers that answer after 200 ms", "", |units| units.gb_ms, "");
    let small = units(world, size, 10, &small_event()).await?;
    let what = "per event of 0.5 KB without a submission, against 1 KB with a submission: DynamoDB write units";
    table.count(what, "", small.write, ten.write, "≤ 3");
    Ok(())
}

async fn units(world: &World, size: Size, in_batch: usize, event: &Value) -> Result<Units, BenchError> {
    let events = size.batches * in_batch;
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Fresh, 1).await?;
    let mut sender = world.function("trusting-sender").await?;
    // The first delivery fills the caches, such as that of the endpoint. Its reads are not counted.
    send(&mut sender, &project.batch(1)).await?;
    world.aws.take_usage();
    for _ in 0..events {
        api.invoke(&project.publish_request(event)).await?;
    }
    let published = world.aws.take_usage();
    let bytes_before = world.receiver.bytes();
    for messages in published.messages.chunks(in_batch) {
        send(&mut sender, &batch(messages.iter().cloned())).await?;
    }
    let bytes = world.receiver.bytes() - bytes_before;
    let delivered = world.aws.take_usage();
    let per_event = |total: f64| total / events as f64;
    Ok(Units {
        write: per_event(published.write_units + delivered.write_units),
        read: per_event(published.read_units + delivered.read_units),
        // Lambda receives and deletes each batch with one request.
        sqs: per_event(sqs_calls(&published) + sqs_calls(&delivered)) + 2.0 / in_batch as f64,
        bytes_out: per_event(bytes as f64),
        gb_ms: gb_ms(world, in_batch).await?,
    })
}

fn sqs_calls(usage: &Usage) -> f64 {
    usage.calls.iter().filter(|(name, _)| name.starts_with("AmazonSQS")).map(|(_, calls)| *calls as f64).sum()
}

/// GB-milliseconds of the sender for each delivery, with receivers that answer as slowly as over the internet.
async fn gb_ms(world: &World, in_batch: usize) -> Result<f64, BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Slow, in_batch).await?;
    let mut sender = world.function("trusting-sender").await?;
    send(&mut sender, &project.batch(in_batch)).await?;
    let mut total_ms = 0.0;
    for _ in 0..BATCHES {
        total_ms += millis(send(&mut sender, &project.batch(in_batch)).await?);
    }
    Ok(SENDER_MEMORY_GB * total_ms / (BATCHES * in_batch) as f64)
}

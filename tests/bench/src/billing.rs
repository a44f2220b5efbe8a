//! The units that AWS bills for one event of 1 KB that is published and delivered to one endpoint.

use domain::foundation::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::aws::Usage;
use crate::cold_start::millis;
use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::Table;
use crate::tables::ACTIVITY;
use crate::world::{Project, World, batch, event, send, small_event};

/// Number of attempts of a delivery that fails for good.
const MAX_ATTEMPTS: usize = 10;

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
    let (long, short) =
        (failing(world, ResponseMode::Explaining).await?, failing(world, ResponseMode::Refusing).await?);
    let name =
        |what: &str| format!("per delivery that fails {MAX_ATTEMPTS} times, answers of 1 KiB against none: {what}");
    table.count(name("DynamoDB write units"), "", long.write_units, short.write_units, "");
    table.count(name("DynamoDB read units"), "", long.read_units, short.read_units, "");
    table.count(name("SQS requests, single messages"), "", sqs_of(&long), sqs_of(&short), "");
    Ok(())
}

/// SQS requests to send, receive and delete the messages of a delivery, each in a batch of its own.
fn sqs_of(usage: &Usage) -> f64 {
    sqs_calls(usage) + 2.0 * usage.messages.len() as f64
}

/// Publishes an event to a receiver that never accepts it. Returns the usage of all attempts, with the runs of the sweep that cause
/// the later ones. Attempts are made at once, so the rows that name the delivery on later days are missing.
async fn failing(world: &World, mode: ResponseMode) -> Result<Usage, BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, mode, 1).await?;
    let (mut sender, mut retry) = (world.function("trusting-sender").await?, world.function("webhook-retry").await?);
    world.aws.take_usage();
    api.invoke(&project.publish_request(&event())).await?;
    let mut total = world.aws.take_usage();
    let mut waiting = total.messages.clone();
    for _ in 0..MAX_ATTEMPTS {
        if waiting.is_empty() {
            let task = make_due(world, &project).await?;
            retry.invoke(&task).await?;
            let swept = world.aws.take_usage();
            waiting.clone_from(&swept.messages);
            total.add(swept);
        }
        send(&mut sender, &batch(waiting.drain(..))).await?;
        let attempted = world.aws.take_usage();
        waiting.clone_from(&attempted.messages);
        total.add(attempted);
    }
    let row = world.aws.database().row(ACTIVITY, "delivery#", |row| row.to_string().contains(&project.id)).await?;
    if row["state"]["S"] == "failed" { Ok(total) } else { Err(BenchError::Unexpected(row.to_string())) }
}

/// Makes the project's only delivery due now. Returns the event that has webhook-retry sweep its shard.
async fn make_due(world: &World, project: &Project) -> Result<Value, BenchError> {
    let database = world.aws.database();
    let mut row = database.row(ACTIVITY, "delivery#", |row| row.to_string().contains(&project.id)).await?;
    let now = SystemClock.now();
    row["nextAttemptAt"] = json!({ "S": now.to_string() });
    row["sweepAt"] = json!({ "N": now.as_millis().to_string() });
    let shard: u8 =
        row["dueShard"]["S"].as_str().and_then(|shard| shard.parse().ok()).ok_or(BenchError::Missing("shard"))?;
    database.put_all(ACTIVITY, std::iter::once(row.to_string())).await?;
    Ok(json!({ "task": { "shard": shard } }))
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

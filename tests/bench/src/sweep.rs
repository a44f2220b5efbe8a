//! The sweep of a shard with due deliveries of many projects, which it claims one by one, against one with a backlog of a single
//! project.

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::random::SystemRandom;
use serde_json::{Value, json};

use crate::aws::Database;
use crate::cold_start::millis;
use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::Table;
use crate::tables::ACTIVITY;
use crate::world::{World, batch, event, send};

/// The shard that is swept.
const SHARD: u8 = 3;

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let [backlog, claims] = size.due;
    let queued = sweep(world, backlog, false).await?;
    let claimed = sweep(world, claims, true).await?;
    let name = format!("sweep: CPU per due delivery, {claims} of as many projects against {backlog} of one");
    table.count(name, "µs", claimed, queued, "");
    Ok(())
}

/// Sweeps a shard with this many due deliveries. Returns microseconds of processor time per delivery.
async fn sweep(world: &World, deliveries: usize, of_many_projects: bool) -> Result<f64, BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Kept, 1).await?;
    api.invoke(&project.publish_request(&event())).await?;
    let mut sender = world.function("trusting-sender").await?;
    let sent = world.aws.take_usage().messages;
    send(&mut sender, &batch(sent.into_iter())).await?;
    store_due(world.aws.database(), &project.id, deliveries, of_many_projects).await?;

    let mut retry = world.function("webhook-retry").await?;
    let task = json!({ "task": { "shard": SHARD } });
    retry.cpu().await?;
    let (summary, _) = retry.invoke(&task).await?;
    if summary["queued"] != deliveries {
        return Err(BenchError::Unexpected(summary.to_string()));
    }
    Ok(millis(retry.cpu().await?) * 1e3 / deliveries as f64)
}

/// Stores copies of the project's delivery that wait for an overdue attempt.
async fn store_due(
    database: &Database,
    project: &str,
    deliveries: usize,
    of_many_projects: bool,
) -> Result<(), BenchError> {
    let now = SystemClock.now();
    let mut row = database.row(ACTIVITY, "delivery#", |row| row.to_string().contains(project)).await?;
    row["state"] = json!({ "S": "waiting" });
    row["nextAttemptAt"] = json!({ "S": now.to_string() });
    row["dueShard"] = json!({ "S": format!("{SHARD:02}") });
    row["sweepAt"] = json!({ "N": now.as_millis().to_string() });
    let first =
        row["id"]["S"].as_str().and_then(|id| id.split('_').next()).ok_or(BenchError::Missing("id"))?.to_owned();
    let row = Value::to_string(&row);
    let rows = (0..deliveries).map(|_| {
        let row = row.replace(&first, &EventId::new(now, &SystemRandom).to_string());
        if of_many_projects { row.replace(project, &ProjectId::new(now, &SystemRandom).to_string()) } else { row }
    });
    database.put_all(ACTIVITY, rows).await
}

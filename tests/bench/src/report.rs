//! The report of a busy day against that of a quiet day, and the morning run with many projects against one with few.

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::random::SystemRandom;
use serde_json::{Value, json};

use crate::cold_start::millis;
use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::Table;
use crate::tables::{ACTIVITY, SETTINGS};
use crate::world::{World, batch, call, event, send};

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let [many, few] = size.deliveries;
    let (quiet, busy) = (report(world, few).await?, report(world, many).await?);
    let name = |what: &str, many: usize, few: usize| format!("{what}, {many} against {few}");
    table.count(name("report: CPU per delivery of a day", many, few), "µs", busy.0, quiet.0, "");
    table.count(name("report: peak memory of deliveries of a day", many, few), "MB", busy.1, quiet.1, "");

    let [many, few] = size.projects;
    let (quiet, busy) = (listing(world, few).await?, listing(world, many).await?);
    table.count(name("morning run: CPU per project", many, few), "µs", busy.0, quiet.0, "");
    table.count(name("morning run: peak memory of projects", many, few), "MB", busy.1, quiet.1, "");
    Ok(())
}

/// Builds the report of a day with this many deliveries. Returns microseconds of processor time per delivery, and the peak memory in
/// MB.
async fn report(world: &World, deliveries: usize) -> Result<(f64, f64), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Kept, 1).await?;
    api.invoke(&project.publish_request(&event())).await?;
    let mut sender = world.function("trusting-sender").await?;
    let sent = world.aws.take_usage().messages;
    send(&mut sender, &batch(sent.into_iter())).await?;

    let database = world.aws.database();
    let of_project = |row: &Value| row.to_string().contains(&project.id);
    let event_row = database.row(ACTIVITY, "event#", of_project).await?.to_string();
    let delivery_row = database.row(ACTIVITY, "delivery#", of_project).await?.to_string();
    let first: Value = serde_json::from_str(&event_row)?;
    let first_id =
        first["sk"]["S"].as_str().and_then(|key| key.strip_prefix("event#")).ok_or(BenchError::Missing("id"))?;
    let rows = (1..deliveries).flat_map(|_| {
        let id = EventId::new(SystemClock.now(), &SystemRandom).to_string();
        [&event_row, &delivery_row].map(|row| row.replace(first_id, &id))
    });
    database.put_all(ACTIVITY, rows).await?;

    // A new process, so that its peak memory is that of the report. A job of another project connects it to the database.
    let mut digest = world.function("daily-digest").await?;
    let day = SystemClock.now().day();
    let job = |project: &str| {
        let body = json!({ "report": { "projectId": project, "day": day } }).to_string();
        json!({ "Records": [{ "messageId": "1", "body": body }] })
    };
    digest.invoke(&job("019ab5e0-0000-7000-8000-000000000000")).await?;
    digest.cpu().await?;
    digest.invoke(&job(&project.id)).await?;
    let (cpu, memory) = (digest.cpu().await?, digest.peak_memory()?);
    let view = call(&mut api, "GET", &format!("/v1/projects/{}/reports/{day}", project.id), &Value::Null).await?;
    if view["totals"]["delivered"] != deliveries {
        return Err(BenchError::Unexpected(view["totals"].to_string()));
    }
    Ok((millis(cpu) * 1e3 / deliveries as f64, memory as f64 / 1e6))
}

/// Adds this many projects and runs daily-digest as its schedule does. Returns microseconds of processor time per project, and the
/// peak memory in MB.
async fn listing(world: &World, projects: usize) -> Result<(f64, f64), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Kept, 0).await?;
    let user = json!({ "name": "Ada", "email": "ada@customer.example" });
    call(&mut api, "POST", &format!("/v1/projects/{}/notification-users", project.id), &user).await?;
    let database = world.aws.database();
    let of_project = |row: &Value| row.to_string().contains(&project.id);
    let mut meta = database.row(SETTINGS, "meta", of_project).await?;
    // No report is due of the days before a project was created.
    meta["createdAt"]["S"] = json!("2026-01-01T00:00:00.000Z");
    let (meta, user) = (meta.to_string(), database.row(SETTINGS, "user#", of_project).await?.to_string());
    let rows = (0..projects).flat_map(|_| {
        let id = ProjectId::new(SystemClock.now(), &SystemRandom).to_string();
        [&meta, &user].map(|row| row.replace(&project.id, &id))
    });
    database.put_all(SETTINGS, rows).await?;

    let mut digest = world.function("daily-digest").await?;
    world.aws.take_usage();
    digest.invoke(&json!({ "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}" })).await?;
    let listed = world.aws.take_usage().messages.len() / 2;
    Ok((millis(digest.cpu().await?) * 1e3 / listed as f64, digest.peak_memory()? as f64 / 1e6))
}

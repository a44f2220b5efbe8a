//! The cost of a request to `redirect`, `api` and `console`, against a function that only answers with the same status.

use serde_json::Value;

use crate::cold_start::millis;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{Project, World, event};

/// Number of events in a full batch.
const EVENTS_A_BATCH: usize = 100;

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Fresh, 1).await?;
    let return_link = project.return_link_request(&mut api).await?;
    let mut console = world.function("console").await?;
    let overview = project.console_request(&mut api, &mut console, "/").await?;
    let endpoints = project.console_request(&mut api, &mut console, "/endpoints").await?;

    let (mut redirect, mut fixed) = (world.function("redirect").await?, world.function("fixed-answer").await?);
    let mut other_console = world.function("console").await?;
    // A page is compared with the fixed response to a GET, which has another status.
    for (name, ours, event, status, fixed_status, goal) in [
        ("redirect", &mut redirect, return_link, 303, 303, ""),
        ("api publish", &mut api, project.publish_request(&event()), 202, 202, "≤ 6"),
        ("console overview", &mut console, overview, 200, 303, "≤ 3 ms"),
        ("console endpoints", &mut other_console, endpoints, 200, 303, "≤ 3 ms"),
    ] {
        let (mut cpu, mut wall) = (Rounds::default(), Rounds::default());
        for round in 0..=size.rounds {
            let count = size.batches * 10;
            let (ours_cpu, ours_wall) = requests(ours, &event, status, count).await?;
            let (fixed_cpu, fixed_wall) = requests(&mut fixed, &event, fixed_status, count).await?;
            if round > 0 {
                cpu.add(ours_cpu, fixed_cpu);
                wall.add(ours_wall, fixed_wall);
            }
        }
        table.compare(format!("{name}: CPU per request, against a fixed {fixed_status}"), "ms", &cpu, goal);
        table.compare(format!("{name}: time per request, against a fixed {fixed_status}"), "ms", &wall, "");
    }
    publish_in_batches(&mut api, &mut fixed, &project, size, table).await
}

/// Measures an event of a full batch, against a fixed response to a request with one event.
async fn publish_in_batches(
    api: &mut Lambda,
    fixed: &mut Lambda,
    project: &Project,
    size: Size,
    table: &mut Table,
) -> Result<(), BenchError> {
    let (batch, one) = (project.publish_batch_request(&event(), EVENTS_A_BATCH), project.publish_request(&event()));
    let mut cpu = Rounds::default();
    for round in 0..=size.rounds {
        let (batch_cpu, _) = requests(api, &batch, 202, size.batches.div_ceil(5)).await?;
        let (fixed_cpu, _) = requests(fixed, &one, 202, size.batches * 10).await?;
        if round > 0 {
            cpu.add(batch_cpu / EVENTS_A_BATCH as f64, fixed_cpu);
        }
    }
    let what = format!("api publish, batch of {EVENTS_A_BATCH}: CPU per event, against a fixed 202");
    table.compare(what, "ms", &cpu, "≤ 1.5");
    Ok(())
}

/// Makes `count` requests. Returns milliseconds of processor time and of elapsed time per request.
pub(crate) async fn requests(
    function: &mut Lambda,
    event: &Value,
    status: u16,
    count: usize,
) -> Result<(f64, f64), BenchError> {
    let mut wall = std::time::Duration::ZERO;
    for _ in 0..count {
        let (response, took) = function.invoke(event).await?;
        if response["statusCode"] != status {
            return Err(BenchError::Unexpected(response.to_string()));
        }
        wall += took;
    }
    let count = count as f64;
    Ok((millis(function.cpu().await?) / count, millis(wall) / count))
}

//! What a request to `redirect` and one to `api` cost, against a function that answers the same status and does nothing.

use serde_json::Value;

use crate::cold_start::millis;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::receiver::Manner;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{World, event};

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, Manner::Fresh, 1).await?;
    let followed = project.following(&mut api).await?;

    let (mut redirect, mut fixed) = (world.function("redirect").await?, world.function("fixed-answer").await?);
    for (name, ours, event, status) in
        [("redirect", &mut redirect, followed, 303), ("api publish", &mut api, project.publishing(&event()), 202)]
    {
        let (mut cpu, mut wall) = (Rounds::default(), Rounds::default());
        for round in 0..=size.rounds {
            let count = size.batches * 10;
            let (ours_cpu, ours_wall) = requests(ours, &event, status, count).await?;
            let (fixed_cpu, fixed_wall) = requests(&mut fixed, &event, status, count).await?;
            if round > 0 {
                cpu.add(ours_cpu, fixed_cpu);
                wall.add(ours_wall, fixed_wall);
            }
        }
        table.compare(format!("{name}: CPU per request, against a fixed {status}"), "ms", &cpu, "");
        table.compare(format!("{name}: time per request, against a fixed {status}"), "ms", &wall, "");
    }
    Ok(())
}

/// Milliseconds of processor time and of time per request.
async fn requests(function: &mut Lambda, event: &Value, status: u16, count: usize) -> Result<(f64, f64), BenchError> {
    let mut wall = std::time::Duration::ZERO;
    for _ in 0..count {
        let (answer, took) = function.invoke(event).await?;
        if answer["statusCode"] != status {
            return Err(BenchError::Refused(answer.to_string()));
        }
        wall += took;
    }
    let count = count as f64;
    Ok((millis(function.cpu().await?) / count, millis(wall) / count))
}

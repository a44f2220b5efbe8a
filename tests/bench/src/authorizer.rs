//! The cost of a decision of `authorizer` about a key that it has in its cache, against a function that does nothing.

use std::time::Duration;

use serde_json::Value;

use crate::cold_start::millis;
use crate::error::BenchError;
use crate::lambda::Lambda;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::World;

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Fresh, 1).await?;
    let call = project.authorizer_request(&mut api).await?;
    let (mut authorizer, mut empty) = (world.function("authorizer").await?, world.function("empty").await?);
    let (mut cpu, mut wall) = (Rounds::default(), Rounds::default());
    // A key is read again every five seconds. Rounds of this length include few of these reads.
    let count = size.batches * 20;
    for round in 0..=size.rounds {
        let (ours_cpu, ours_wall) = decisions(&mut authorizer, &call, count, true).await?;
        let (empty_cpu, empty_wall) = decisions(&mut empty, &call, count, false).await?;
        if round > 0 {
            cpu.add(ours_cpu, empty_cpu);
            wall.add(ours_wall, empty_wall);
        }
    }
    table.compare("authorizer: CPU per decision with a warm cache, against empty", "ms", &cpu, "≤ 0.1 ms more");
    table.compare("authorizer: time per decision with a warm cache, against empty", "ms", &wall, "");
    Ok(())
}

/// Asks `count` times. Returns milliseconds of processor time and of elapsed time for each.
async fn decisions(
    function: &mut Lambda,
    call: &Value,
    count: usize,
    is_authorizer: bool,
) -> Result<(f64, f64), BenchError> {
    let mut wall = Duration::ZERO;
    for _ in 0..count {
        let (response, took) = function.invoke(call).await?;
        if is_authorizer && response["isAuthorized"] != true {
            return Err(BenchError::Unexpected(response.to_string()));
        }
        wall += took;
    }
    let count = count as f64;
    Ok((millis(function.cpu().await?) / count, millis(wall) / count))
}

//! From the start of the process to its asking for the first event, and what the first event costs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::BenchError;
use crate::receiver::Manner;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{Project, World, event};

/// What is measured of a start.
#[derive(Default)]
struct Figures {
    wall: Rounds,
    cpu: Rounds,
    memory: Rounds,
    first: Rounds,
}

/// Starts each function and the empty one in turn.
pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, Manner::Fresh, 1).await?;
    let followed = project.following(&mut api).await?;
    let mut figures: [(&str, Figures); 5] = firsts(&project, &followed).map(|(name, _)| (name, Figures::default()));
    for _ in 0..size.rounds * 2 {
        for ((name, event), (_, figures)) in firsts(&project, &followed).iter().zip(&mut figures) {
            let empty = started(world, "empty", &Value::Null).await?;
            let ours = started(world, name, event).await?;
            figures.wall.add(ours.wall, empty.wall);
            figures.cpu.add(ours.cpu, empty.cpu);
            figures.memory.add(ours.memory, empty.memory);
            figures.first.add(ours.first, empty.first);
        }
    }
    for (name, figures) in &figures {
        let goal = if *name == "redirect" { "≤ 1.6" } else { "≤ 2" };
        table.compare(format!("{name}: CPU to first `next`, against empty"), "ms", &figures.cpu, goal);
        table.compare(format!("{name}: time to first `next`, against empty"), "ms", &figures.wall, "");
        table.compare(format!("{name}: CPU of the first invocation, against empty"), "ms", &figures.first, "≤ 4 ms");
        table.compare(format!("{name}: peak memory after it, against empty"), "MB", &figures.memory, "");
    }
    Ok(())
}

/// The functions, each with a usual first event, of which nobody has heard before.
fn firsts(project: &Project, followed: &Value) -> [(&'static str, Value); 5] {
    let scheduled = json!({ "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}" });
    [
        ("redirect", followed.clone()),
        ("api", project.publishing(&event())),
        ("trusting-sender", project.batch(1)),
        ("webhook-retry", scheduled.clone()),
        ("daily-digest", scheduled),
    ]
}

struct Started {
    wall: f64,
    cpu: f64,
    memory: f64,
    first: f64,
}

async fn started(world: &World, name: &str, event: &Value) -> Result<Started, BenchError> {
    let mut function = world.function(name).await?;
    let start = function.start;
    function.invoke(event).await?;
    let first = function.cpu().await?;
    let memory = function.peak_memory()? as f64 / 1e6;
    Ok(Started { wall: millis(start.wall), cpu: millis(start.cpu), memory, first: millis(first) })
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

//! The cost of a cold start, until the process asks for its first event, and the cost of that event.

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{Project, World, event};

/// Measurements of a start.
#[derive(Default)]
struct Figures {
    wall: Rounds,
    cpu: Rounds,
    memory: Rounds,
    first: Rounds,
}

/// Measures the start of each function and of `empty` alternately.
pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Fresh, 1).await?;
    let return_link = project.return_link_request(&mut api).await?;
    let page = project.console_request(&mut api, &mut world.function("console").await?, "/endpoints").await?;
    let call = project.authorizer_request(&mut api).await?;
    let mut figures: [(&str, Figures); 7] =
        first_events(&project, &return_link, &page, &call).map(|(name, _)| (name, Figures::default()));
    for _ in 0..size.rounds * 2 {
        for ((name, event), (_, figures)) in first_events(&project, &return_link, &page, &call).iter().zip(&mut figures)
        {
            let empty = measure_start(world, "empty", &Value::Null).await?;
            let ours = measure_start(world, name, event).await?;
            figures.wall.add(ours.wall, empty.wall);
            figures.cpu.add(ours.cpu, empty.cpu);
            figures.memory.add(ours.memory, empty.memory);
            figures.first.add(ours.first, empty.first);
        }
    }
    for (name, figures) in &figures {
        let goal = if ["redirect", "authorizer"].contains(name) { "≤ 1.6" } else { "≤ 2" };
        table.compare(format!("{name}: CPU to first `next`, against empty"), "ms", &figures.cpu, goal);
        table.compare(format!("{name}: time to first `next`, against empty"), "ms", &figures.wall, "");
        table.compare(format!("{name}: CPU of the first invocation, against empty"), "ms", &figures.first, "≤ 4 ms");
        table.compare(
            format!("{name}: peak memory after the first invocation, against empty"),
            "MB",
            &figures.memory,
            "",
        );
    }
    Ok(())
}

/// The functions, each with a typical first event. Each event is new.
fn first_events(project: &Project, return_link: &Value, page: &Value, call: &Value) -> [(&'static str, Value); 7] {
    let scheduled = json!({ "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}" });
    [
        ("redirect", return_link.clone()),
        ("authorizer", call.clone()),
        ("console", page.clone()),
        ("api", project.publish_request(&event())),
        ("trusting-sender", project.batch(1)),
        ("webhook-retry", scheduled.clone()),
        ("daily-digest", scheduled),
    ]
}

struct StartFigures {
    wall: f64,
    cpu: f64,
    memory: f64,
    first: f64,
}

async fn measure_start(world: &World, name: &str, event: &Value) -> Result<StartFigures, BenchError> {
    let mut function = world.function(name).await?;
    let start = function.start;
    function.invoke(event).await?;
    let first = function.cpu().await?;
    let memory = function.peak_memory()? as f64 / 1e6;
    Ok(StartFigures { wall: millis(start.wall), cpu: millis(start.cpu), memory, first: millis(first) })
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

//! The cost of a page of the feed, against a function that only answers, and its read units.

use serde_json::{Value, json};

use crate::error::BenchError;
use crate::receiver::ResponseMode;
use crate::requests::requests;
use crate::size::Size;
use crate::table::{Rounds, Table};
use crate::world::{World, call, event, request};

/// Number of events on a page.
const EVENTS: usize = 100;

pub(crate) async fn measure(world: &World, size: Size, table: &mut Table) -> Result<(), BenchError> {
    let (ten_each, one_each) = (page(world, 10).await?, page(world, 1).await?);
    let (mut feed, mut fixed) = (world.function("api").await?, world.function("fixed-answer").await?);
    let mut cpu = Rounds::default();
    for round in 0..=size.rounds {
        let (ours, _) = requests(&mut feed, &ten_each, 200, size.batches).await?;
        let (baseline, _) = requests(&mut fixed, &ten_each, 303, size.batches).await?;
        if round > 0 {
            cpu.add(ours, baseline);
        }
    }
    table.compare(format!("feed, page of {EVENTS} events of 1 KB: CPU per call, against a fixed 303"), "ms", &cpu, "");

    let mut read = Vec::new();
    for page in [ten_each, one_each] {
        world.aws.take_usage();
        requests(&mut feed, &page, 200, 1).await?;
        read.push(world.aws.take_usage().read_units);
    }
    let what = format!("feed, page of {EVENTS} events of 1 KB, ten of a submission against one: DynamoDB read units");
    table.count(what, "", read[0], read[1], "");
    Ok(())
}

/// Publishes events with this many of each submission. Returns the API Gateway event of a request for the page of all of them.
async fn page(world: &World, of_a_submission: usize) -> Result<Value, BenchError> {
    let mut api = world.function("api").await?;
    let project = world.project(&mut api, ResponseMode::Fresh, 0).await?;
    let events: Vec<Value> = (0..EVENTS)
        .map(|number| {
            let mut event = event();
            event["submissionId"] = format!("sub_{}", number / of_a_submission).into();
            event
        })
        .collect();
    let path = format!("/v1/projects/{}", project.id);
    call(&mut api, "POST", &format!("{path}/events/batch"), &json!({ "events": events })).await?;
    let page = call(&mut api, "GET", &format!("{path}/feed"), &Value::Null).await?;
    if page["items"].as_array().is_none_or(Vec::is_empty) {
        return Err(BenchError::Unexpected(page.to_string()));
    }
    let mut page = request("GET", &format!("{path}/feed"), &Value::Null);
    page["rawQueryString"] = format!("limit={EVENTS}").into();
    Ok(page)
}

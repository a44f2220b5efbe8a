//! `signpost trigger`: publishes the sample event of a type, in a test project.

use domain::webhooks::sample;
use serde_json::Value;

use crate::arguments::TriggerOptions;
use crate::error::CommandError;
use crate::output::Output;
use crate::project::Project;

/// Publishes the event.
pub(crate) async fn run(project: &Project, options: &TriggerOptions, output: Output) -> Result<bool, CommandError> {
    if !project.is_test().await? {
        return Err(CommandError::LiveProject);
    }
    let sample: Value = serde_json::from_str(sample::request(options.event_type)).expect("a sample is JSON");
    let accepted = project.post("/events", &sample).await?.value()?;
    output.line(&sentence(options.event_type.as_str(), &accepted));
    output.json(&accepted);
    Ok(true)
}

/// How many endpoints get an accepted event.
pub(crate) fn sentence(event_type: &str, accepted: &Value) -> String {
    let id = accepted["id"].as_str().unwrap_or_default();
    match accepted["deliveries"].as_array().map_or(0, Vec::len) {
        0 => format!("{event_type} {id}: no endpoint receives this type"),
        1 => format!("{event_type} {id}: sent to 1 endpoint"),
        count => format!("{event_type} {id}: sent to {count} endpoints"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_says_how_many_endpoints_get_the_event() {
        let line = |deliveries: Value| sentence("aml", &json!({ "id": "e", "deliveries": deliveries }));
        assert_eq!(line(json!([])), "aml e: no endpoint receives this type");
        assert_eq!(line(json!([{}])), "aml e: sent to 1 endpoint");
        assert_eq!(line(json!([{}, {}])), "aml e: sent to 2 endpoints");
    }
}

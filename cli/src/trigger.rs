//! `signpost trigger`: publishes the sample event of a type, in a test project.

use domain::projects::api_key::ApiKeyKind;
use domain::projects::project::Mode;
use domain::webhooks::sample;
use serde_json::Value;
use thiserror::Error;

use crate::api::{ApiClient, ApiError};
use crate::arguments::TriggerOptions;
use crate::config::Config;
use crate::output::Output;

/// Why nothing was published.
#[derive(Debug, Error)]
pub(crate) enum TriggerError {
    /// A receiver could take the sample for a real verification.
    #[error("only test projects get sample events, because receivers of live projects would take them for real")]
    Live,
    /// A call failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Publishes the event.
pub(crate) async fn run(config: &Config, options: &TriggerOptions, output: Output) -> Result<(), TriggerError> {
    let (api, path) = (ApiClient::new(config), format!("/v1/projects/{}", options.project));
    let is_test = match config.key.kind() {
        ApiKeyKind::Test => true,
        ApiKeyKind::Live => false,
        ApiKeyKind::Operator => api.get(&path).await?.text("mode")? == Mode::Test.as_str(),
    };
    if !is_test {
        return Err(TriggerError::Live);
    }
    let sample: Value = serde_json::from_str(sample::request(options.event_type)).expect("a sample is JSON");
    let accepted = api.post(&format!("{path}/events"), &sample).await?;
    output.line(&sentence(options.event_type.as_str(), &accepted.body));
    output.json(&accepted.body);
    Ok(())
}

fn sentence(event_type: &str, accepted: &Value) -> String {
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

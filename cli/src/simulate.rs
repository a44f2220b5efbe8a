//! `signpost simulate`: publishes the events of a fictitious verification, and shows their deliveries.

use std::time::{Duration, Instant};

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::random::{self, SystemRandom};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::DeliveryState;
use domain::webhooks::event::{EventType, SubmissionId};
use domain::webhooks::sample;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Answer, ApiError};
use crate::arguments::{Scenario, SimulateOptions};
use crate::confirmation::confirm;
use crate::delivery::Delivery;
use crate::error::CommandError;
use crate::output::Output;
use crate::project::Project;
use crate::trigger;

/// Maximum time to wait for the first attempts of an event.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause between two looks at the deliveries of an event.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
}

/// Publishes the events, one after the other. Returns whether all webhooks were accepted at their first attempt.
pub(crate) async fn run(project: &Project, options: &SimulateOptions, output: Output) -> Result<bool, CommandError> {
    let types = event_types(options.scenario);
    if !project.is_test().await? {
        if !options.live {
            return Err(CommandError::LiveProject);
        }
        let question = format!("Publish {} fictitious events in a live project?", types.len());
        if !confirm(&question, options.yes).await? {
            return Ok(false);
        }
    }
    let submission = options.submission.clone().unwrap_or_else(new_submission);
    output.line(&format!("Submission {}\n", submission.as_str()));
    let mut all_accepted = true;
    for (index, event_type) in types.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(options.delay).await;
        }
        let event = event(*event_type, &submission, SystemClock.now());
        let accepted = project.post("/events", &event).await?.value()?;
        let deliveries = attempted(project, &accepted).await?;
        show(*event_type, &accepted, deliveries.as_deref(), output)?;
        all_accepted &= deliveries.iter().flatten().all(is_accepted);
    }
    Ok(all_accepted)
}

/// The types of the events, in order.
fn event_types(scenario: Scenario) -> &'static [EventType] {
    match scenario {
        Scenario::Approved => &[EventType::Submit, EventType::Approved, EventType::Aml],
        Scenario::Rejected => &[EventType::Submit, EventType::Rejected],
        Scenario::Review => &[EventType::Submit, EventType::Pending, EventType::Approved, EventType::Aml],
    }
}

fn new_submission() -> SubmissionId {
    random::letters_and_digits(13, &SystemRandom).try_into().expect("letters and digits are an id")
}

/// A request to publish the sample event of a type, about this submission and as if it had happened at `now`.
fn event(event_type: EventType, submission: &SubmissionId, now: Timestamp) -> Value {
    let mut event: Value = serde_json::from_str(sample::request(event_type)).expect("a sample is JSON");
    let sample_submission = event["submissionId"].as_str().unwrap_or_default().to_owned();
    let mut latest: Option<Timestamp> = None;
    change_strings(&mut event, &mut |text| latest = latest.max(text.parse().ok()));
    change_strings(&mut event, &mut |text| {
        if *text == sample_submission {
            submission.as_str().clone_into(text);
        } else if let Some((latest, time)) = latest.zip(text.parse().ok()) {
            // Times keep their distances.
            *text = now.minus(latest.since(time)).to_string();
        }
    });
    event
}

fn change_strings(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| change_strings(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| change_strings(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The deliveries of an event once each has an attempt or cannot have one, or after [`ATTEMPT_TIMEOUT`]. `None` if the key may
/// not read deliveries.
async fn attempted(project: &Project, accepted: &Value) -> Result<Option<Vec<Value>>, ApiError> {
    let expected = accepted["deliveries"].as_array().map_or(0, Vec::len);
    if expected == 0 {
        return Ok(Some(Vec::new()));
    }
    let path = format!("/deliveries?event={}", accepted["id"].as_str().unwrap_or_default());
    let started_at = Instant::now();
    loop {
        let page: Page = match project.get(&path).await.and_then(Answer::read) {
            Err(ApiError::Refused { status: StatusCode::FORBIDDEN, .. }) => return Ok(None),
            page => page?,
        };
        let deliveries = page.items.iter().map(Delivery::of).collect::<Result<Vec<_>, _>>()?;
        let is_attempted = deliveries.iter().all(|one| !one.attempts.is_empty() || one.state == DeliveryState::Held);
        if (deliveries.len() >= expected && is_attempted) || started_at.elapsed() >= ATTEMPT_TIMEOUT {
            return Ok(Some(page.items));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn is_accepted(delivery: &Value) -> bool {
    Delivery::of(delivery).is_ok_and(|one| one.attempts.first().is_some_and(|first| first.reason.is_none()))
}

fn show(event_type: EventType, accepted: &Value, deliveries: Option<&[Value]>, output: Output) -> Result<(), ApiError> {
    let mut details = Vec::new();
    match deliveries {
        None => details.push("the key lacks deliveries:read, so deliveries are not shown".to_owned()),
        Some(deliveries) => {
            for delivery in deliveries {
                let endpoint = delivery["endpointId"].as_str().unwrap_or_default();
                details.push(format!("to {endpoint}: {}", Delivery::of(delivery)?.last_attempt()));
            }
        }
    }
    let head = trigger::sentence(event_type.as_str(), accepted);
    output.record(&head, &details.iter().map(String::as_str).collect::<Vec<_>>());
    output.json(&json!({ "event": accepted, "deliveries": deliveries }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use domain::foundation::draft::Draft;
    use domain::projects::api_key::ApiKeyKind;
    use domain::webhooks::event::NewEvent;

    use super::*;
    use crate::arguments::ProjectOption;
    use crate::testing::FakeServer;

    fn options(scenario: Scenario) -> SimulateOptions {
        let (project, submission) = (ProjectOption { id: None }, None);
        SimulateOptions { scenario, project, submission, delay: Duration::ZERO, live: false, yes: false }
    }

    /// Publishes in a project whose only endpoint answers like this. Returns the result and the published events.
    async fn simulate(
        kind: ApiKeyKind,
        options: SimulateOptions,
        attempt: Value,
    ) -> (Result<bool, CommandError>, Vec<Value>) {
        let server = FakeServer::start(move |_, call| {
            let published = json!({ "id": "e", "deliveries": [{ "id": "d" }] });
            let delivery =
                json!({ "id": "d", "endpointId": "p", "type": "aml", "state": "waiting", "attempts": [attempt] });
            let is_published = call.path.ends_with("/events");
            axum::Json(if is_published { published } else { json!({ "items": [delivery] }) }).into_response()
        });
        let server = server.await;
        let result = run(&Project::of_test(&server.url(""), kind), &options, Output::SILENT).await;
        let events = server.calls().into_iter().filter(|call| call.path.ends_with("/events"));
        (result, events.map(|call| serde_json::from_slice(&call.body).unwrap()).collect())
    }

    fn accepted() -> Value {
        json!({ "number": 1, "at": "t", "durationMs": 3, "status": 200 })
    }

    #[tokio::test]
    async fn a_verification_is_one_submission_with_events_in_order() {
        for scenario in Scenario::ALL {
            let (result, events) = simulate(ApiKeyKind::Test, options(scenario), accepted()).await;
            assert!(result.unwrap());
            let types: Vec<EventType> =
                events.iter().map(|event| event["type"].as_str().unwrap().parse().unwrap()).collect();
            assert_eq!(types, event_types(scenario));
            let submission = &events[0]["submissionId"];
            for event in &events {
                assert_eq!(
                    (&event["submissionId"], &event["data"]["submission_id"]),
                    (submission, submission),
                    "{event}"
                );
                let draft = Draft::parse(event.to_string().as_bytes()).unwrap();
                assert!(NewEvent::try_from(draft).is_ok(), "{event}");
            }
        }
    }

    #[tokio::test]
    async fn a_webhook_that_is_not_accepted_fails_the_command() {
        let failed = json!({ "number": 1, "at": "t", "durationMs": 3, "status": 500, "reason": "status" });
        let (result, events) = simulate(ApiKeyKind::Test, options(Scenario::Rejected), failed).await;
        assert_eq!((result.unwrap(), events.len()), (false, 2));
    }

    #[tokio::test]
    async fn nothing_is_published_in_a_live_project_without_confirmation() {
        let (result, events) = simulate(ApiKeyKind::Live, options(Scenario::Approved), accepted()).await;
        assert!(matches!(result, Err(CommandError::LiveProject)) && events.is_empty());
        let confirmed = SimulateOptions { live: true, yes: true, ..options(Scenario::Approved) };
        let (result, events) = simulate(ApiKeyKind::Live, confirmed, accepted()).await;
        assert_eq!((result.unwrap(), events.len()), (true, 3));
    }

    #[test]
    fn the_times_of_an_event_are_recent_and_keep_their_distances() {
        let (id, now) = (new_submission(), "2030-01-01T00:00:00Z".parse().unwrap());
        let result = &event(EventType::Approved, &id, now)["data"]["kyc_result"];
        assert_eq!(result["updated_at"], "2030-01-01T00:00:00.000Z");
        assert_eq!(result["created_at"], "2029-12-31T23:56:36.000Z");
    }
}

//! One webhook, from the endpoint to the receiver.

use std::time::{Duration, Instant};

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use domain::webhooks::delivery::DeliveryState;
use domain::webhooks::event::EventType;
use domain::webhooks::sample;
use domain::webhooks::signature::SigningSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::advice::failed_call;
use super::receiver::Receiver;
use super::setup::{NAME, Prepared, origin};
use super::step::{Finding, StepName, Steps};
use super::verdict;
use crate::api::{Answer, ApiClient, ApiError, Problem};
use crate::arguments::CheckOptions;
use crate::delivery::Delivery;

/// Pause between two looks at the delivery.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The endpoint of the check.
struct Endpoint {
    id: EndpointId,
    secret: SigningSecret,
}

/// The event of the check, and its delivery.
struct Event {
    id: EventId,
    delivery: DeliveryId,
}

/// Sends one webhook and looks at what the receiver got.
pub(crate) async fn check(
    api: &ApiClient,
    project: ProjectId,
    prepared: &Prepared,
    options: &CheckOptions,
    steps: &mut Steps,
) {
    let receiver = prepared.receiver.as_ref();
    let url = receiver.map(Receiver::url).or(options.receiver.as_ref()).expect("clap demands a receiver");
    let Some(endpoint) = steps.run(StepName::Endpoint, create_endpoint(api, project, url)).await else {
        return steps.skip_up_to(StepName::SourceAddress, "there is no endpoint");
    };
    let Some(event) = steps.run(StepName::Event, publish(api, project)).await else {
        return steps.skip_up_to(StepName::SourceAddress, "there is no event");
    };
    if steps.run(StepName::Delivery, wait(api, project, event.delivery, options.timeout)).await.is_none() {
        return steps.skip_up_to(StepName::SourceAddress, "the webhook was not delivered");
    }
    match receiver {
        Some(receiver) => look_at_webhook(prepared, receiver, endpoint, event.id, steps),
        None => steps.skip_up_to(StepName::SourceAddress, "only known with --listen"),
    }
}

async fn create_endpoint(api: &ApiClient, project: ProjectId, url: &Url) -> Result<(Endpoint, Finding), Finding> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Created {
        id: EndpointId,
        signing_secret: String,
    }

    let draft = json!({ "url": url, "description": NAME });
    let created = api.post(&format!("/v1/projects/{project}/endpoints"), &draft).await;
    let created = created.and_then(Answer::read::<Created>);
    let Created { id, signing_secret } = created.map_err(|error| refused_endpoint(&error))?;
    let secret = signing_secret.parse();
    let secret = secret.map_err(|_| ApiError::Unexpected("it has no signing secret".to_owned()));
    Ok((Endpoint { id, secret: secret.map_err(|error| failed_call(&error))? }, Finding::works(origin(url))))
}

/// The finding if the endpoint was not created. A rejected URL needs another advice than other values.
fn refused_endpoint(error: &ApiError) -> Finding {
    let finding = failed_call(error);
    let is_url = |problem: &Problem| problem.errors.iter().any(|field| field.pointer == "/url");
    match error {
        ApiError::Refused { problem, .. } if is_url(problem) => Finding::failed(
            finding.detail,
            "The receiver needs an https URL with a public host name and port 443 or 8443. For a receiver on this machine, start \
             a tunnel and pass its URL with --public-url.",
        ),
        _ => finding,
    }
}

/// Publishes the sample event of an approval.
async fn publish(api: &ApiClient, project: ProjectId) -> Result<(Event, Finding), Finding> {
    #[derive(Deserialize)]
    struct Accepted {
        id: EventId,
        deliveries: Vec<AcceptedDelivery>,
    }
    #[derive(Deserialize)]
    struct AcceptedDelivery {
        id: DeliveryId,
    }

    let sample: Value = serde_json::from_str(sample::request(EventType::Approved)).expect("a sample is JSON");
    let accepted = api.post(&format!("/v1/projects/{project}/events"), &sample).await;
    let accepted = accepted.and_then(Answer::read::<Accepted>);
    let Accepted { id, deliveries } = accepted.map_err(|error| failed_call(&error))?;
    match deliveries.first() {
        Some(delivery) => Ok((Event { id, delivery: delivery.id }, Finding::works(format!("approved, {id}")))),
        None => Err(Finding::failed(
            "the event has no delivery, although the project has an endpoint",
            "Read the logs of the function api.",
        )),
    }
}

/// Waits until the webhook is delivered, or clearly is not.
async fn wait(
    api: &ApiClient,
    project: ProjectId,
    delivery: DeliveryId,
    timeout: Duration,
) -> Result<((), Finding), Finding> {
    let path = format!("/v1/projects/{project}/deliveries/{delivery}");
    let started_at = Instant::now();
    loop {
        let delivery = api.get(&path).await.and_then(Answer::read::<Delivery>);
        let delivery = delivery.map_err(|error| failed_call(&error))?;
        match verdict::judge(&delivery) {
            Some(finding) if delivery.state == DeliveryState::Delivered => return Ok(((), finding)),
            Some(finding) => return Err(finding),
            None if started_at.elapsed() >= timeout => {
                return Err(verdict::judge_unfinished(&delivery, timeout.as_secs()));
            }
            None => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
}

fn look_at_webhook(prepared: &Prepared, receiver: &Receiver, endpoint: Endpoint, event: EventId, steps: &mut Steps) {
    let now = SystemClock.now();
    let Some(webhook) = receiver.webhook(event) else {
        let finding = Finding::failed(
            "the webhook was accepted, but not by this receiver",
            "Another server answered. Check that the URL of --public-url leads to the address of --listen.",
        );
        steps.add(StepName::Signature, Duration::ZERO, finding);
        return steps.skip(StepName::SourceAddress, "the webhook did not arrive");
    };
    let started_at = Instant::now();
    let signature = webhook.judge_signature(endpoint.id, endpoint.secret, now);
    steps.add(StepName::Signature, started_at.elapsed(), signature);
    match &prepared.egress {
        Some(egress) => {
            let started_at = Instant::now();
            let source = receiver.judge_source(&webhook, egress, now);
            steps.add(StepName::SourceAddress, started_at.elapsed(), source);
        }
        None => steps.skip(StepName::SourceAddress, "there is no list to compare it with"),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use domain::foundation::draft::BadField;

    #[test]
    fn the_advice_for_a_rejected_url_names_a_tunnel() {
        let invalid = BadField { pointer: "/url".to_owned(), detail: "must be https".to_owned() };
        let problem = Problem { errors: vec![invalid], ..Problem::default() };
        let finding = refused_endpoint(&ApiError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, problem });
        assert_eq!(finding.detail, "the API answered 422 Unprocessable Entity: /url must be https");
        assert!(finding.advice.unwrap().contains("--public-url"));
    }
}

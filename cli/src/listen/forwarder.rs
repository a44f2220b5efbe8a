//! Sends events to a server, as webhooks with the same bytes and headers as those of an endpoint.

use std::time::{Duration, Instant};

use domain::foundation::error_chain::causes;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::webhooks::event::Event;
use domain::webhooks::request::{self, EndpointSecrets};
use http::StatusCode;
use reqwest::Client;
use url::Url;

use crate::api;
use crate::output::printable;

/// Maximum duration of a webhook, as in a deployment.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Maximum duration of a connection attempt, as in a deployment.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends webhooks to one server.
#[derive(Debug)]
pub(super) struct Forwarder {
    http: Client,
    url: Url,
    secrets: EndpointSecrets,
}

/// The result of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// When it was sent.
    pub(super) at: Timestamp,
    /// Duration in milliseconds.
    pub(super) duration_ms: u128,
    /// Status of the answer.
    pub(super) status: Option<u16>,
    /// Why no answer arrived.
    pub(super) error: Option<String>,
}

impl Forwarder {
    /// Sends webhooks to `url` with these secrets.
    pub(super) fn new(url: Url, secrets: EndpointSecrets) -> Self {
        let builder = api::client_builder(url.scheme() == "http").timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        let http = builder.build().expect("the client has no settings that can fail");
        Self { http, url, secrets }
    }

    /// Makes the only attempt to deliver an event, at `now`.
    pub(super) async fn forward(&self, event: &Event, now: Timestamp) -> Forwarded {
        let body = request::body(&self.secrets, event, &SystemRandom);
        let headers = request::headers(&self.secrets, event, 1, now, &body);
        let started_at = Instant::now();
        let answer = self.http.post(self.url.clone()).headers(headers).body(body).send().await;
        // A deployment, too, waits for the whole answer.
        let answer = match answer {
            Ok(response) => {
                let status = response.status();
                response.bytes().await.map(|_| status.as_u16())
            }
            Err(error) => Err(error),
        };
        let duration_ms = started_at.elapsed().as_millis();
        let error = answer.as_ref().err().map(sentence);
        Forwarded { at: now, duration_ms, status: answer.ok(), error }
    }
}

impl Forwarded {
    /// Whether a deployment would count the webhook as delivered.
    pub(super) fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// What the developer can do about a webhook that was not accepted.
    pub(super) fn advice(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.clone());
        }
        let status = StatusCode::from_u16(self.status?).ok().filter(|status| !status.is_success())?;
        Some(match status {
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "the server rejected it; does it verify with the secret of this run?".to_owned()
            }
            StatusCode::NOT_FOUND => "the server has no such path; check the URL of --forward".to_owned(),
            status if status.is_redirection() => "redirects are not followed; forward to the final URL".to_owned(),
            _ => "the server must answer with a status of 200 to 299".to_owned(),
        })
    }
}

/// Why no answer arrived. The last cause says it, such as that the connection was refused.
fn sentence(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let cause = printable(&cause);
    if error.is_connect() { format!("no connection: {cause}; is your server running?") } else { cause }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::id::{EventId, ProjectId};
    use domain::webhooks::endpoint::{Format, Payload};
    use domain::webhooks::event::EventType;
    use domain::webhooks::sample;
    use domain::webhooks::signature::SigningSecret;

    use super::*;
    use crate::testing::FakeServer;

    async fn forward(status: u16) -> (Forwarded, usize) {
        let server = FakeServer::start(move |_, _| {
            (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")]).into_response()
        });
        let server = server.await;
        let now = SystemClock.now();
        let (id, project) = (EventId::new(now, &SystemRandom), ProjectId::new(now, &SystemRandom));
        let event = sample::event(EventType::Aml, id, project);
        let secret = SigningSecret::generate(&SystemRandom);
        let secrets = EndpointSecrets::of_local_receiver(Format::Standard, Payload::Full, secret);
        let forwarder = Forwarder::new(server.url("/").parse().unwrap(), secrets);
        (forwarder.forward(&event, now).await, server.calls().len())
    }

    #[tokio::test]
    async fn only_a_status_of_200_to_299_is_accepted_and_each_other_one_has_advice() {
        for (status, advice) in [
            (200, None),
            (204, None),
            (307, Some("redirects are not followed")),
            (401, Some("the secret of this run")),
            (404, Some("no such path")),
            (500, Some("200 to 299")),
        ] {
            let (forwarded, requests) = forward(status).await;
            assert_eq!((forwarded.is_accepted(), requests), (advice.is_none(), 1), "{status}");
            let given = forwarded.advice();
            assert!(
                given.as_deref().zip(advice).map_or(given.is_none(), |(given, part)| given.contains(part)),
                "{given:?}"
            );
        }
    }
}

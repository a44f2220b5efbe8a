//! The minimum that a webhook sender does: builds a body, signs it and posts it with reqwest. No queue, no store, no retries.
//!
//! Each line of standard input is a number of posts, a URL and an event. The program makes the posts, ten at a time, and then
//! prints `done`.

use std::error::Error;
use std::io::{BufRead as _, Write as _};

use baseline::trusted_roots;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::endpoint::NewEndpoint;
use domain::webhooks::event::NewEvent;
use domain::webhooks::request::{self, EndpointSecrets, ProjectKeys};
use domain::webhooks::signature::SigningSecret;
use futures::future::try_join_all;
use reqwest::Client;
use rustls::{ClientConfig, crypto};

/// Number of concurrent posts: the number of messages in a batch of the sender.
const CONCURRENCY: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let builder = ClientConfig::builder_with_provider(crypto::ring::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions()?;
    let tls = builder.with_root_certificates(trusted_roots()?).with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
    let (secrets, project) = endpoint()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (count, rest) = line.split_once(' ').ok_or("an input line must be a number, a URL and an event")?;
        let (url, event) = rest.split_once(' ').ok_or("an input line must be a number, a URL and an event")?;
        for _ in 0..count.parse::<usize>()? / CONCURRENCY {
            try_join_all((0..CONCURRENCY).map(|_| post(&client, url, event, project, &secrets))).await?;
        }
        println!("done");
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn post(
    client: &Client,
    url: &str,
    event: &str,
    project: ProjectId,
    secrets: &EndpointSecrets,
) -> Result<(), Box<dyn Error>> {
    let now = SystemClock.now();
    let new = NewEvent::try_from(Draft::parse(event.as_bytes())?).map_err(|_| "the event is invalid")?;
    let event = new.accept(EventId::new(now, &SystemRandom), project);
    let body = request::body(secrets, &event, &SystemRandom);
    let headers = request::headers(secrets, &event, 1, now, &body);
    client.post(url).headers(headers).body(body).send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

/// Creates an endpoint. Only its secret and format are used.
fn endpoint() -> Result<(EndpointSecrets, ProjectId), Box<dyn Error>> {
    let draft = Draft::parse(br#"{"url":"https://customer.example/hook"}"#)?;
    let new = NewEndpoint::check(draft, &AddressGuard::default()).map_err(|_| "the endpoint is invalid")?;
    let now = SystemClock.now();
    let (project, id) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#)?;
    let endpoint = new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring, &SystemRandom);
    Ok((EndpointSecrets::of(&endpoint, &ProjectKeys::default(), &ring)?, project))
}

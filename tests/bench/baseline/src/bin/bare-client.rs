//! The least that a sender of webhooks can do: build a body, sign it, post it with reqwest. No queue, no store, no retry.
//!
//! Each line of its input is a number of posts and a URL; it makes them ten at once and says `done`.

use std::error::Error;
use std::io::{BufRead as _, Write as _};

use baseline::trusted_roots;
use futures::future::try_join_all;
use reqwest::Client;
use rustls::{ClientConfig, crypto};
use shared::address::AddressGuard;
use shared::clock::{Clock as _, SystemClock};
use shared::draft::Draft;
use shared::endpoint::NewEndpoint;
use shared::event::NewEvent;
use shared::id::{EndpointId, EventId, ProjectId};
use shared::key_ring::KeyRing;
use shared::random::SystemRandom;
use shared::signature::SigningSecret;
use shared::webhook::{self, Opened, ProjectKeys};

/// How many posts are under way at once: as many as a sender gets messages in a batch.
const AT_ONCE: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let builder = ClientConfig::builder_with_provider(crypto::ring::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions()?;
    let tls = builder.with_root_certificates(trusted_roots()?).with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?;
    let (opened, project) = endpoint()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (count, rest) = line.split_once(' ').ok_or("a line is a number, a URL and an event")?;
        let (url, event) = rest.split_once(' ').ok_or("a line is a number, a URL and an event")?;
        for _ in 0..count.parse::<usize>()? / AT_ONCE {
            try_join_all((0..AT_ONCE).map(|_| post(&client, url, event, project, &opened))).await?;
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
    opened: &Opened,
) -> Result<(), Box<dyn Error>> {
    let now = SystemClock.now();
    let new = NewEvent::try_from(Draft::parse(event.as_bytes())?).map_err(|_| "that is no event")?;
    let event = new.accept(EventId::new(now, &SystemRandom), project);
    let body = webhook::body(opened, &event, &SystemRandom);
    let headers = webhook::headers(opened, event.id, 1, now, &body);
    client.post(url).headers(headers).body(body).send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

/// Any endpoint: only its secret and its format are used.
fn endpoint() -> Result<(Opened, ProjectId), Box<dyn Error>> {
    let draft = Draft::parse(br#"{"url":"https://customer.example/hook"}"#)?;
    let new = NewEndpoint::check(draft, &AddressGuard::default()).map_err(|_| "that is no endpoint")?;
    let now = SystemClock.now();
    let (project, id) = (ProjectId::new(now, &SystemRandom), EndpointId::new(now, &SystemRandom));
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#)?;
    let endpoint = new.create(id, project, &SigningSecret::generate(&SystemRandom), &ring, &SystemRandom);
    Ok((Opened::of(&endpoint, &ProjectKeys::default(), &ring)?, project))
}

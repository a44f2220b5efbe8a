//! `signpost listen`: forwards the events of a project to a server, as the webhooks that an endpoint would get.

mod feed;
mod forwarder;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::error_chain::chain;
use domain::foundation::random::SystemRandom;
use domain::webhooks::event::Event;
use domain::webhooks::request::EndpointSecrets;
use domain::webhooks::signature::SigningSecret;
use serde_json::json;

use self::feed::{Feed, Start};
use self::forwarder::{Forwarded, Forwarder};
use crate::api::ApiError;
use crate::arguments::ListenOptions;
use crate::error::CommandError;
use crate::interrupt::Interrupts;
use crate::output::{self, Output};
use crate::project::Project;

/// Webhooks of this run.
#[derive(Debug, Default)]
struct Count {
    forwarded: u32,
    failed: u32,
}

/// Forwards events until Ctrl-C, or until `--count` webhooks were sent.
///
/// # Panics
///
/// If the process cannot listen for signals.
pub(crate) async fn run(project: &Project, options: &ListenOptions, output: Output) -> Result<bool, CommandError> {
    if !options.format.allows(options.payload) {
        return Err(CommandError::Layout(options.format, options.payload));
    }
    let given = options.secret.as_ref().map(crate::arguments::Secret::read).transpose()?;
    let secret = given.clone().unwrap_or_else(|| SigningSecret::generate(&SystemRandom));
    let mut interrupts = Interrupts::listen().expect("a process can listen for signals");
    let mut count = Count::default();
    let listening = async {
        let mut feed = Feed::open(project, start(options)).await?;
        introduce(project, options, given.is_none().then_some(&secret), output);
        let secrets = EndpointSecrets::of_local_receiver(options.format, options.payload, secret.clone());
        let forwarder = Forwarder::new(options.forward.clone(), secrets);
        forward(&mut feed, &forwarder, options, &mut count, output).await
    };
    tokio::select! {
        biased;
        () = interrupts.next() => {}
        done = listening => done?,
    }
    output.line(&format!("\nWebhooks sent: {}, not accepted: {}.", count.forwarded, count.failed));
    // Without `--count`, a failure is what the developer wants to see.
    Ok(options.count.is_none() || count.failed == 0)
}

fn start(options: &ListenOptions) -> Start {
    match (options.since, options.from_start) {
        (Some(since), _) => Start::At(since.before(SystemClock.now())),
        (None, true) => Start::Oldest,
        (None, false) => Start::Now,
    }
}

/// Says what will happen. `secret` is the secret of this run, unless the developer chose one.
fn introduce(project: &Project, options: &ListenOptions, secret: Option<&SigningSecret>, output: Output) {
    let (url, exposed) = (options.forward.as_str(), secret.map(SigningSecret::expose));
    output.json(&json!({ "project": project.id(), "forwardTo": url, "signingSecret": exposed }));
    output.line(&format!("Forwarding to {url}"));
    match exposed {
        Some(secret) => {
            output.line(&format!("Signing secret  {secret}"));
            for line in output.wrap("It is for this run only. Endpoints have other secrets.", 0) {
                output.line(&line);
            }
        }
        None => output.line("Signing with the secret of --secret."),
    }
    if project.has_live_key() {
        for line in output.wrap("This is a live project: its events have personal data.", 0) {
            output.line(&line);
        }
    }
    output.line("Waiting for events. Press Ctrl-C to end.\n");
}

async fn forward(
    feed: &mut Feed<'_>,
    forwarder: &Forwarder,
    options: &ListenOptions,
    count: &mut Count,
    output: Output,
) -> Result<(), ApiError> {
    loop {
        for read in feed.next().await? {
            let event = match read {
                Ok(event) => event,
                Err(error) => {
                    output::write_message(&format!("an event is left out: {}; update signpost", chain(&error)));
                    continue;
                }
            };
            if !options.event_types.is_empty() && !options.event_types.contains(&event.event_type) {
                continue;
            }
            let webhook = forwarder.forward(&event, SystemClock.now()).await;
            show(&event, &webhook, output);
            count.forwarded += 1;
            count.failed += u32::from(!webhook.is_accepted());
            if options.count.is_some_and(|limit| count.forwarded >= limit) {
                return Ok(());
            }
        }
    }
}

fn show(event: &Event, forwarded: &Forwarded, output: Output) {
    let at = forwarded.at.to_string();
    let status = forwarded.status.map_or_else(|| "failed".to_owned(), |status| status.to_string());
    let head = format!(
        "{}  {:<11}  {}  {status:<6} {:>5} ms",
        &at[11..19],
        event.event_type.as_str(),
        event.id,
        forwarded.duration_ms
    );
    output.record(&head, &forwarded.advice().iter().map(String::as_str).collect::<Vec<_>>());
    output.json(&json!({
        "at": at,
        "type": event.event_type,
        "id": event.id,
        "submissionId": event.submission_id,
        "sequence": event.sequence,
        "status": forwarded.status,
        "durationMs": forwarded.duration_ms,
        "error": forwarded.error,
    }));
}

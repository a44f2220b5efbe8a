//! `signpost replay`: sends one delivery again, or all that match a filter.

use std::time::{Duration, Instant};

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::{DeliveryId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::replay::{Progress, ReplayState, ReplayableState};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::arguments::ReplayOptions;
use crate::confirmation::confirm;
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::error::CommandError;
use crate::interrupt::Interrupts;
use crate::output::{self, Output};
use crate::project::Project;

/// Pause between two looks at a replay.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum time to wait for the result of one replayed delivery.
const RESULT_TIMEOUT: Duration = Duration::from_mins(1);

/// How many deliveries a replay would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Matching {
    /// Exactly.
    Matching(u64),
    /// More than the API counted in its time.
    AtLeast(u64),
}

/// A replay as the API returns it.
#[derive(Debug, Deserialize)]
struct Replay {
    id: ReplayId,
    state: ReplayState,
    progress: Progress,
}

/// Replays deliveries, or cancels a replay. Returns whether every webhook was accepted.
///
/// # Panics
///
/// If the process cannot listen for signals.
pub(crate) async fn run(project: &Project, options: &ReplayOptions, output: Output) -> Result<bool, CommandError> {
    match (options.delivery, options.cancel, options.state()) {
        (Some(delivery), ..) => one(project, delivery, output).await,
        (None, Some(replay), _) => cancel(project, replay, output).await,
        (None, None, Some(state)) => many(project, options, state, output).await,
        (None, None, None) => unreachable!("clap demands one of them"),
    }
}

async fn one(project: &Project, delivery: DeliveryId, output: Output) -> Result<bool, CommandError> {
    let path = format!("/deliveries/{delivery}");
    let replay = project.post(&format!("{path}/replay"), &json!({})).await?.text("replayId")?;
    let started_at = Instant::now();
    loop {
        let value = project.get(&path).await?.value()?;
        let replays = Delivery::of(&value)?.replays;
        if let Some(replayed) = replays.into_iter().find(|replayed| replayed.replay_id == replay) {
            let is_accepted = replayed.attempt.as_ref().is_some_and(|attempt| attempt.reason.is_none());
            let sentence = replayed.attempt.map(|attempt| attempt.sentence());
            let skipped = replayed.skipped.unwrap_or_default();
            output.line(&output::printable(&sentence.unwrap_or_else(|| format!("not sent: {skipped}"))));
            output.json(&value);
            return Ok(is_accepted);
        }
        if started_at.elapsed() >= RESULT_TIMEOUT {
            output.line("no result yet; the replay is queued, and signpost deliveries shows it later");
            output.json(&value);
            return Ok(false);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn cancel(project: &Project, replay: ReplayId, output: Output) -> Result<bool, CommandError> {
    let value = project.post(&format!("/replays/{replay}/cancel"), &json!({})).await?.value()?;
    let Replay { progress, .. } = read(&value)?;
    output.line(&format!("cancelled; {}", sentence(progress)));
    output.json(&value);
    Ok(true)
}

async fn many(
    project: &Project,
    options: &ReplayOptions,
    state: ReplayableState,
    output: Output,
) -> Result<bool, CommandError> {
    let mut request = request(options, state, SystemClock.now());
    request["dryRun"] = json!(true);
    let matching: Matching = project.post("/replays", &request).await?.read()?;
    if matching == Matching::Matching(0) {
        output.line("No delivery matches.");
        output.json(&json!({ "matching": 0 }));
        return Ok(true);
    }
    let question =
        format!("Send {} again, {} a minute?", matching.words(), options.rate.unwrap_or_default().per_minute());
    if !confirm(&question, options.yes).await? {
        return Ok(false);
    }
    request["dryRun"] = json!(false);
    // This call is not interrupted: otherwise a replay could run whose id is unknown.
    let mut interrupts = Interrupts::listen().expect("a process can listen for signals");
    let replay: Replay = project.post("/replays", &request).await?.read()?;
    let id = replay.id;
    output.record(&format!("Replay {id}: {}.", matching.words()), &["The first are sent within a minute."]);
    let bar = bar(matching);
    let ended = tokio::select! {
        biased;
        () = interrupts.next() => None,
        ended = watch(project, replay, &bar) => Some(ended),
    };
    bar.finish_and_clear();
    let Some(ended) = ended else {
        let command = format!("signpost replay --project {} --cancel {id}", project.id());
        output::write_message(&format!("The replay goes on. To end it: {command}"));
        return Ok(false);
    };
    let value = ended?;
    let Replay { state, progress, .. } = read(&value)?;
    output.line(&format!("{state}; {}", sentence(progress)));
    output.json(&value);
    Ok(state == ReplayState::Done && progress.delivered == progress.queued)
}

fn request(options: &ReplayOptions, state: ReplayableState, now: Timestamp) -> Value {
    let since = options.since.expect("clap demands it").before(now);
    let mut request =
        json!({ "from": since, "to": options.until.map_or(now, |until| until.before(now)), "state": state });
    let optional = [
        ("endpointId", options.endpoint.map(|id| json!(id))),
        ("type", options.event_type.map(|event_type| json!(event_type))),
        ("ratePerMinute", options.rate.map(|rate| json!(rate))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            request[name] = value;
        }
    }
    request
}

/// Shows the progress of a replay until it ends. Returns the replay, also if the API could not be reached for a while.
async fn watch(project: &Project, mut replay: Replay, bar: &ProgressBar) -> Result<Value, ApiError> {
    let (path, mut connection) = (format!("/replays/{}", replay.id), Connection::with_bar(bar.clone()));
    loop {
        match project.get_once(&path).await.and_then(|answer| answer.value()) {
            Ok(value) => {
                connection.works();
                replay = read(&value)?;
                let Progress { failed, skipped, .. } = replay.progress;
                bar.set_length(bar.length().unwrap_or_default().max(replay.progress.queued));
                bar.set_position(replay.progress.settled());
                bar.set_message(format!("{failed} failed, {skipped} skipped"));
                if replay.state != ReplayState::Running {
                    return Ok(value);
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            Err(error) => connection.lost(error).await?,
        }
    }
}

/// A bar on the terminal. It draws nothing if the standard error is piped.
fn bar(matching: Matching) -> ProgressBar {
    let (Matching::Matching(count) | Matching::AtLeast(count)) = matching;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("the template is valid");
    ProgressBar::new(count).with_style(style)
}

impl Matching {
    fn words(self) -> String {
        match self {
            Self::Matching(1) => "1 delivery".to_owned(),
            Self::Matching(count) => format!("{count} deliveries"),
            Self::AtLeast(count) => format!("at least {count} deliveries"),
        }
    }
}

fn sentence(progress: Progress) -> String {
    let Progress { queued, delivered, failed, skipped } = progress;
    format!("{queued} queued: {delivered} delivered, {failed} failed, {skipped} skipped")
}

/// Reads a replay of the API.
fn read(value: &Value) -> Result<Replay, ApiError> {
    Replay::deserialize(value).map_err(|error| ApiError::Unexpected(error.to_string()))
}

#[cfg(test)]
mod tests;

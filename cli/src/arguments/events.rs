//! Options of the commands that publish events and show webhooks.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use domain::foundation::time::Timestamp;
use domain::foundation::web_url;
use domain::webhooks::endpoint::{Format, Payload};
use domain::webhooks::event::{EventType, SubmissionId};
use url::Url;

use super::duration::{self, Since};
use super::values::{ProjectOption, Secret, one_of};

/// Options of `signpost listen`.
#[derive(Debug, Args)]
pub struct ListenOptions {
    /// Your server: https, or http on this machine
    #[arg(long, value_name = "URL", value_parser = forward_url)]
    pub forward: Url,
    /// The project.
    #[command(flatten)]
    pub project: ProjectOption,
    /// Only events of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of::<EventType>(EventType::ALL.map(EventType::as_str)))]
    pub event_types: Vec<EventType>,
    /// Layout of the body, as the setting of an endpoint
    #[arg(long, value_name = "FORMAT", default_value = Format::Standard.as_str(), value_parser = one_of::<Format>(Format::ALL.map(Format::as_str)))]
    pub format: Format,
    /// Whether the body contains the data, as the setting of an endpoint
    #[arg(long, value_name = "PAYLOAD", default_value = Payload::Full.as_str(), value_parser = one_of::<Payload>(Payload::ALL.map(Payload::as_str)))]
    pub payload: Payload,
    /// Begin with events accepted since then: 30m, 2h, 3d, or a time
    #[arg(long, value_name = "SINCE", conflicts_with = "from_start")]
    pub since: Option<Since>,
    /// Begin with the oldest event that is kept
    #[arg(long)]
    pub from_start: bool,
    /// Sign with this secret, whsec_…, instead of a new one
    ///
    /// Other users of a machine can read arguments, so do not use the secret of an endpoint.
    #[arg(long, value_name = "SECRET", value_parser = Secret::of_argument)]
    pub secret: Option<Secret>,
    /// End after this many webhooks
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,
}

/// Options of `signpost trigger`.
#[derive(Debug, Args)]
pub struct TriggerOptions {
    /// Type of the event
    #[arg(value_name = "TYPE", value_parser = one_of::<EventType>(EventType::ALL.map(EventType::as_str)))]
    pub event_type: EventType,
    /// The project.
    #[command(flatten)]
    pub project: ProjectOption,
}

domain::public_names! {
    /// How a simulated verification goes.
    pub enum Scenario {
        /// It is approved at once.
        Approved = "approved",
        /// It is rejected at once.
        Rejected = "rejected",
        /// It waits for a reviewer, who approves it.
        Review = "review",
    }
}

/// Options of `signpost simulate`.
#[derive(Debug, Args)]
pub struct SimulateOptions {
    /// How the verification goes
    #[arg(value_name = "SCENARIO", value_parser = one_of::<Scenario>(Scenario::ALL.map(Scenario::as_str)))]
    pub scenario: Scenario,
    /// The project.
    #[command(flatten)]
    pub project: ProjectOption,
    /// Id of the submission [default: a new one]
    #[arg(long, value_name = "ID", value_parser = submission)]
    pub submission: Option<SubmissionId>,
    /// Seconds between two events
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = delay)]
    pub delay: Duration,
    /// Publish in a live project too, whose receivers take the events for real
    #[arg(long)]
    pub live: bool,
    /// Do not ask for confirmation
    #[arg(long, requires = "live")]
    pub yes: bool,
}

/// Options of `signpost verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// File with the headers: a line each, or a JSON object
    #[arg(long, value_name = "FILE", requires = "body")]
    pub headers: Option<PathBuf>,
    /// File with the body, exactly as your server got it
    #[arg(long, value_name = "FILE", requires = "headers")]
    pub body: Option<PathBuf>,
    /// File with the signing secrets, a line each
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// File with the project's public keys, a JWK Set, which verify v1a signatures
    #[arg(long, value_name = "FILE")]
    pub jwks: Option<PathBuf>,
    /// The signature that your code computed, to find the mistake in the code
    #[arg(long, value_name = "SIGNATURE")]
    pub computed: Option<String>,
    /// When your server got the webhook [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
}

fn forward_url(text: &str) -> Result<Url, String> {
    let url: Url =
        text.parse().map_err(|_| "must be an absolute URL, such as http://localhost:3000/hook".to_owned())?;
    // The data of events is personal, so it never crosses a network without encryption.
    if web_url::is_secure(&url) { Ok(url) } else { Err("must be https, or http for localhost".to_owned()) }
}

fn submission(text: &str) -> Result<SubmissionId, domain::webhooks::event::BadSubmissionId> {
    text.to_owned().try_into()
}

fn delay(text: &str) -> Result<Duration, duration::BadSeconds> {
    if text == "0" { Ok(Duration::ZERO) } else { duration::seconds(text) }
}

//! Commands and options.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use domain::foundation::id::ProjectId;
use domain::webhooks::event::EventType;
use url::Url;

use crate::config::{BaseUrl, ConfigError};

const ENVIRONMENT: &str = "\
Environment:
  SIGNPOST_API      URL of the API, unless --api is given
  SIGNPOST_KEY      the API key; it is never an argument and never printed

Exit codes:
  0  it works
  1  something does not work
  2  wrong usage; nothing was tried";

const CHECK_EXAMPLES: &str = "\
Examples:
  signpost check --receiver https://hooks.example.com/signpost
  signpost check --listen 127.0.0.1:8080 --public-url https://abc.tunnel.example
  signpost check --receiver https://hooks.example.com/signpost --json | jq .steps";

/// Signpost on the command line.
#[derive(Debug, Parser)]
#[command(name = "signpost", version, after_help = ENVIRONMENT)]
pub struct Arguments {
    /// URL of the deployment's API.
    #[arg(long, global = true, value_name = "URL", help = "URL of the deployment's API [default: SIGNPOST_API]")]
    pub api: Option<BaseUrl>,
    /// Write JSON for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the main job against a deployment and say what works. Needs an operator key.
    ///
    /// Creates a project with an API key, an endpoint and a return URL, publishes an event, waits for its webhook, opens a
    /// return link, and deletes the project.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckOptions>),
    /// Publish the sample event of a type
    Trigger(TriggerOptions),
    /// List deliveries, newest first
    Deliveries(DeliveriesOptions),
    /// Print the completions of a shell
    Completions {
        /// The shell.
        #[arg(help = "Shell")]
        shell: Shell,
    },
}

/// Options of `signpost check`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("where").args(["receiver", "listen"]).required(true))]
pub struct CheckOptions {
    /// Send the webhook to this receiver, which you run
    #[arg(long, value_name = "URL")]
    pub receiver: Option<Url>,
    /// Receive the webhook here, and verify its signature and source address
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// URL under which a tunnel makes the address of --listen public
    #[arg(long, value_name = "URL", requires = "listen", conflicts_with = "receiver")]
    pub public_url: Option<Url>,
    /// Add a notification user, who gets a mail that asks for confirmation
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Seconds to wait for the webhook
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub timeout: Duration,
}

impl CheckOptions {
    /// Fails if the deployment with this API cannot reach the receiver that the options ask for.
    pub(crate) fn check_reachable(&self, api: &BaseUrl) -> Result<(), ConfigError> {
        let is_private = self.listen.is_some() && self.public_url.is_none();
        if is_private && !api.is_local() { Err(ConfigError::NoPublicUrl) } else { Ok(()) }
    }
}

/// Options of `signpost trigger`.
#[derive(Debug, Args)]
pub struct TriggerOptions {
    /// Type of the event, such as approved
    #[arg(value_name = "TYPE")]
    pub event_type: EventType,
    /// Id of the project
    #[arg(long, value_name = "ID")]
    pub project: ProjectId,
}

/// Options of `signpost deliveries`.
#[derive(Debug, Args)]
pub struct DeliveriesOptions {
    /// Id of the project
    #[arg(long, value_name = "ID")]
    pub project: ProjectId,
    /// Only failed deliveries
    #[arg(long)]
    pub failed: bool,
    /// Most deliveries to list
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,
    /// Keep running, and write a line whenever a delivery changes
    #[arg(long)]
    pub follow: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u16 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
    if seconds == 0 { Err("must be at least 1".to_owned()) } else { Ok(Duration::from_secs(u64::from(seconds))) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::error::ErrorKind> {
        Arguments::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_check_needs_exactly_one_receiver() {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};

        assert!(parse("signpost check --receiver https://a.example/").is_ok());
        assert!(parse("signpost check --listen 127.0.0.1:0 --public-url https://a.example/").is_ok());
        assert_eq!(parse("signpost check").unwrap_err(), MissingRequiredArgument);
        let both = parse("signpost check --receiver https://a.example/ --listen 127.0.0.1:0");
        assert_eq!(both.unwrap_err(), ArgumentConflict);
        let no_listener = parse("signpost check --receiver https://a.example/ --public-url https://b.example/");
        assert_eq!(no_listener.unwrap_err(), ArgumentConflict);
    }

    #[test]
    fn options_of_all_commands_may_follow_the_command() {
        let arguments =
            parse("signpost check --listen 127.0.0.1:0 --api https://a.example --json --timeout 5").unwrap();
        assert!(arguments.json && arguments.api.is_some());
        let Command::Check(options) = arguments.command else { panic!("{:?}", arguments.command) };
        assert_eq!(options.timeout, Duration::from_secs(5));
    }

    #[test]
    fn only_a_deployment_on_this_machine_reaches_a_receiver_without_a_tunnel() {
        let check = |line: &str, api: &str| match parse(line).unwrap().command {
            Command::Check(options) => options.check_reachable(&api.parse().unwrap()),
            other => panic!("{other:?}"),
        };
        let (alone, tunnel) = (
            "signpost check --listen 127.0.0.1:0",
            "signpost check --listen 127.0.0.1:0 --public-url https://b.example/",
        );
        assert_eq!(check(alone, "https://a.example"), Err(ConfigError::NoPublicUrl));
        assert_eq!(check(alone, "http://localhost:1"), Ok(()));
        assert_eq!(check(tunnel, "https://a.example"), Ok(()));
    }

    #[test]
    fn a_key_is_not_an_argument() {
        assert!(parse("signpost check --listen 127.0.0.1:0 --key sp_op_x").is_err());
    }
}

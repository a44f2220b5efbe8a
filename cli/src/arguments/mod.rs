//! Commands and options.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::config::BaseUrl;

mod check;
mod deliveries;
pub mod duration;
mod events;
mod values;

pub use check::CheckOptions;
pub use deliveries::{DeliveriesOptions, ReplayOptions};
pub use events::{ListenOptions, Scenario, SimulateOptions, TriggerOptions, VerifyOptions};
pub use values::{ProjectOption, Secret};

const ENVIRONMENT: &str = "\
Environment:
  SIGNPOST_API             URL of the API, unless --api is given
  SIGNPOST_KEY             the API key; never an argument, never printed
  SIGNPOST_PROJECT         id of the project, unless --project is given
  SIGNPOST_SIGNING_SECRET  signing secret for verify, unless --secret-file is
                           given

Exit codes:
  0  it works
  1  something does not work
  2  wrong usage; nothing was tried";

const LISTEN_EXAMPLES: &str = "\
Examples:
  signpost listen --forward http://localhost:3000/hook
  signpost listen --forward http://localhost:3000/hook --since 2h --type aml
  signpost listen --forward http://localhost:3000/hook --count 1 --json";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  signpost simulate approved
  signpost simulate review --submission sub_42 --delay 5";

const TRIGGER_EXAMPLES: &str = "\
Examples:
  signpost trigger approved
  signpost trigger aml --json | jq -r .id";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  signpost completions bash > ~/.local/share/bash-completion/completions/signpost
  signpost completions fish > ~/.config/fish/completions/signpost.fish";

const VERIFY_EXAMPLES: &str = "\
Examples:
  signpost verify --headers headers.txt --body body.json
  signpost verify --secret-file secrets.txt < request.http
  signpost verify --at 2026-11-22T08:30:00Z < request.http
  signpost verify --headers headers.txt --body body.json --computed 3q2+7w==
  curl $SIGNPOST_API/v1/projects/$SIGNPOST_PROJECT/jwks.json > jwks.json
  signpost verify --jwks jwks.json < request.http";

const DELIVERIES_EXAMPLES: &str = "\
Examples:
  signpost deliveries --failed --limit 100
  signpost deliveries --follow
  signpost deliveries --json | jq -r 'select(.state == \"held\") | .id'";

const REPLAY_EXAMPLES: &str = "\
Examples:
  signpost replay 019a..._019a...
  signpost replay --failed --since 2h
  signpost replay --failed --since 3d --endpoint 019a... --rate 60 --yes
  signpost replay --cancel 019a...";

const CHECK_EXAMPLES: &str = "\
Examples:
  signpost check --receiver https://hooks.example.com/signpost
  signpost check --listen 127.0.0.1:8080 --public-url https://abc.tunnel.example
  signpost check --receiver https://hooks.example.com/signpost --json | jq .steps";

/// Place of the options that all commands have: behind those of the command, which are numbered from 0.
const LAST: usize = 100;

/// Signpost on the command line.
#[derive(Debug, Parser)]
#[command(name = "signpost", version, after_help = ENVIRONMENT, max_term_width = 80)]
pub struct Arguments {
    /// URL of the deployment's API.
    #[arg(
        long,
        global = true,
        display_order = LAST,
        value_name = "URL",
        help = "URL of the deployment's API [default: SIGNPOST_API]"
    )]
    pub api: Option<BaseUrl>,
    /// Write JSON for programs
    #[arg(long, global = true, display_order = LAST)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Forward the events of a project to your server, as signed webhooks
    ///
    /// Your server needs no public address. Each event is sent once, with a secret of this run. Needs a key with
    /// events:read. Ctrl-C ends it. Exit code 1: the API refused a call, or with --count, a webhook was not accepted.
    #[command(after_help = LISTEN_EXAMPLES)]
    Listen(ListenOptions),
    /// Publish the events of a fictitious verification, in a test project
    ///
    /// Shows each event and its deliveries. Needs a key with events:write and deliveries:read. Exit code 1: an event
    /// was not published, or a webhook was not accepted at its first attempt.
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(SimulateOptions),
    /// Publish the sample event of a type, in a test project
    ///
    /// Needs a key with events:write.
    #[command(after_help = TRIGGER_EXAMPLES)]
    Trigger(TriggerOptions),
    /// Explain whether a captured webhook verifies
    ///
    /// Says which of signature, time and body is off, and how. Reads a raw HTTP request from standard input, or two
    /// files. Checks v1 signatures with the signing secret, and v1a signatures with the public keys; give one or both.
    /// Works offline and never prints the secret. Exit code 1: the webhook does not verify.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyOptions),
    /// List deliveries, newest first
    ///
    /// Needs a key with deliveries:read.
    #[command(after_help = DELIVERIES_EXAMPLES)]
    Deliveries(DeliveriesOptions),
    /// Send ended deliveries once more
    ///
    /// Counts first and asks before it sends many. After Ctrl-C, the replay goes on in the deployment. Needs a key with
    /// deliveries:replay and deliveries:read. Exit code 1: a webhook was not accepted, or the replay was cancelled.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayOptions),
    /// Run the main job against a deployment and say what works. Needs an operator key.
    ///
    /// Creates a project with an API key, an endpoint and a return URL, publishes an event, waits for its webhook, opens a
    /// return link, and deletes the project.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckOptions>),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        #[arg(help = "Shell")]
        shell: Shell,
    },
}

impl Command {
    /// Whether only Ctrl-C, or an error, ends the command.
    pub(crate) fn runs_until_interrupted(&self) -> bool {
        match self {
            Self::Listen(options) => options.count.is_none(),
            Self::Deliveries(options) => options.follow,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory as _;

    use super::*;
    use crate::config::ConfigError;

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

//! The whole of Signpost on this machine: the real function binaries, deployed from the real template into an emulator of AWS.
//!
//! [`Stack::start`] is what both `cargo stack up` and the end-to-end tests use. Everything it starts listens on loopback
//! only, on ports of its own, and is gone when the [`Stack`] is dropped or its process ends, however it ends.

mod aws;
mod emulator;
mod functions;
mod guard;
mod paths;
mod processes;
mod proxy;
mod server;
pub mod tools;

pub mod api_client;
pub mod browser;
pub mod demo;
pub mod faults;
pub mod mail;
pub mod progress;
pub mod receiver;
pub mod up;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use shared::api_key::{ApiKey, ApiKeyKind};
use shared::random::SystemRandom;
use thiserror::Error;

use crate::api_client::ApiClient;
use crate::aws::Aws;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::mail::MailView;
use crate::progress::Progress;
use crate::proxy::Proxy;
use crate::receiver::Receiver;

/// Where reports come from in the local stack.
const MAIL_FROM: &str = "reports@signpost.example";

/// How many of the functions' lines are worth showing.
const LOG_LINES: usize = 60;

/// What a stack is to be like; [`Default`] is what tests want.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Where its files go; a temporary directory if `None`.
    pub dir: Option<PathBuf>,
    /// Delays before the second and each further attempt, such as `1s,2s`; production's if `None`.
    pub retry_schedule: Option<String>,
    /// How long a message stays hidden while a sender works on it, and so how soon a crashed sender's messages come back.
    pub send_visibility_seconds: u32,
    /// More of the template's parameters, by name.
    pub parameters: BTreeMap<String, String>,
    /// Whether each function is held to its role.
    pub enforce_roles: bool,
    /// Whether the functions' calls to AWS services can be disturbed: see [`Stack::faults`].
    pub with_faults: bool,
    /// Where to tell what is going on.
    pub progress: Progress,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            dir: None,
            retry_schedule: None,
            send_visibility_seconds: 40,
            parameters: BTreeMap::new(),
            enforce_roles: true,
            with_faults: false,
            progress: Progress::silent(),
        }
    }
}

/// A running stack. Dropping it ends all of it.
#[derive(Debug)]
pub struct Stack {
    /// The API, without a slash at the end.
    pub api_url: String,
    /// What return links begin with, without a slash at the end.
    pub redirect_url: String,
    /// A key for all projects.
    pub operator_key: String,
    /// Where the AWS services are.
    pub emulator_url: String,
    /// The region that they believe to be in.
    pub region: String,
    /// The mails sent so far: `GET` answers a JSON list.
    pub mail_url: String,
    /// A server that takes webhooks and checks their signatures.
    pub receiver: Receiver,
    /// The template's outputs: names of tables and functions, URLs of queues.
    pub outputs: BTreeMap<String, String>,
    aws: Aws,
    emulator: Emulator,
    _servers: [server::Server; 3],
}

/// Why a stack could not be started, or asked for something.
#[derive(Debug, Error)]
pub enum StackError {
    /// The programs it needs are not there and cannot be put there.
    #[error(transparent)]
    Tools(#[from] tools::ToolsError),
    /// The functions do not build.
    #[error(transparent)]
    Functions(#[from] functions::BuildError),
    /// The emulator does not start.
    #[error(transparent)]
    Emulator(#[from] emulator::EmulatorError),
    /// The emulator refuses the deployment or a call.
    #[error(transparent)]
    Aws(#[from] aws::AwsError),
    /// The template gives no such output.
    #[error("the template has no output {0}")]
    Output(&'static str),
    /// A file or port of its own cannot be had.
    #[error("cannot prepare the local stack")]
    Io(#[from] std::io::Error),
}

impl Stack {
    /// Starts a stack and waits until it is deployed. It ends with the value, and with the process at the latest.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let progress = &options.progress;
        let python = tools::prepare(progress).await?;
        let binaries = functions::build(progress).await?;
        let emulator = Emulator::start(&python, &options).await?;
        let aws = Aws::new(python, &emulator);

        let receiver = Receiver::start().await?;
        let mail = MailView::start(emulator.url()).await?;
        let api = Proxy::start(emulator.url()).await?;
        let redirect = Proxy::start(emulator.url()).await?;
        let operator_key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);

        let mut parameters = BTreeMap::from([
            ("OperatorKeyHashes".to_owned(), operator_key.hash().to_string()),
            ("MailFrom".to_owned(), MAIL_FROM.to_owned()),
            ("ApiBaseUrl".to_owned(), api.url()),
            ("RedirectBaseUrl".to_owned(), redirect.url()),
            ("AllowedPrivateReceivers".to_owned(), receiver::LOOPBACK.to_owned()),
            // The emulator cannot read a number that comes from a parameter here, and stops polling the queues.
            ("ReportConcurrency".to_owned(), "0".to_owned()),
            ("SenderConcurrency".to_owned(), "0".to_owned()),
            ("SendVisibilitySeconds".to_owned(), options.send_visibility_seconds.to_string()),
        ]);
        parameters.extend(options.retry_schedule.map(|schedule| ("RetrySchedule".to_owned(), schedule)));
        parameters.extend(options.parameters);
        let outputs = progress.step("deploying infra/application.yaml", aws.deploy(&binaries, parameters)).await?;

        let output = |name| outputs.get(name).ok_or(StackError::Output(name));
        api.serve(output("ApiId")?);
        redirect.serve(output("RedirectApiId")?);
        Ok(Self {
            api_url: api.url(),
            redirect_url: redirect.url(),
            operator_key: operator_key.expose().to_owned(),
            emulator_url: emulator.url().to_owned(),
            region: emulator::REGION.to_owned(),
            mail_url: mail.url(),
            receiver,
            outputs,
            aws,
            emulator,
            _servers: [mail.server, api.server, redirect.server],
        })
    }

    /// A client that shows the operator key.
    pub fn api(&self) -> ApiClient {
        ApiClient::new(&self.api_url, &self.operator_key)
    }

    /// Calls a function directly, by its folder's name, and gives its answer.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value, StackError> {
        Ok(self.aws.invoke(function, payload).await?)
    }

    /// Builds and mails the reports of `day` (`2026-01-31`) now.
    pub async fn send_reports(&self, day: &str) -> Result<Value, StackError> {
        self.invoke("daily-digest", json!({ "day": day })).await
    }

    /// Disturbs the functions' calls to AWS services.
    ///
    /// # Panics
    ///
    /// If the stack was started without [`StackOptions::with_faults`].
    pub fn faults(&self) -> &Faults {
        self.emulator.faults().expect("the stack was started with_faults")
    }

    /// Kills the processes of a function as `kill -9` does, in the middle of whatever they do; answers how many there were.
    pub fn kill_function(&self, function: &str) -> usize {
        processes::kill_function(&format!("{}-{function}", aws::STACK_NAME), &self.emulator.functions_url())
    }

    /// All variables that a function needs which is run by hand and not by the emulator.
    pub async fn function_variables(&self) -> Result<BTreeMap<String, String>, StackError> {
        let mut variables = self.aws.function_variables().await?;
        variables.extend([
            ("AWS_ENDPOINT_URL".to_owned(), self.emulator_url.clone()),
            ("AWS_REGION".to_owned(), self.region.clone()),
            ("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
        ]);
        Ok(variables)
    }

    /// All lines that the functions wrote so far, each behind its function's name.
    pub async fn function_logs(&self) -> Result<Vec<String>, StackError> {
        Ok(self.aws.function_logs(None).await?)
    }

    /// The last lines that the emulator and the functions wrote, to be shown when something went wrong.
    pub async fn log_tail(&self) -> String {
        let functions = self.aws.function_logs(Some(LOG_LINES)).await;
        let functions = functions.map_or_else(|error| error.to_string(), |lines| lines.join("\n"));
        format!("{}\n{functions}", self.emulator.log_tail())
    }

    /// Ends all of it, and waits until it has ended.
    pub fn stop(self) {
        drop(self);
    }
}

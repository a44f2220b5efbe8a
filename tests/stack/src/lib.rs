//! Runs all of Signpost on this machine: the real function binaries, deployed from the real template into an emulator of AWS.
//!
//! `cargo stack up` and the end-to-end tests both use [`Stack::start`]. Everything it starts listens on loopback only, on
//! free ports. All of it ends when the [`Stack`] is dropped, or when its process ends for any reason.

mod aws;
mod emulator;
mod functions;
mod guard;
pub mod node;
mod options;
mod paths;
mod processes;
mod proxy;
mod server;
pub mod tools;

pub mod api_client;
pub mod browser;
pub mod console;
pub mod demo;
pub mod faults;
pub mod mail;
pub mod permissions;
pub mod pictures;
pub mod progress;
pub mod receiver;
pub mod up;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use serde_json::{Value, json};
use thiserror::Error;

use crate::api_client::ApiClient;
use crate::aws::Aws;
use crate::emulator::Emulator;
use crate::faults::Faults;
use crate::mail::MailView;
pub use crate::options::StackOptions;
use crate::permissions::RolePermissions;
use crate::proxy::Proxy;
use crate::receiver::Receiver;

/// The sender address of all mails in the local stack.
const MAIL_FROM: &str = "reports@signpost.example";

/// The scopes of the product in infra/examples/product-api.yaml.
const PRODUCT_SCOPES: &str = "submissions:read,submissions:review";

/// The routes of the product in infra/examples/product-api.yaml, which [`Stack::deploy_example`] deploys.
const PRODUCT_ROUTES: &str = "GET /submissions=submissions:read,POST /submissions/{id}/review=submissions:review";

/// Log lines of the functions that [`Stack::log_tail`] returns.
const LOG_LINES: usize = 60;

/// A running stack. Dropping it ends everything it started.
#[derive(Debug)]
pub struct Stack {
    /// The URL of the API, without a trailing slash.
    pub api_url: String,
    /// The URL that all return links begin with, without a trailing slash.
    pub redirect_url: String,
    /// The URL of the console, without a trailing slash.
    pub console_url: String,
    /// The operator key, which may access all projects.
    pub operator_key: String,
    /// The endpoint URL of the emulated AWS services.
    pub emulator_url: String,
    /// The region of the emulated AWS services.
    pub region: String,
    /// The URL of the mails: `GET` returns the latest ones as a JSON list.
    pub mail_url: String,
    /// A server that receives webhooks and checks their signatures.
    pub receiver: Receiver,
    /// The path of the command line, `signpost`.
    pub command_line: PathBuf,
    /// The outputs of the template: names of tables and functions, URLs of queues.
    pub outputs: BTreeMap<String, String>,
    aws: Aws,
    emulator: Emulator,
    _servers: [server::Server; 4],
}

/// Why a stack did not start, or failed a request.
#[derive(Debug, Error)]
pub enum StackError {
    /// A program that the stack needs is missing and cannot be installed.
    #[error(transparent)]
    Tools(#[from] tools::ToolsError),
    /// The functions do not compile.
    #[error(transparent)]
    Functions(#[from] functions::BuildError),
    /// The emulator did not start.
    #[error(transparent)]
    Emulator(#[from] emulator::EmulatorError),
    /// The emulator rejected the deployment or a call.
    #[error(transparent)]
    Aws(#[from] aws::AwsError),
    /// The stack needs an output that the template does not have.
    #[error("the template has no output {0}")]
    Output(&'static str),
    /// A file cannot be written, or a port cannot be opened.
    #[error("cannot prepare the local stack")]
    Io(#[from] std::io::Error),
}

impl Stack {
    /// Starts a stack and waits until it is deployed.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let progress = &options.progress;
        let python = tools::prepare(progress).await?;
        let scripts = tempfile::tempdir()?;
        let trusted_root = options.trusted_root.as_deref();
        let mut binaries = functions::build(progress, trusted_root, scripts.path()).await?;
        let command_line = binaries.remove(functions::COMMAND_LINE).expect("all programs were built");
        let emulator = Emulator::start(&python, &options).await?;
        let aws = Aws::new(python, &emulator);

        let receiver = Receiver::start(options.webhooks_kept).await?;
        let mail = MailView::start(emulator.url()).await?;
        let api = Proxy::start(emulator.url()).await?;
        let redirect = Proxy::start(emulator.url()).await?;
        let console = Proxy::start(emulator.url()).await?;
        let operator_key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);

        let mut parameters = BTreeMap::from([
            ("Name".to_owned(), options::STACK_NAME.to_owned()),
            ("OperatorKeyHashes".to_owned(), operator_key.hash().to_string()),
            ("MailFrom".to_owned(), MAIL_FROM.to_owned()),
            ("ApiBaseUrl".to_owned(), api.url()),
            ("RedirectBaseUrl".to_owned(), redirect.url()),
            ("ConsoleBaseUrl".to_owned(), console.url()),
            ("AllowedPrivateReceivers".to_owned(), receiver::LOOPBACK.to_owned()),
            // The emulator cannot read a concurrency from a parameter and would stop polling the queues. 0 leaves it out.
            ("ReportConcurrency".to_owned(), "0".to_owned()),
            ("SenderConcurrency".to_owned(), "0".to_owned()),
            ("SlowSenderConcurrency".to_owned(), "0".to_owned()),
            ("ProductScopes".to_owned(), PRODUCT_SCOPES.to_owned()),
            ("ProductAuthorizer".to_owned(), "yes".to_owned()),
            ("ProductRoutes".to_owned(), PRODUCT_ROUTES.to_owned()),
            ("SendVisibilitySeconds".to_owned(), options.send_visibility_seconds.to_string()),
        ]);
        parameters.extend(options.retry_schedule.map(|schedule| ("RetrySchedule".to_owned(), schedule)));
        parameters.extend(options.parameters);
        let outputs = progress.step("deploying infra/application.yaml", aws.deploy(&binaries, parameters)).await?;

        let output = |name| outputs.get(name).ok_or(StackError::Output(name));
        api.serve(output("ApiId")?);
        redirect.serve(output("RedirectApiId")?);
        console.serve(output("ConsoleApiId")?);
        Ok(Self {
            api_url: api.url(),
            redirect_url: redirect.url(),
            console_url: console.url(),
            operator_key: operator_key.expose().to_owned(),
            emulator_url: emulator.url().to_owned(),
            region: emulator::REGION.to_owned(),
            mail_url: mail.url(),
            receiver,
            command_line,
            outputs,
            aws,
            emulator,
            _servers: [mail.server, api.server, redirect.server, console.server],
        })
    }

    /// A client of the API with the operator key.
    pub fn api(&self) -> ApiClient {
        ApiClient::new(&self.api_url, &self.operator_key)
    }

    /// Invokes a function, named by its folder, and returns its response.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value, StackError> {
        Ok(self.aws.invoke(function, payload).await?)
    }

    /// Deploys a template of `infra/examples` beside Signpost, as a stack with the same name. Returns the URL of its API, which the
    /// template's output `ApiId` names, without the stage.
    pub async fn deploy_example(&self, name: &str, parameters: &BTreeMap<&str, String>) -> Result<String, StackError> {
        let outputs = self.aws.deploy_example(name, parameters).await?;
        let api = outputs.get("ApiId").ok_or(StackError::Output("ApiId"))?;
        Ok(format!("{}/_aws/execute-api/{api}", self.emulator_url))
    }

    /// Builds and mails the reports of a day, such as `2026-01-31`, now.
    pub async fn send_reports(&self, day: &str) -> Result<Value, StackError> {
        self.invoke("daily-digest", json!({ "day": day })).await
    }

    /// The proxy that disturbs the functions' calls to AWS services.
    ///
    /// # Panics
    ///
    /// Panics if the stack was started without [`StackOptions::with_faults`].
    pub fn faults(&self) -> &Faults {
        self.emulator.faults().expect("the stack was started with_faults")
    }

    /// Kills all processes of a function with `SIGKILL` and returns their number.
    pub fn kill_function(&self, function: &str) -> usize {
        processes::kill_function(&format!("{}-{function}", options::STACK_NAME), &self.emulator.functions_url())
    }

    /// The environment variables for a function that is run by hand instead of by the emulator.
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

    /// The permissions of each function's role, by the name of the function's folder. Used and refused permissions are known only
    /// with [`StackOptions::enforce_roles`].
    pub async fn permissions(&self) -> Result<BTreeMap<String, RolePermissions>, StackError> {
        let deployed = self.aws.permissions().await?;
        Ok(permissions::by_function(deployed, &self.emulator.checks()?))
    }

    /// All log lines of the functions so far. Each begins with the name of its function.
    pub async fn function_logs(&self) -> Result<Vec<String>, StackError> {
        Ok(self.aws.function_logs(None).await?)
    }

    /// The latest log lines of the emulator and the functions, to show after a failure.
    pub async fn log_tail(&self) -> String {
        let functions = self.aws.function_logs(Some(LOG_LINES)).await;
        let functions = functions.map_or_else(|error| error.to_string(), |lines| lines.join("\n"));
        format!("{}\n{functions}", self.emulator.log_tail())
    }

    /// Ends everything the stack started, and waits for the end.
    pub fn stop(self) {
        drop(self);
    }
}

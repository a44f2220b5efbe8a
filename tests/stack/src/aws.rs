//! Calls the emulated AWS through `aws.py`. boto3 is installed with the emulator, so the stack needs no AWS SDK in Rust.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::process::Command;

use crate::emulator::Emulator;
use crate::functions::Binaries;
use crate::guard;
use crate::options::STACK_NAME;
use crate::paths;
use crate::permissions::DeployedRoles;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum AwsError {
    /// The script could not be started.
    #[error("cannot run aws.py")]
    Run(#[source] io::Error),
    /// The script failed. This is its message.
    #[error("{0}")]
    Refused(String),
    /// The script printed something unexpected.
    #[error("cannot read the output of aws.py")]
    Answer(#[source] serde_json::Error),
}

/// A client of the emulated AWS.
#[derive(Debug)]
pub(crate) struct Aws {
    python: PathBuf,
    environment: Vec<(&'static str, OsString)>,
}

#[derive(Deserialize)]
struct Deployed {
    outputs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Invoked {
    payload: Value,
}

#[derive(Deserialize)]
struct Environment {
    variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Logs {
    lines: Vec<String>,
}

impl Aws {
    pub(crate) fn new(python: PathBuf, emulator: &Emulator) -> Self {
        Self { python, environment: emulator.environment() }
    }

    /// Uploads the functions, creates the stack, and returns its outputs when every resource exists.
    pub(crate) async fn deploy(
        &self,
        binaries: &Binaries,
        parameters: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let deployed: Deployed = self
            .call(json!({
                "do": "deploy",
                "stack": STACK_NAME,
                "template": paths::workspace().join("infra/application.yaml"),
                "bucket": "signpost-code",
                "functions": binaries,
                "parameters": parameters,
            }))
            .await?;
        Ok(deployed.outputs)
    }

    /// Creates a stack from a template of `infra/examples`, and returns its outputs when every resource exists.
    pub(crate) async fn deploy_example(
        &self,
        name: &str,
        parameters: &BTreeMap<&str, String>,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let template = paths::workspace().join(format!("infra/examples/{name}.yaml"));
        let request = json!({ "do": "deploy-example", "stack": name, "template": template, "parameters": parameters });
        let deployed: Deployed = self.call(request).await?;
        Ok(deployed.outputs)
    }

    /// Invokes a function and returns its response.
    pub(crate) async fn invoke(&self, function: &str, payload: Value) -> Result<Value, AwsError> {
        let name = format!("{STACK_NAME}-{function}");
        let invoked: Invoked = self.call(json!({ "do": "invoke", "function": name, "payload": payload })).await?;
        Ok(invoked.payload)
    }

    /// The environment variables of all functions, merged into one map.
    pub(crate) async fn function_variables(&self) -> Result<BTreeMap<String, String>, AwsError> {
        let environment: Environment = self.call(json!({ "do": "environment", "stack": STACK_NAME })).await?;
        Ok(environment.variables)
    }

    /// The log lines of the functions: all of them, or the latest `limit`.
    pub(crate) async fn function_logs(&self, limit: Option<usize>) -> Result<Vec<String>, AwsError> {
        let logs: Logs = self.call(json!({ "do": "logs", "stack": STACK_NAME, "limit": limit })).await?;
        Ok(logs.lines)
    }

    /// The roles of the functions, and the names of all resources.
    pub(crate) async fn permissions(&self) -> Result<DeployedRoles, AwsError> {
        self.call(json!({ "do": "permissions", "stack": STACK_NAME })).await
    }

    async fn call<T: DeserializeOwned>(&self, request: Value) -> Result<T, AwsError> {
        let mut command = guard::command(&self.python, None, &self.python);
        command.arg(paths::own("aws.py")).arg(request.to_string());
        command.env_clear().envs(self.environment.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Command::from(command).spawn().map_err(AwsError::Run)?;
        // `wait_with_output` would close standard input, and `launch.py` would end the call.
        let _guard = child.stdin.take();
        let output = child.wait_with_output().await.map_err(AwsError::Run)?;
        if !output.status.success() {
            return Err(AwsError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(AwsError::Answer)
    }
}

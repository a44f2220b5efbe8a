//! Calls to the emulated AWS, made by its own SDK for Python, which is among the tools anyway.

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
use crate::paths;

/// The name of the CloudFormation stack, and so the beginning of the functions' names.
pub(crate) const STACK_NAME: &str = "signpost";

/// Why a call failed.
#[derive(Debug, Error)]
pub enum AwsError {
    /// The script could not be run.
    #[error("cannot run aws.py")]
    Run(#[source] io::Error),
    /// What the script said.
    #[error("{0}")]
    Refused(String),
    /// The script answered something else than it should.
    #[error("cannot read the answer of aws.py")]
    Answer(#[source] serde_json::Error),
}

/// The emulated AWS.
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

    /// Uploads the functions and creates the stack; gives the outputs once every resource stands.
    pub(crate) async fn deploy(
        &self,
        binaries: &Binaries,
        mut parameters: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let (bucket, prefix) = ("signpost-code", "local");
        parameters.insert("CodeBucket".to_owned(), bucket.to_owned());
        parameters.insert("CodePrefix".to_owned(), prefix.to_owned());
        let deployed: Deployed = self
            .call(json!({
                "do": "deploy",
                "stack": STACK_NAME,
                "template": paths::workspace().join("infra/application.yaml"),
                "bucket": bucket,
                "prefix": prefix,
                "functions": binaries,
                "parameters": parameters,
            }))
            .await?;
        Ok(deployed.outputs)
    }

    /// Calls a function and gives its answer.
    pub(crate) async fn invoke(&self, function: &str, payload: Value) -> Result<Value, AwsError> {
        let name = format!("{STACK_NAME}-{function}");
        let invoked: Invoked = self.call(json!({ "do": "invoke", "function": name, "payload": payload })).await?;
        Ok(invoked.payload)
    }

    /// The variables that the functions were deployed with, all of them together.
    pub(crate) async fn function_variables(&self) -> Result<BTreeMap<String, String>, AwsError> {
        let environment: Environment = self.call(json!({ "do": "environment" })).await?;
        Ok(environment.variables)
    }

    /// The lines that the functions wrote; at most this many, if that is said.
    pub(crate) async fn function_logs(&self, most: Option<usize>) -> Result<Vec<String>, AwsError> {
        let logs: Logs = self.call(json!({ "do": "logs", "most": most })).await?;
        Ok(logs.lines)
    }

    async fn call<T: DeserializeOwned>(&self, request: Value) -> Result<T, AwsError> {
        let mut command = guard::command(&self.python, None, &self.python);
        command.arg(paths::own("aws.py")).arg(request.to_string());
        command.env_clear().envs(self.environment.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Command::from(command).spawn().map_err(AwsError::Run)?;
        // `wait_with_output` would close it at once, and with it end the call.
        let _guard = child.stdin.take();
        let output = child.wait_with_output().await.map_err(AwsError::Run)?;
        if !output.status.success() {
            return Err(AwsError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(AwsError::Answer)
    }
}

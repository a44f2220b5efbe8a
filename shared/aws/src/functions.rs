//! Lambda functions that another function starts.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde::Serialize;
use thiserror::Error;

use crate::client::{Aws, Cause};

/// Why an invocation was not started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Lambda failed, rejected the call, or did not respond.
    #[error("invocation cannot be started")]
    Unavailable(#[source] Cause),
    /// The event cannot be serialized.
    #[error("event cannot be written as JSON")]
    Event(#[source] serde_json::Error),
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    aws: Aws,
    name: String,
}

impl Function {
    /// Uses the function with this name.
    pub fn new(aws: &Aws, name: impl Into<String>) -> Self {
        Self { aws: aws.clone(), name: name.into() }
    }

    /// Starts an invocation with `event`, and does not wait for its end.
    pub async fn start(&self, event: &impl Serialize) -> Result<(), StartError> {
        let event = serde_json::to_vec(event).map_err(StartError::Event)?;
        let call = self.aws.lambda().invoke().function_name(&self.name).invocation_type(InvocationType::Event);
        call.payload(Blob::new(event)).send().await.map_err(|error| StartError::Unavailable(error.into()))?;
        Ok(())
    }
}

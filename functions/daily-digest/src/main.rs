//! Wires daily-digest to its services.

use std::sync::Arc;

use daily_digest::{Config, Digest};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::aws::Aws;
use shared::clock::SystemClock;
use shared::random::SystemRandom;
use shared::{config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment)?;
    let digest = &Digest::connect(config, &aws, Arc::new(SystemClock), Arc::new(SystemRandom));
    let run = |event| async move { Ok::<_, lambda_runtime::Error>(digest.handle(event).await?) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| run(event.payload))).await
}

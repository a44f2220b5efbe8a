//! Starts daily-digest with its configuration, clients, clock and source of randomness.

use std::sync::Arc;

use aws::lambda::{config, telemetry};
use aws::{Aws, CallTimeouts};
use daily_digest::{Config, Digest};
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::LONG)?;
    let digest = &Digest::connect(config, &aws, Arc::new(SystemClock), Arc::new(SystemRandom));
    let run = |event| async move { Ok::<_, lambda_runtime::Error>(digest.handle(event).await?) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| run(event.payload))).await
}

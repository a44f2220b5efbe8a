//! Starts webhook-retry with its configuration, clients and clock.

use std::sync::Arc;

use aws::Aws;
use aws::lambda::{config, telemetry};
use domain::foundation::clock::SystemClock;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use webhook_retry::{Config, Sweeper};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let sweeper = &Sweeper::new(&config, &Aws::from_env(&config::environment)?, Arc::new(SystemClock));
    let sweep = |deadline| async move { Ok::<_, lambda_runtime::Error>(sweeper.sweep(deadline).await?) };
    let handle = |event: LambdaEvent<IgnoredAny>| sweep(event.context.deadline);
    lambda_runtime::run(service_fn(handle)).await
}

//! Starts webhook-retry with its configuration, clients and clock.

use std::sync::Arc;

use aws::lambda::{config, telemetry};
use aws::{Aws, CallTimeouts};
use domain::foundation::clock::SystemClock;
use lambda_runtime::{LambdaEvent, service_fn};
use webhook_retry::{Config, Event, Sweeper};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let sweeper =
        &Sweeper::new(&config, &Aws::from_env(&config::environment, CallTimeouts::LONG)?, Arc::new(SystemClock));
    let run = |event, deadline| async move { Ok::<_, lambda_runtime::Error>(sweeper.run(event, deadline).await?) };
    let handle = |event: LambdaEvent<Event>| run(event.payload, event.context.deadline);
    lambda_runtime::run(service_fn(handle)).await
}

//! Starts mail-feedback with its configuration, clients, clock and source of randomness.

// The types of the SDK's futures are nested more deeply than the compiler's default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use aws::lambda::{config, telemetry};
use aws::{Aws, CallTimeouts};
use aws_lambda_events::sqs::SqsEvent;
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;
use lambda_runtime::{LambdaEvent, service_fn};
use mail_feedback::{Config, FeedbackHandler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::SHORT)?;
    let handler = &FeedbackHandler::connect(&config, &aws, Arc::new(SystemClock), Arc::new(SystemRandom));
    let handle = |batch| async move { Ok::<_, lambda_runtime::Error>(handler.handle(batch).await) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| handle(event.payload))).await
}

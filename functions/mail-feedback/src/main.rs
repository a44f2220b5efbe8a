//! Wires mail-feedback to its services.

// The SDK's futures are nested deeper than the compiler looks by default.
#![recursion_limit = "256"]

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use mail_feedback::{Config, MailFeedback};
use shared::aws::Aws;
use shared::clock::SystemClock;
use shared::random::SystemRandom;
use shared::{config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment)?;
    let feedback = &MailFeedback::connect(&config, &aws, Arc::new(SystemClock), Arc::new(SystemRandom));
    let take = |batch| async move { Ok::<_, lambda_runtime::Error>(feedback.take(batch).await) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| take(event.payload))).await
}

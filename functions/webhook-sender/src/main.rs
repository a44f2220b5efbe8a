//! Wires webhook-sender to its services.

use std::sync::Arc;

use aws::lambda::{config, telemetry};
use aws::secrets::KeyRingSecret;
use aws::{Aws, CallTimeouts};
use aws_lambda_events::sqs::SqsEvent;
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;
use lambda_runtime::{LambdaEvent, service_fn};
use webhook_sender::{Config, Sender};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::LONG)?;
    let key_ring = KeyRingSecret::new(&aws, &config.key_ring_secret, Arc::new(SystemClock));
    let sender = Sender::new(config, &aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    let sender = &sender;
    let handle = |batch: LambdaEvent<SqsEvent>| async move {
        Ok::<_, lambda_runtime::Error>(sender.handle(batch.payload, batch.context.deadline).await)
    };
    lambda_runtime::run(service_fn(handle)).await
}

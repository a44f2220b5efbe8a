//! webhook-sender with two differences: it trusts the certificate authority of the receiver of the bench, which is not public, and
//! the exceptions of its address guard may be in the file named by `EXCEPTIONS_FILE`, because they may be too many for a variable.

use std::sync::Arc;

use aws::lambda::telemetry;
use aws::secrets::KeyRingSecret;
use aws::{Aws, CallTimeouts};
use aws_lambda_events::sqs::SqsEvent;
use baseline::{environment, trusted_roots};
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;
use lambda_runtime::{LambdaEvent, service_fn};
use webhook_sender::{Config, Sender};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init("webhook_sender");
    let mut config = Config::read(environment)?;
    if let Some(file) = environment("EXCEPTIONS_FILE") {
        config.address_guard = std::fs::read_to_string(file)?.parse()?;
    }
    let aws = Aws::from_env(&environment, CallTimeouts::LONG)?;
    let key_ring = KeyRingSecret::new(&aws, &config.key_ring_secret, Arc::new(SystemClock));
    let roots = trusted_roots().map_err(|error| error.to_string())?;
    let sender = Sender::trusting(roots, config, &aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    let sender = &sender;
    let handle = |batch: LambdaEvent<SqsEvent>| async move {
        Ok::<_, lambda_runtime::Error>(sender.handle(batch.payload, batch.context.deadline).await)
    };
    lambda_runtime::run(service_fn(handle)).await
}

//! Starts authorizer with its configuration, clients and clock.

// The types of the SDK's futures are nested more deeply than the compiler's default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use authorizer::{Authorizer, Config, GatewayRequest};
use aws::lambda::{config, telemetry};
use aws::{Aws, CallTimeouts};
use domain::foundation::clock::SystemClock;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::SHORT)?;
    let authorizer = &Authorizer::new(config, &aws, Arc::new(SystemClock));
    let decide = |request| async move { Ok::<_, lambda_runtime::Error>(authorizer.handle(request).await?) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<GatewayRequest>| decide(event.payload))).await
}

//! Wires the settings API to its services.

use std::sync::Arc;

use api::{App, Config, router};
use aws::lambda::{config, gateway, telemetry};
use aws::secrets::KeyRingSecret;
use aws::{Aws, CallTimeouts};
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::SHORT)?;
    let key_ring = KeyRingSecret::new(&aws, &config.key_ring_secret, Arc::new(SystemClock));
    let app = App::new(config, &aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom));
    gateway::run(router(app)).await
}

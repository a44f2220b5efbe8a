//! Connects the console to its services and serves it.

use std::sync::Arc;

use aws::lambda::{config, gateway, telemetry};
use aws::secrets::KeyRingSecret;
use aws::{Aws, CallTimeouts};
use console::{App, Config, router};
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::SHORT)?;
    let key_ring = KeyRingSecret::new(&aws, &config.api.key_ring_secret, Arc::new(SystemClock));
    let api = api::App::new(config.api.clone(), &aws, key_ring.clone(), Arc::new(SystemClock), Arc::new(SystemRandom));
    let app = App::new(config, api, &aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom));
    gateway::run(router(app)).await
}

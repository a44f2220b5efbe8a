//! Wires the redirect pages to their services.

use std::sync::Arc;

use redirect::{App, Config, router};
use shared::aws::Aws;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::Settings;
use shared::clock::SystemClock;
use shared::random::SystemRandom;
use shared::{config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment)?;
    let settings = Settings::new(&aws, config.settings_table);
    let key_ring = KeyRingSecret::new(&aws, config.key_ring_secret, Arc::new(SystemClock));
    lambda_http::run(router(App::new(settings, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom)))).await
}

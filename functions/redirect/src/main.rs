//! Wires the redirect pages to their services.

use std::sync::Arc;

use redirect::{App, Config, router};
use shared::aws::Aws;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::{Settings, UsedLinks};
use shared::clock::SystemClock;
use shared::random::SystemRandom;
use shared::{config, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment)?;
    let settings = Settings::new(&aws, config.settings_table);
    let used_links = UsedLinks::new(&aws, config.activity_table);
    let key_ring = KeyRingSecret::new(&aws, config.key_ring_secret, Arc::new(SystemClock));
    let app = App::new(settings, used_links, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom));
    lambda_http::run(router(app)).await
}

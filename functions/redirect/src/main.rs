//! Connects the redirect pages to their services and serves them.

use std::sync::Arc;

use aws::lambda::{config, gateway, telemetry};
use aws::secrets::KeyRingSecret;
use aws::store::{ReturnUrlStore, UsedLinks};
use aws::{Aws, CallTimeouts};
use domain::foundation::clock::SystemClock;
use domain::foundation::random::SystemRandom;
use redirect::{App, Config, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let config = Config::read(config::environment)?;
    let aws = Aws::from_env(&config::environment, CallTimeouts::SHORT)?;
    let proxy = config.proxy;
    let settings = ReturnUrlStore::new(&aws, config.settings_table);
    let used_links = UsedLinks::new(&aws, config.activity_table);
    let key_ring = KeyRingSecret::new(&aws, config.key_ring_secret, Arc::new(SystemClock));
    let app = App::new(settings, used_links, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom));
    gateway::run(router(app, proxy)).await
}

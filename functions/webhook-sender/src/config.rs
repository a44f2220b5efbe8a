//! The configuration of webhook-sender, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::store::StoreConfig;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::health::HealthPolicy;
use domain::webhooks::retry::RetrySchedule;
use url::Url;

/// The configuration of webhook-sender.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of the tables, and the retention of their rows.
    pub store: StoreConfig,
    /// URL of the queue that webhook-sender reads and to which it sends the messages for next attempts.
    pub send_queue_url: Url,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// Delays between attempts.
    pub retry_schedule: RetrySchedule,
    /// When the breaker of a failing endpoint opens, and when the endpoint is disabled.
    pub health_policy: HealthPolicy,
    /// Checks that webhooks go only to allowed addresses.
    pub address_guard: AddressGuard,
}

impl Config {
    /// Reads the configuration from the variables that `var` returns. The error names the missing or invalid variable.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreConfig::read(&var)?,
            send_queue_url: config::parsed(&var, "SEND_QUEUE_URL")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            retry_schedule: config::parsed(&var, "RETRY_SCHEDULE")?,
            health_policy: config::parsed(&var, "HEALTH_POLICY")?,
            address_guard: config::address_guard(&var)?,
        })
    }
}

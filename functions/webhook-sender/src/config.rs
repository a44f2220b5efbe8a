//! What the deployment tells webhook-sender.

use shared::address::AddressGuard;
use shared::aws::store::Retention;
use shared::config::{self, ConfigError};
use shared::health::HealthPolicy;
use shared::retry::RetrySchedule;
use url::Url;

/// The configuration of webhook-sender.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`.
    pub activity_table: String,
    /// For how long deliveries are kept.
    pub retention: Retention,
    /// URL of the queue that it reads, and puts the next attempts on.
    pub send_queue_url: Url,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// The delays between attempts.
    pub retry_schedule: RetrySchedule,
    /// When to stop sending to an endpoint that fails.
    pub health_policy: HealthPolicy,
    /// Where webhooks may go.
    pub address_guard: AddressGuard,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            retention: config::parsed(&var, "RETENTION_DAYS")?,
            send_queue_url: config::parsed(&var, "SEND_QUEUE_URL")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            retry_schedule: config::parsed(&var, "RETRY_SCHEDULE")?,
            health_policy: config::parsed(&var, "HEALTH_POLICY")?,
            address_guard: config::address_guard(&var)?,
        })
    }
}

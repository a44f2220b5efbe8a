//! Configuration of daily-digest, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::store::StoreConfig;

/// The configuration of daily-digest.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of the tables, and the retention of their rows.
    pub store: StoreConfig,
    /// URL of the queue that this function reads, and to which it sends one message for each project.
    pub report_queue_url: String,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// Sender address of mails.
    pub mail_from: String,
    /// Name of the SES configuration set that publishes bounces and complaints.
    pub mail_configuration_set: Option<String>,
    /// Name or ARN of the secret that contains the key ring.
    pub key_ring_secret: String,
    /// Base URL of the API, without a trailing slash.
    pub api_base_url: String,
}

impl Config {
    /// Reads the configuration. Fails with the name of the first variable that is missing or invalid.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreConfig::read(&var)?,
            report_queue_url: config::required(&var, "REPORT_QUEUE_URL")?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            mail_from: config::required(&var, "MAIL_FROM")?,
            mail_configuration_set: config::optional(&var, "MAIL_CONFIGURATION_SET"),
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            api_base_url: config::base_url(&var, "API_BASE_URL")?,
        })
    }
}

//! What the deployment tells daily-digest.

use shared::aws::store::Retention;
use shared::config::{self, ConfigError};

/// The configuration of daily-digest.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`.
    pub activity_table: String,
    /// For how long deliveries are kept; older days have no report.
    pub retention: Retention,
    /// URL of the queue that this function reads, and that it puts one message a project on.
    pub report_queue_url: String,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// The sender of mails.
    pub mail_from: String,
    /// The SES configuration set that has bounces and complaints reported.
    pub mail_configuration_set: Option<String>,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// Where the API is reached, without a slash at the end.
    pub api_base_url: String,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            retention: config::parsed(&var, "RETENTION_DAYS")?,
            report_queue_url: config::required(&var, "REPORT_QUEUE_URL")?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            mail_from: config::required(&var, "MAIL_FROM")?,
            mail_configuration_set: config::optional(&var, "MAIL_CONFIGURATION_SET"),
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            api_base_url: config::base_url(&var, "API_BASE_URL")?,
        })
    }
}

//! What the deployment tells webhook-retry.

use shared::aws::store::Retention;
use shared::config::{self, ConfigError};

/// The configuration of webhook-retry.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`.
    pub activity_table: String,
    /// For how long deliveries are kept.
    pub retention: Retention,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// URL of the queue that daily-digest reads.
    pub report_queue_url: String,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            retention: config::parsed(&var, "RETENTION_DAYS")?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            report_queue_url: config::required(&var, "REPORT_QUEUE_URL")?,
        })
    }
}

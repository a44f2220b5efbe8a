//! What the deployment tells webhook-retry.

use shared::config::{self, ConfigError};

/// The configuration of webhook-retry.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `activity`.
    pub activity_table: String,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
        })
    }
}

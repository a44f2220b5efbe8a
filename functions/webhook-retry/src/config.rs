//! Configuration of webhook-retry, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::store::StoreConfig;

/// The configuration of webhook-retry.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of the tables, and the retention of their rows.
    pub store: StoreConfig,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// URL of the queue that daily-digest reads.
    pub report_queue_url: String,
    /// Name of this function, which starts further invocations of itself.
    pub function_name: String,
}

impl Config {
    /// Reads the configuration. Fails with the name of the first variable that is missing or invalid.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreConfig::read(&var)?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            report_queue_url: config::required(&var, "REPORT_QUEUE_URL")?,
            function_name: config::required(&var, "AWS_LAMBDA_FUNCTION_NAME")?,
        })
    }
}

//! Configuration of mail-feedback, read from environment variables.

use aws::lambda::config::{self, ConfigError};

/// The configuration of mail-feedback.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
}

impl Config {
    /// Reads the configuration. Fails with the name of the first variable that is missing or invalid.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self { settings_table: config::required(&var, "SETTINGS_TABLE")? })
    }
}

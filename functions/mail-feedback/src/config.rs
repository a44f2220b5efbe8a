//! What the deployment tells mail-feedback.

use shared::config::{self, ConfigError};

/// The configuration of mail-feedback.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self { settings_table: config::required(&var, "SETTINGS_TABLE")? })
    }
}

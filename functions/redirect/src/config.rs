//! The configuration of the redirect pages, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::lambda::proxy::TrustedProxy;

/// The configuration of the redirect pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`, which records used single-use links.
    pub activity_table: String,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// The proxy in front of the pages, or none.
    pub proxy: TrustedProxy,
}

impl Config {
    /// Reads the configuration. The error names the missing variable.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            proxy: TrustedProxy::read(&var)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_variables_are_required() {
        const ALL: [&str; 3] = ["SETTINGS_TABLE", "ACTIVITY_TABLE", "KEY_RING_SECRET"];
        for missing in ALL {
            let var = |name: &str| (ALL.contains(&name) && name != missing).then(|| name.to_lowercase());
            assert_eq!(Config::read(var).unwrap_err().to_string(), format!("variable {missing} is not set"));
        }
        let all = |name: &str| ALL.contains(&name).then(|| name.to_lowercase());
        assert_eq!(Config::read(all).unwrap().activity_table, "activity_table");
    }
}

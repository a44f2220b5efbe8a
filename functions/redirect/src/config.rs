//! What the deployment tells the redirect pages.

use shared::config::{self, ConfigError};

/// The configuration of the redirect pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variables_are_needed() {
        let set = |names: &'static [&str]| move |name: &str| names.contains(&name).then(|| name.to_lowercase());
        let missing = Config::read(set(&["SETTINGS_TABLE"])).unwrap_err();
        assert_eq!(missing.to_string(), "variable KEY_RING_SECRET is not set");
        assert_eq!(Config::read(set(&["SETTINGS_TABLE", "KEY_RING_SECRET"])).unwrap().settings_table, "settings_table");
    }
}

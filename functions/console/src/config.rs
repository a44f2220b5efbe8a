//! The configuration of the console, from environment variables.

use std::str::FromStr;

use aws::lambda::config::{self, ConfigError};
use domain::foundation::web_url;
use domain::webhooks::retry::RetrySchedule;
use thiserror::Error;
use url::Url;

/// A hash that no key has. The console runs the api without operator keys, because its callers are sessions only.
const NO_OPERATOR_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The configuration of the console.
#[derive(Debug, Clone)]
pub struct Config {
    /// The configuration of the api, which runs in this process.
    pub api: api::Config,
    /// The origin of the console.
    pub origin: Origin,
    /// The origins whose pages may show the console in a frame.
    pub frame_ancestors: Vec<Origin>,
    /// The retry schedule of the deployment, which pages show attempts of.
    pub retry_schedule: RetrySchedule,
}

impl Config {
    /// Reads the configuration. An error names the missing or invalid variable.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let api_var = |name: &str| match name {
            "OPERATOR_KEY_HASHES" => Some(NO_OPERATOR_KEY.to_owned()),
            _ => var(name),
        };
        Ok(Self {
            origin: config::parsed(&var, "CONSOLE_BASE_URL")?,
            frame_ancestors: config::list(&var, "CONSOLE_FRAME_ANCESTORS")?,
            retry_schedule: config::parsed(&var, "RETRY_SCHEDULE")?,
            api: api::Config::read(api_var)?,
        })
    }
}

/// An origin such as `https://console.example.com`: `https`, or `http` for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A string that is not an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be https:// with a host, or http:// with localhost, and no path")]
pub struct BadOrigin;

impl Origin {
    /// The origin as browsers write it, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether browsers reach the origin by TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let url: Url = text.parse().map_err(|_| BadOrigin)?;
        // A wildcard would be a host name for `Url`, and a pattern in a policy.
        let is_pattern = url.host_str().is_some_and(|host| host.contains('*'));
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if !web_url::is_secure(&url) || is_pattern || !is_bare || has_credentials {
            return Err(BadOrigin);
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, origin) in [
            ("https://console.example.com", Some("https://console.example.com")),
            ("https://Console.Example.com:443/", Some("https://console.example.com")),
            ("https://console.example.com:8443", Some("https://console.example.com:8443")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://127.0.0.1:3000/", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://console.example.com", None),
            ("https://console.example.com/settings", None),
            ("https://console.example.com/?a", None),
            ("https://user@console.example.com", None),
            ("ftp://console.example.com", None),
            ("data:,", None),
            ("console.example.com", None),
            ("https://*.example.com", None),
            ("'self'", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Origin>().ok().as_ref().map(Origin::as_str), origin, "{text}");
        }
    }

    #[test]
    fn the_console_needs_its_own_origin() {
        let with = |origin: Option<&'static str>, ancestors: &'static str| {
            Config::read(move |name| match name {
                "CONSOLE_BASE_URL" => origin.map(str::to_owned),
                "CONSOLE_FRAME_ANCESTORS" => Some(ancestors.to_owned()),
                "RETRY_SCHEDULE" => Some("5s,5m".to_owned()),
                "RETENTION_DAYS" | "RATE_LIMIT" | "MAX_CONFIRMATIONS_PER_PROJECT" | "MAX_CONFIRMATIONS_PER_DAY" => {
                    Some("30".to_owned())
                }
                "API_BASE_URL" | "REDIRECT_BASE_URL" => Some("https://api.example.com".to_owned()),
                "SETTINGS_TABLE" | "ACTIVITY_TABLE" | "SEND_QUEUE_URL" | "KEY_RING_SECRET" | "MAIL_FROM" => {
                    Some(name.to_owned())
                }
                _ => None,
            })
        };
        let config = with(Some("https://console.example.com/"), "https://a.example, https://b.example").unwrap();
        assert_eq!((config.origin.as_str(), config.frame_ancestors.len()), ("https://console.example.com", 2));
        assert!(with(Some("https://console.example.com"), "").unwrap().frame_ancestors.is_empty());
        for (origin, ancestors, message) in [
            (None, "", "variable CONSOLE_BASE_URL is not set"),
            (Some("http://console.example.com"), "", "variable CONSOLE_BASE_URL cannot be used"),
            (Some("https://console.example.com"), "https://*", "variable CONSOLE_FRAME_ANCESTORS cannot be used"),
        ] {
            assert_eq!(with(origin, ancestors).unwrap_err().to_string(), message);
        }
    }
}

//! The configuration of webhook-sender, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::store::StoreConfig;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::health::HealthPolicy;
use domain::webhooks::retry::RetrySchedule;
use http::HeaderValue;
use url::Url;

/// The configuration of webhook-sender.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of the tables, and the retention of their rows.
    pub store: StoreConfig,
    /// URL of the queue of the fast lane, which webhook-sender reads and to which it sends the messages for next attempts.
    pub send_queue_url: Url,
    /// URL of the queue of the slow lane, which webhook-sender reads too and to which it passes messages for slow receivers.
    pub slow_queue_url: Url,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// Delays between attempts.
    pub retry_schedule: RetrySchedule,
    /// When the breaker of a failing endpoint opens, and when the endpoint is disabled.
    pub health_policy: HealthPolicy,
    /// Checks that webhooks go only to allowed addresses.
    pub address_guard: AddressGuard,
    /// The host of the API. Handshakes ask for permission in its name.
    pub origin: HeaderValue,
    /// A public host that is known to be up. After a timeout, the sender connects to it to find out whether its own internet
    /// access works.
    pub canary_url: Url,
}

impl Config {
    /// Reads the configuration from the variables that `var` returns. The error names the missing or invalid variable.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let (store, retry_schedule) = (StoreConfig::read(&var)?, config::parsed(&var, "RETRY_SCHEDULE")?);
        check_together(&store, &retry_schedule)?;
        Ok(Self {
            store,
            send_queue_url: config::parsed(&var, "SEND_QUEUE_URL")?,
            slow_queue_url: config::parsed(&var, "SLOW_QUEUE_URL")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            retry_schedule,
            health_policy: config::parsed(&var, "HEALTH_POLICY")?,
            address_guard: config::address_guard(&var)?,
            origin: origin(&config::parsed(&var, "API_BASE_URL")?)?,
            canary_url: config::parsed(&var, "CANARY_URL")?,
        })
    }
}

/// The host of a base URL.
fn origin(base_url: &Url) -> Result<HeaderValue, ConfigError> {
    let host = base_url.host_str().unwrap_or_default();
    HeaderValue::from_str(host).map_err(|error| ConfigError::Bad("API_BASE_URL", Box::new(error)))
}

/// Rejects a retention that ends before the last attempt: deliveries would expire although attempts are left.
fn check_together(store: &StoreConfig, retry_schedule: &RetrySchedule) -> Result<(), ConfigError> {
    let checked = retry_schedule.check_retention(store.retention.duration());
    checked.map_err(|error| ConfigError::Bad("RETENTION_DAYS", Box::new(error)))
}

#[cfg(test)]
mod tests {
    use domain::webhooks::health::DEFAULT_POLICY;
    use domain::webhooks::retry::DEFAULT_SCHEDULE;

    use super::*;

    fn read(retention_days: &str, retry_schedule: &str) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let value = match name {
                "RETENTION_DAYS" => retention_days,
                "RETRY_SCHEDULE" => retry_schedule,
                "HEALTH_POLICY" => DEFAULT_POLICY,
                "ALLOWED_PRIVATE_RECEIVERS" | "GATEWAY_URLS" => "",
                _ => "https://example.com",
            };
            Some(value.to_owned())
        })
    }

    #[test]
    fn a_retention_that_ends_before_the_last_attempt_is_rejected() {
        assert!(read("5", DEFAULT_SCHEDULE).is_ok());
        let error = read("6", "120h").unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            "variable RETENTION_DAYS cannot be used: attempts take up to 144 h and deliveries expire a day before the retention \
             ends: it must be at least 7 days, not 6"
        );
    }
}

//! What the deployment tells the settings API.

use std::net::IpAddr;

use shared::address::AddressGuard;
use shared::api_key::OperatorKeys;
use shared::aws::store::Retention;
use shared::config::{self, ConfigError};
use shared::rate_limit::RateLimit;

/// The configuration of the settings API.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`.
    pub activity_table: String,
    /// For how long events and deliveries are kept.
    pub retention: Retention,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// Hashes of the operator's keys.
    pub operator_keys: OperatorKeys,
    /// Where this API is reached, without a slash at the end.
    pub api_base_url: String,
    /// Where return links lead, without a slash at the end.
    pub redirect_base_url: String,
    /// The addresses that webhooks come from.
    pub egress_ips: Vec<IpAddr>,
    /// How many calls a project's key may make in ten seconds.
    pub rate_limit: RateLimit,
    /// The sender of mails.
    pub mail_from: String,
    /// The SES configuration set that has bounces and complaints reported.
    pub mail_configuration_set: Option<String>,
    /// Where endpoints may be.
    pub address_guard: AddressGuard,
}

impl Config {
    /// Reads the configuration; the error names the variable that is missing or bad.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            retention: config::parsed(&var, "RETENTION_DAYS")?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            operator_keys: config::parsed(&var, "OPERATOR_KEY_HASHES")?,
            api_base_url: config::base_url(&var, "API_BASE_URL")?,
            redirect_base_url: config::base_url(&var, "REDIRECT_BASE_URL")?,
            egress_ips: config::list(&var, "EGRESS_IPS")?,
            rate_limit: config::parsed(&var, "RATE_LIMIT")?,
            mail_from: config::required(&var, "MAIL_FROM")?,
            mail_configuration_set: config::optional(&var, "MAIL_CONFIGURATION_SET"),
            address_guard: config::address_guard(&var)?,
        })
    }
}

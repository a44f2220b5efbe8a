//! The configuration of the settings API, from environment variables.

use aws::lambda::config::{self, ConfigError};
use aws::lambda::proxy::TrustedProxy;
use aws::store::StoreConfig;
use domain::projects::api_key::{OperatorKeys, ProductScopes};
use domain::projects::rate_limit::RateLimit;
use domain::reports::confirmation::ConfirmationLimits;
use domain::return_urls::AppSchemes;
use domain::webhooks::address::AddressGuard;
use domain::webhooks::egress::DeployedIps;
use url::Url;

/// The configuration of the settings API.
#[derive(Debug, Clone)]
pub struct Config {
    /// The tables and the retention of their rows.
    pub store: StoreConfig,
    /// URL of the queue that webhook-sender reads.
    pub send_queue_url: String,
    /// Name or ARN of the secret that holds the key ring.
    pub key_ring_secret: String,
    /// Hashes of the operator keys.
    pub operator_keys: OperatorKeys,
    /// Scopes of the operator's product, which keys may carry.
    pub product_scopes: ProductScopes,
    /// Public URL of this API, without a trailing slash.
    pub api_base_url: String,
    /// Base URL of return links, without a trailing slash.
    pub redirect_base_url: String,
    /// Base URL of the console, without a trailing slash. Absent if the deployment has no console.
    pub console_base_url: Option<String>,
    /// Where to report security problems, such as `mailto:security@example.com`. Empty if the deployment names no contact.
    pub security_contacts: Vec<Url>,
    /// The proxy in front of this API, or none.
    pub proxy: TrustedProxy,
    /// App schemes that return URLs may use in addition to schemes in reverse-DNS form.
    pub app_schemes: AppSchemes,
    /// The addresses that webhooks come from.
    pub egress_ips: DeployedIps,
    /// Maximum number of calls of an API key, or of a console session, in ten seconds.
    pub rate_limit: RateLimit,
    /// Sender address of mails.
    pub mail_from: String,
    /// SES configuration set that reports bounces and complaints.
    pub mail_configuration_set: Option<String>,
    /// Daily limits of confirmation mails.
    pub confirmation_limits: ConfirmationLimits,
    /// Rules for the addresses of endpoints.
    pub address_guard: AddressGuard,
}

impl Config {
    /// Reads the configuration. An error names the missing or invalid variable.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreConfig::read(&var)?,
            send_queue_url: config::required(&var, "SEND_QUEUE_URL")?,
            key_ring_secret: config::required(&var, "KEY_RING_SECRET")?,
            operator_keys: config::parsed(&var, "OPERATOR_KEY_HASHES")?,
            product_scopes: config::parsed_or_empty(&var, "PRODUCT_SCOPES")?,
            api_base_url: config::base_url(&var, "API_BASE_URL")?,
            redirect_base_url: config::base_url(&var, "REDIRECT_BASE_URL")?,
            console_base_url: config::optional_base_url(&var, "CONSOLE_BASE_URL"),
            security_contacts: config::list(&var, "SECURITY_CONTACTS")?,
            proxy: TrustedProxy::read(&var)?,
            app_schemes: config::parsed_or_empty(&var, "ALLOWED_APP_SCHEMES")?,
            egress_ips: DeployedIps::of(
                config::list(&var, "EGRESS_IPS")?,
                config::list(&var, "EGRESS_IPV6_PREFIXES")?,
                config::list(&var, "ANNOUNCED_EGRESS_IPS")?,
            ),
            rate_limit: config::parsed(&var, "RATE_LIMIT")?,
            mail_from: config::required(&var, "MAIL_FROM")?,
            mail_configuration_set: config::optional(&var, "MAIL_CONFIGURATION_SET"),
            confirmation_limits: ConfirmationLimits {
                per_project: config::parsed(&var, "MAX_CONFIRMATIONS_PER_PROJECT")?,
                per_deployment: config::parsed(&var, "MAX_CONFIRMATIONS_PER_DAY")?,
            },
            address_guard: config::address_guard(&var)?,
        })
    }
}

//! Configuration of authorizer, read from environment variables.

use aws::lambda::config::{self, ConfigError};
use domain::projects::api_key::{ProductRoutes, ProductScope, ProductScopes};
use domain::projects::rate_limit::RateLimit;
use thiserror::Error;

/// The configuration of authorizer.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the table `settings`, which contains the API keys.
    pub settings_table: String,
    /// The tables and the retention of their rows. Call counts are in the table `activity`.
    pub activity_table: String,
    /// The scope that each route of the product needs.
    pub routes: ProductRoutes,
    /// Name of the header with the key, in lower case.
    pub key_header: String,
    /// Maximum number of calls of an API key in ten seconds.
    pub rate_limit: RateLimit,
}

/// A route that needs a scope which no key can have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("scope {0} of a route is not one of PRODUCT_SCOPES")]
struct UnknownScope(ProductScope);

impl Config {
    /// Reads the configuration. Fails with the name of the first variable that is missing or invalid.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let scopes: ProductScopes = config::parsed_or_empty(&var, "PRODUCT_SCOPES")?;
        let routes: ProductRoutes = config::parsed(&var, "PRODUCT_ROUTES")?;
        if let Some(unknown) = routes.scopes().find(|scope| !scopes.contain(scope)) {
            return Err(ConfigError::Bad("PRODUCT_ROUTES", Box::new(UnknownScope(unknown.clone()))));
        }
        Ok(Self {
            settings_table: config::required(&var, "SETTINGS_TABLE")?,
            activity_table: config::required(&var, "ACTIVITY_TABLE")?,
            routes,
            key_header: config::required(&var, "PRODUCT_KEY_HEADER")?.to_ascii_lowercase(),
            rate_limit: config::parsed(&var, "RATE_LIMIT")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scopes: &'static str, routes: &'static str) -> Result<Config, String> {
        let variables = move |name: &str| {
            let value = match name {
                "PRODUCT_SCOPES" => scopes,
                "PRODUCT_ROUTES" => routes,
                "PRODUCT_KEY_HEADER" => "X-Api-Key",
                _ => "30",
            };
            Some(value.to_owned())
        };
        Config::read(variables).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn every_scope_of_a_route_must_be_a_product_scope() {
        assert_eq!(read("submissions:read", "GET /a=submissions:read").unwrap().key_header, "x-api-key");
        assert_eq!(
            read("submissions:read", "GET /a=submissions:review").unwrap_err(),
            "variable PRODUCT_ROUTES cannot be used: scope submissions:review of a route is not one of PRODUCT_SCOPES"
        );
        assert_eq!(read("submissions:read", "").unwrap_err(), "variable PRODUCT_ROUTES is not set");
        assert!(read("events:read", "GET /a=events:read").unwrap_err().starts_with("variable PRODUCT_SCOPES"));
    }
}

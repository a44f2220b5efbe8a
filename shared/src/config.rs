//! Configuration: read once at start, by name, through a look-up that tests can stand in for.

use std::str::FromStr;

use thiserror::Error;
use url::Url;

use crate::address::AddressGuard;

/// A variable that stops a function from starting.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("variable {0} is not set")]
    Missing(&'static str),
    /// It is set to something that cannot be used. The value itself is not told: it may be a secret.
    #[error("variable {0} cannot be used")]
    Bad(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The process environment, to be given to a function's `Config::read`.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable that must be set.
pub fn required(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConfigError> {
    var(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}

/// A variable that need not be set.
pub fn optional(var: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    var(name).filter(|value| !value.is_empty())
}

/// A variable that must be set to a URL, which is taken without a slash at its end.
pub fn base_url(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConfigError> {
    Ok(required(var, name)?.trim_end_matches('/').to_owned())
}

/// A variable that must be set, parsed.
pub fn parsed<T>(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    parse(name, &required(var, name)?)
}

/// A variable whose absence means the empty text, parsed.
pub fn parsed_or_empty<T>(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    parse(name, &var(name).unwrap_or_default())
}

/// Where webhooks may go: exceptions in `ALLOWED_PRIVATE_RECEIVERS`, and not to our own `API_BASE_URL`, `REDIRECT_BASE_URL`
/// and `GATEWAY_URLS`.
pub fn address_guard(var: &impl Fn(&str) -> Option<String>) -> Result<AddressGuard, ConfigError> {
    let guard: AddressGuard = parsed_or_empty(var, "ALLOWED_PRIVATE_RECEIVERS")?;
    let mut own: Vec<Url> = list(var, "GATEWAY_URLS")?;
    own.extend([parsed(var, "API_BASE_URL")?, parsed(var, "REDIRECT_BASE_URL")?]);
    Ok(guard.with_own(&own))
}

/// A variable that lists values, separated by commas; none, if it is not set.
pub fn list<T>(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Vec<T>, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = var(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|value| !value.is_empty()).map(|value| parse(name, value)).collect()
}

fn parse<T>(name: &'static str, value: &str) -> Result<T, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    value.parse().map_err(|error| ConfigError::Bad(name, Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let error = required(&|_| None, "SETTINGS_TABLE").unwrap_err();
        assert_eq!(error.to_string(), "variable SETTINGS_TABLE is not set");
    }

    #[test]
    fn a_bad_variable_is_named_without_its_value() {
        let error = parsed::<u32>(&|_| Some("hunter2".to_owned()), "RETENTION_DAYS").unwrap_err();
        assert_eq!(error.to_string(), "variable RETENTION_DAYS cannot be used");
    }
}

//! Configuration from environment variables, read once at start through a look-up function that tests can replace.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::Url;

use domain::webhooks::address::AddressGuard;

/// An environment variable that stops a function from starting.
#[derive(Error)]
pub enum ConfigError {
    /// The variable is not set, or empty.
    #[error("variable {0} is not set")]
    Missing(&'static str),
    /// The value cannot be used. The error does not contain it, because it may be a secret.
    #[error("variable {0} cannot be used")]
    Bad(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes the error and its cause as a sentence, because the log shows an error that `main` returns in this form.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(_) => write!(f, "{self}"),
            Self::Bad(_, cause) => write!(f, "{self}: {cause}"),
        }
    }
}

/// Looks up a variable in the process environment. `main` passes this to the function's `Config::read`.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns a variable that must be set.
pub fn required(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConfigError> {
    var(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}

/// Returns a variable that may be missing.
pub fn optional(var: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    var(name).filter(|value| !value.is_empty())
}

/// Returns a URL that must be set, without a slash at its end.
pub fn base_url(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, ConfigError> {
    Ok(required(var, name)?.trim_end_matches('/').to_owned())
}

/// Returns a URL that may be missing, without a slash at its end.
pub fn optional_base_url(var: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    optional(var, name).map(|url| url.trim_end_matches('/').to_owned())
}

/// Parses a variable that must be set.
pub fn parsed<T>(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    parse(name, &required(var, name)?)
}

/// Parses a variable; a missing one counts as the empty string.
pub fn parsed_or_empty<T>(var: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    parse(name, &var(name).unwrap_or_default())
}

/// Builds the address guard. `ALLOWED_PRIVATE_RECEIVERS` lists exceptions; webhooks to the hosts of `API_BASE_URL`,
/// `REDIRECT_BASE_URL`, `CONSOLE_BASE_URL` and `GATEWAY_URLS` are refused.
pub fn address_guard(var: &impl Fn(&str) -> Option<String>) -> Result<AddressGuard, ConfigError> {
    let guard: AddressGuard = parsed_or_empty(var, "ALLOWED_PRIVATE_RECEIVERS")?;
    let mut own: Vec<Url> = list(var, "GATEWAY_URLS")?;
    own.extend([parsed(var, "API_BASE_URL")?, parsed(var, "REDIRECT_BASE_URL")?]);
    own.extend(list::<Url>(var, "CONSOLE_BASE_URL")?);
    Ok(guard.with_own_hosts(&own))
}

/// Parses a comma-separated list; a missing variable is an empty list.
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
    use domain::webhooks::endpoint::EndpointUrl;

    use super::*;

    #[test]
    fn webhooks_to_the_deployments_own_hosts_are_refused() {
        let guard_of = |console: &'static str| {
            let variables = move |name: &str| match name {
                "API_BASE_URL" => Some("https://api.example.com".to_owned()),
                "REDIRECT_BASE_URL" => Some("https://return.example.com".to_owned()),
                "CONSOLE_BASE_URL" => Some(console.to_owned()),
                _ => None,
            };
            address_guard(&variables).unwrap()
        };
        let is_accepted = |url: &str, console| EndpointUrl::parse(url, &guard_of(console)).is_ok();
        let urls = ["https://api.example.com/", "https://return.example.com/", "https://console.example.com/hook"];
        assert_eq!(urls.map(|url| is_accepted(url, "https://console.example.com")), [false, false, false]);
        // A deployment without a console.
        assert_eq!(urls.map(|url| is_accepted(url, "")), [false, false, true]);
    }

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

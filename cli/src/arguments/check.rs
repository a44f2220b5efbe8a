//! Options of `signpost check`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgGroup, Args};
use url::Url;

use super::duration;
use crate::config::{BaseUrl, ConfigError};

/// Options of `signpost check`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("where").args(["receiver", "listen"]).required(true))]
pub struct CheckOptions {
    /// Send the webhook to this receiver, which you run
    #[arg(long, value_name = "URL")]
    pub receiver: Option<Url>,
    /// Receive the webhook here, and verify its signature and source address
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// URL under which a tunnel makes the address of --listen public
    #[arg(long, value_name = "URL", requires = "listen", conflicts_with = "receiver")]
    pub public_url: Option<Url>,
    /// Add a notification user, who gets a mail that asks for confirmation
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Seconds to wait for the webhook
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = duration::seconds)]
    pub timeout: Duration,
}

impl CheckOptions {
    /// Fails if the deployment with this API cannot reach the receiver that the options ask for.
    pub(crate) fn check_reachable(&self, api: &BaseUrl) -> Result<(), ConfigError> {
        let is_private = self.listen.is_some() && self.public_url.is_none();
        if is_private && !api.is_local() { Err(ConfigError::NoPublicUrl) } else { Ok(()) }
    }
}

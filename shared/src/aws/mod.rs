//! The AWS edge: one module a service. No SDK type crosses it.

use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::SharedCredentialsProvider;

use crate::config::{self, ConfigError};

mod http;
#[cfg(feature = "mail")]
pub mod mail;
#[cfg(feature = "queue")]
pub mod queue;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "store")]
pub mod store;

/// What all clients share: region, the function's own credentials, and one pool of connections.
///
/// There is one client a service, made with the first call, for starts are in a hurry.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Services>);

#[derive(Debug)]
struct Services {
    sdk: SdkConfig,
    #[cfg(feature = "store")]
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    #[cfg(feature = "secrets")]
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
    #[cfg(feature = "mail")]
    ses: OnceLock<aws_sdk_sesv2::Client>,
    #[cfg(feature = "queue")]
    sqs: OnceLock<aws_sdk_sqs::Client>,
}

impl Aws {
    /// Reads what Lambda sets for every function. `AWS_ENDPOINT_URL` sends all calls elsewhere, as the local stack does.
    ///
    /// Lambda's credentials are always in the environment, so the long chain of other sources is left out: it costs
    /// start-up time and binary size.
    pub fn from_env(var: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let credentials = Credentials::new(
            config::required(var, "AWS_ACCESS_KEY_ID")?,
            config::required(var, "AWS_SECRET_ACCESS_KEY")?,
            var("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
            None,
            "environment",
        );
        Ok(Self::new(config::required(var, "AWS_REGION")?, credentials, var("AWS_ENDPOINT_URL")))
    }

    fn new(region: String, credentials: Credentials, endpoint_url: Option<String>) -> Self {
        let is_plain = endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http::client(is_plain));
        sdk.set_endpoint_url(endpoint_url);
        Self(Arc::new(Services {
            sdk: sdk.build(),
            #[cfg(feature = "store")]
            dynamodb: OnceLock::new(),
            #[cfg(feature = "secrets")]
            secrets_manager: OnceLock::new(),
            #[cfg(feature = "mail")]
            ses: OnceLock::new(),
            #[cfg(feature = "queue")]
            sqs: OnceLock::new(),
        }))
    }

    /// A service that runs on this machine, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn local(endpoint_url: String) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        Self::new("us-east-1".to_owned(), credentials, Some(endpoint_url))
    }

    #[cfg(feature = "store")]
    fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "secrets")]
    fn secrets_manager(&self) -> &aws_sdk_secretsmanager::Client {
        self.0.secrets_manager.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "mail")]
    fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.0.ses.get_or_init(|| {
            // A mail whose answer got lost may have been sent. Only who has claimed it decides whether it is sent again.
            let config = aws_sdk_sesv2::config::Builder::from(&self.0.sdk);
            let once = aws_sdk_sesv2::config::retry::RetryConfig::disabled();
            aws_sdk_sesv2::Client::from_conf(config.retry_config(once).build())
        })
    }

    #[cfg(feature = "queue")]
    fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.sdk))
    }
}

/// The cause that an SDK call gives for its failure.
type Cause = Box<dyn std::error::Error + Send + Sync>;

//! The clients of all services, which share their connections.

use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::SharedCredentialsProvider;

use crate::http;
use crate::lambda::config::{self, ConfigError};

/// Region, credentials and connections that all clients share.
///
/// Each service client is created on first use to keep cold starts short.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Services>);

#[derive(Debug)]
struct Services {
    sdk: SdkConfig,
    #[cfg(feature = "store")]
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    #[cfg(feature = "secrets")]
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
    #[cfg(feature = "ses")]
    ses: OnceLock<aws_sdk_sesv2::Client>,
    #[cfg(feature = "queue")]
    sqs: OnceLock<aws_sdk_sqs::Client>,
}

impl Aws {
    /// Reads the variables that Lambda sets for every function. `AWS_ENDPOINT_URL` redirects all calls, for example to an
    /// emulator.
    ///
    /// Lambda always provides credentials in the environment. The SDK's chain of other sources is left out because it costs
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
            #[cfg(feature = "ses")]
            ses: OnceLock::new(),
            #[cfg(feature = "queue")]
            sqs: OnceLock::new(),
        }))
    }

    /// Connects to services on this machine, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn local(endpoint_url: String) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        Self::new("us-east-1".to_owned(), credentials, Some(endpoint_url))
    }

    #[cfg(feature = "store")]
    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "secrets")]
    pub(crate) fn secrets_manager(&self) -> &aws_sdk_secretsmanager::Client {
        self.0.secrets_manager.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "ses")]
    pub(crate) fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.0.ses.get_or_init(|| {
            // A mail may have been sent although its response was lost. Only the run that claimed the mail decides whether to
            // send it again, so the SDK must not retry.
            let config = aws_sdk_sesv2::config::Builder::from(&self.0.sdk);
            let once = aws_sdk_sesv2::config::retry::RetryConfig::disabled();
            aws_sdk_sesv2::Client::from_conf(config.retry_config(once).build())
        })
    }

    #[cfg(feature = "queue")]
    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.sdk))
    }
}

/// The SDK's error behind a failed call.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

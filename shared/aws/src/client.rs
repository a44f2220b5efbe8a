//! The clients of all services, which share their connections.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
#[cfg(any(feature = "store", feature = "queue"))]
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::SharedCredentialsProvider;
#[cfg(any(feature = "store", feature = "queue"))]
use futures::FutureExt;

#[cfg(any(feature = "store", feature = "queue"))]
use crate::direct::DirectService;
use crate::http::Connections;
use crate::lambda::config::{self, ConfigError};

/// Region, credentials and connections that all clients share.
///
/// Each service client is created on first use to keep cold starts short.
#[derive(Debug, Clone)]
pub struct Aws(Arc<Services>);

/// How long calls to AWS may take. Without a limit, a connection on which no answer arrives holds a function until Lambda ends
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimeouts {
    /// For the direct attempt that some calls make before those of the SDK ([`crate::direct`]). A call with one takes at most this
    /// time and that of a call.
    direct: Duration,
    /// For one attempt of the SDK, with its connection. AWS answers within milliseconds; DynamoDB takes longest, for a page of
    /// 1 MB.
    attempt: Duration,
    /// For all attempts of the SDK, which are at most three, with the pauses between them.
    call: Duration,
}

impl CallTimeouts {
    /// For functions that Lambda ends after 5 or 10 s. The second attempt has time, and a caller gets an error instead of no
    /// answer.
    pub const SHORT: Self =
        Self { direct: Duration::from_secs(1), attempt: Duration::from_secs(2), call: Duration::from_secs(4) };

    /// For functions that Lambda ends after 30 s or more. All attempts have time.
    pub const LONG: Self =
        Self { direct: Duration::from_secs(2), attempt: Duration::from_secs(2), call: Duration::from_secs(8) };

    fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder().operation_attempt_timeout(self.attempt).operation_timeout(self.call).build()
    }
}

#[derive(Debug)]
struct Services {
    sdk: SdkConfig,
    #[cfg(any(feature = "store", feature = "queue"))]
    connections: Connections,
    #[cfg(any(feature = "store", feature = "queue"))]
    identity: Identity,
    #[cfg(any(feature = "store", feature = "queue", feature = "ses"))]
    timeouts: CallTimeouts,
    #[cfg(feature = "store")]
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    #[cfg(feature = "store")]
    direct_dynamodb: OnceLock<Option<DirectService>>,
    #[cfg(feature = "functions")]
    lambda: OnceLock<aws_sdk_lambda::Client>,
    #[cfg(feature = "secrets")]
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
    #[cfg(feature = "ses")]
    ses: OnceLock<aws_sdk_sesv2::Client>,
    #[cfg(feature = "queue")]
    sqs: OnceLock<aws_sdk_sqs::Client>,
    #[cfg(feature = "queue")]
    direct_sqs: OnceLock<Option<DirectService>>,
}

impl Aws {
    /// Reads the variables that Lambda sets for every function. `AWS_ENDPOINT_URL` redirects all calls, for example to an
    /// emulator. With `AWS_USE_DUALSTACK_ENDPOINT=true`, services other than `DynamoDB` are called at their endpoints with IPv6
    /// addresses.
    ///
    /// Lambda always provides credentials in the environment. The SDK's chain of other sources is left out because it costs
    /// start-up time and binary size.
    pub fn from_env(var: &impl Fn(&str) -> Option<String>, timeouts: CallTimeouts) -> Result<Self, ConfigError> {
        let credentials = Credentials::new(
            config::required(var, "AWS_ACCESS_KEY_ID")?,
            config::required(var, "AWS_SECRET_ACCESS_KEY")?,
            var("AWS_SESSION_TOKEN").filter(|token| !token.is_empty()),
            None,
            "environment",
        );
        let dual_stack = var("AWS_USE_DUALSTACK_ENDPOINT").is_some_and(|value| value == "true");
        let region = config::required(var, "AWS_REGION")?;
        Ok(Self::new(region, credentials, var("AWS_ENDPOINT_URL"), dual_stack, timeouts))
    }

    fn new(
        region: String,
        credentials: Credentials,
        endpoint_url: Option<String>,
        dual_stack: bool,
        timeouts: CallTimeouts,
    ) -> Self {
        let is_plain = endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
        let connections = Connections::new(is_plain);
        #[cfg(any(feature = "store", feature = "queue"))]
        let identity = Identity::from(credentials.clone());
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .timeout_config(timeouts.config())
            .use_dual_stack(dual_stack)
            // The timeouts end stalled calls too, and for less processor time.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(connections.clone());
        sdk.set_endpoint_url(endpoint_url);
        Self(Arc::new(Services {
            sdk: sdk.build(),
            #[cfg(any(feature = "store", feature = "queue"))]
            connections,
            #[cfg(any(feature = "store", feature = "queue"))]
            identity,
            #[cfg(any(feature = "store", feature = "queue", feature = "ses"))]
            timeouts,
            #[cfg(feature = "store")]
            dynamodb: OnceLock::new(),
            #[cfg(feature = "store")]
            direct_dynamodb: OnceLock::new(),
            #[cfg(feature = "functions")]
            lambda: OnceLock::new(),
            #[cfg(feature = "secrets")]
            secrets_manager: OnceLock::new(),
            #[cfg(feature = "ses")]
            ses: OnceLock::new(),
            #[cfg(feature = "queue")]
            sqs: OnceLock::new(),
            #[cfg(feature = "queue")]
            direct_sqs: OnceLock::new(),
        }))
    }

    /// Connects to services on this machine, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn local(endpoint_url: String) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        Self::new("us-east-1".to_owned(), credentials, Some(endpoint_url), false, CallTimeouts::LONG)
    }

    #[cfg(feature = "store")]
    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| {
            // The VPC's gateway endpoint is for the IPv4 addresses.
            let config = aws_sdk_dynamodb::config::Builder::from(&self.0.sdk).use_dual_stack(false).build();
            aws_sdk_dynamodb::Client::from_conf(config)
        })
    }

    /// DynamoDB for direct calls; `None` if its URL is not known without the SDK.
    #[cfg(feature = "store")]
    pub(crate) fn direct_dynamodb(&self) -> Option<&DirectService> {
        let service = self.0.direct_dynamodb.get_or_init(|| {
            use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().set_region(self.region()).set_endpoint(self.endpoint_url()).build().ok()?;
            let endpoint = DefaultResolver::new().resolve_endpoint(&params).now_or_never()?.ok()?;
            Some(self.direct(endpoint.url(), "dynamodb", "DynamoDB_20120810"))
        });
        service.as_ref()
    }

    /// SQS for direct calls; `None` if its URL is not known without the SDK.
    #[cfg(feature = "queue")]
    pub(crate) fn direct_sqs(&self) -> Option<&DirectService> {
        let service = self.0.direct_sqs.get_or_init(|| {
            use aws_sdk_sqs::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().set_region(self.region()).set_endpoint(self.endpoint_url());
            let params = params.set_use_dual_stack(self.0.sdk.use_dual_stack()).build().ok()?;
            let endpoint = DefaultResolver::new().resolve_endpoint(&params).now_or_never()?.ok()?;
            Some(self.direct(endpoint.url(), "sqs", "AmazonSQS"))
        });
        service.as_ref()
    }

    #[cfg(any(feature = "store", feature = "queue"))]
    fn direct(&self, url: &str, name: &'static str, target: &'static str) -> DirectService {
        DirectService {
            connections: self.0.connections.clone(),
            identity: self.0.identity.clone(),
            region: self.region().unwrap_or_default(),
            timeout: self.0.timeouts.direct,
            url: format!("{}/", url.trim_end_matches('/')),
            name,
            target,
        }
    }

    #[cfg(any(feature = "store", feature = "queue"))]
    fn region(&self) -> Option<String> {
        self.0.sdk.region().map(ToString::to_string)
    }

    #[cfg(any(feature = "store", feature = "queue"))]
    fn endpoint_url(&self) -> Option<String> {
        self.0.sdk.endpoint_url().map(str::to_owned)
    }

    #[cfg(feature = "functions")]
    pub(crate) fn lambda(&self) -> &aws_sdk_lambda::Client {
        self.0.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "secrets")]
    pub(crate) fn secrets_manager(&self) -> &aws_sdk_secretsmanager::Client {
        self.0.secrets_manager.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.0.sdk))
    }

    #[cfg(feature = "ses")]
    pub(crate) fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.0.ses.get_or_init(|| {
            // A mail may have been sent although its response was lost. Only the run that claimed the mail decides whether to
            // send it again, so the SDK must not retry. The only attempt gets all the time of a call.
            let config = aws_sdk_sesv2::config::Builder::from(&self.0.sdk);
            let once = aws_sdk_sesv2::config::retry::RetryConfig::disabled();
            let timeouts = CallTimeouts { attempt: self.0.timeouts.call, ..self.0.timeouts };
            let config = config.retry_config(once).timeout_config(timeouts.config());
            aws_sdk_sesv2::Client::from_conf(config.build())
        })
    }

    #[cfg(feature = "queue")]
    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.sdk))
    }
}

/// The SDK's error behind a failed call.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

#[cfg(all(test, feature = "store", feature = "queue", feature = "secrets", feature = "ses"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic fails the test")]

    use std::net::TcpListener;

    use tokio::time::Instant;

    use super::*;

    /// A service that accepts connections and never answers.
    struct SilentService {
        listener: TcpListener,
        aws: Aws,
    }

    impl SilentService {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let aws = Aws::local(format!("http://{}", listener.local_addr().unwrap()));
            Self { listener, aws }
        }

        /// Returns how often the call was attempted, and how long it took, until it failed.
        async fn attempts_of<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> (usize, Duration) {
            let started_at = Instant::now();
            assert!(call.await.is_err());
            (std::iter::from_fn(|| self.listener.accept().ok()).count(), started_at.elapsed())
        }
    }

    // The time is paused, and advances to the next timeout when nothing else is left to do.
    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_is_asked_three_times_and_does_not_hold_its_caller() {
        let service = SilentService::start();
        let (dynamodb, secrets) = (service.aws.dynamodb(), service.aws.secrets_manager());
        for (attempts, took) in [
            service.attempts_of(dynamodb.list_tables().send()).await,
            service.attempts_of(service.aws.sqs().list_queues().send()).await,
            service.attempts_of(secrets.get_secret_value().secret_id("key-ring").send()).await,
        ] {
            assert_eq!(attempts, 3);
            assert!(took >= Duration::from_secs(6) && took <= CallTimeouts::LONG.call, "{took:?}");
        }
    }

    #[test]
    fn sqs_has_ipv6_addresses_at_the_dual_stack_endpoint_and_dynamodb_keeps_its_gateway_endpoint() {
        let urls = |dual_stack: Option<&str>| {
            let var = |name: &str| match name {
                "AWS_REGION" => Some("eu-central-1".to_owned()),
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
                "AWS_USE_DUALSTACK_ENDPOINT" => dual_stack.map(str::to_owned),
                _ => None,
            };
            let aws = Aws::from_env(&var, CallTimeouts::LONG).unwrap();
            [aws.direct_sqs().unwrap().url.clone(), aws.direct_dynamodb().unwrap().url.clone()]
        };
        let dynamodb = "https://dynamodb.eu-central-1.amazonaws.com/";
        assert_eq!(urls(Some("true")), ["https://sqs.eu-central-1.api.aws/", dynamodb]);
        for off in [Some("false"), None] {
            assert_eq!(urls(off), ["https://sqs.eu-central-1.amazonaws.com/", dynamodb]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_direct_call_is_attempted_once_and_leaves_time_for_those_of_the_sdk() {
        let service = SilentService::start();
        let direct = service.aws.direct_sqs().unwrap();
        let call = async { direct.attempt::<()>("ListQueues", &()).await.ok_or(()) };
        let (attempts, took) = service.attempts_of(call).await;
        assert_eq!((attempts, took.as_secs()), (1, CallTimeouts::LONG.direct.as_secs()));
        let short = CallTimeouts::SHORT;
        assert!(short.direct + short.call <= Duration::from_secs(5), "the function is ended before it can answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_is_attempted_once_and_gets_the_time_of_a_call() {
        let service = SilentService::start();
        let (attempts, took) = service.attempts_of(service.aws.ses().get_account().send()).await;
        assert_eq!((attempts, took.as_secs()), (1, CallTimeouts::LONG.call.as_secs()));
    }
}

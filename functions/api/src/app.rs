//! The state that all handlers share: configuration, stores, queue, mailer, key ring, clock and random source.

use std::sync::Arc;
use std::time::Duration;

use aws::Aws;
use aws::api_keys::{ApiKeyCache, CallLimiter};
use aws::queue::Queue;
use aws::secrets::KeyRingSecret;
use aws::ses::Mailer;
use aws::store::Store;
use domain::foundation::cache::Cache;
use domain::foundation::clock::Clock;
use domain::foundation::id::ProjectId;
use domain::foundation::random::Random;
use domain::projects::project::Project;
use domain::webhooks::egress::EgressIps;

use crate::config::Config;
use crate::endpoints::host_names::{HostNames, SystemHostNames};
use crate::events::subscriptions::{self, Subscriptions};
use crate::http::api_error::ApiError;

/// Maximum time that a caller waits for the result of a test send. Lambda ends the function after 10 s.
const TEST_RESULT_TIMEOUT: Duration = Duration::from_secs(8);

/// Maximum time that a caller waits for a report to be built. Lambda ends the function after 10 s.
const REPORT_TIMEOUT: Duration = Duration::from_secs(7);

/// How long an instance uses a list of egress IPs that it has read.
const EGRESS_IPS_MAX_AGE: Duration = Duration::from_mins(1);

/// Time between two looks for news while a call of the feed waits.
const FEED_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The state that all handlers share. Cloning it is cheap.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services behind the API.
pub struct Services {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) api_keys: ApiKeyCache,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) call_limiter: CallLimiter,
    pub(crate) send_queue: Queue,
    pub(crate) mailer: Mailer,
    pub(crate) key_ring: KeyRingSecret,
    pub(crate) egress_ips: Cache<(), Arc<EgressIps>>,
    pub(crate) host_names: Arc<dyn HostNames>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) test_result_timeout: Duration,
    pub(crate) report_timeout: Duration,
    pub(crate) feed_poll_interval: Duration,
}

impl App {
    /// Creates the state. Clients connect with their first call, to keep cold starts short.
    pub fn new(
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let store = Store::new(aws, &config.store);
        Self(Arc::new(Services {
            api_keys: ApiKeyCache::new(store.api_keys.clone()),
            subscriptions: Subscriptions::new(store.projects.clone(), Arc::clone(&clock), subscriptions::MAX_AGE),
            call_limiter: CallLimiter::new(config.rate_limit, store.quotas.clone()),
            store,
            send_queue: Queue::new(aws, &config.send_queue_url),
            mailer: Mailer::new(aws, &config.mail_from, config.mail_configuration_set.clone()),
            key_ring,
            egress_ips: Cache::new(EGRESS_IPS_MAX_AGE, 1),
            host_names: Arc::new(SystemHostNames),
            config,
            clock,
            random,
            test_result_timeout: TEST_RESULT_TIMEOUT,
            report_timeout: REPORT_TIMEOUT,
            feed_poll_interval: FEED_POLL_INTERVAL,
        }))
    }

    /// Resolves host names with `host_names` instead of the resolver of the operating system.
    #[must_use]
    pub fn with_host_names(mut self, host_names: Arc<dyn HostNames>) -> Self {
        self.services().host_names = host_names;
        self
    }

    /// Sets the maximum time that a caller waits for the result of a test send.
    #[must_use]
    pub fn with_test_result_timeout(mut self, timeout: Duration) -> Self {
        self.services().test_result_timeout = timeout;
        self
    }

    /// Sets the maximum time that a caller waits for a report to be built.
    #[must_use]
    pub fn with_report_timeout(mut self, timeout: Duration) -> Self {
        self.services().report_timeout = timeout;
        self
    }

    /// Sets the time between two looks for news while a call of the feed waits.
    #[must_use]
    pub fn with_feed_poll_interval(mut self, interval: Duration) -> Self {
        self.services().feed_poll_interval = interval;
        self
    }

    /// Sets how long subscriptions are cached. Zero turns the cache off.
    #[must_use]
    pub fn with_subscription_age(mut self, max_age: Duration) -> Self {
        let services = self.services();
        let (projects, clock) = (services.store.projects.clone(), Arc::clone(&services.clock));
        services.subscriptions = Subscriptions::new(projects, clock, max_age);
        self
    }

    /// Loads a project. Fails with 404 if it does not exist, because an operator key gives access to any id.
    pub(crate) async fn existing_project(&self, id: ProjectId) -> Result<Project, ApiError> {
        self.store.projects.get(id).await?.ok_or(ApiError::NotFound("project"))
    }

    fn services(&mut self) -> &mut Services {
        Arc::get_mut(&mut self.0).expect("the app is configured before it is cloned")
    }
}

impl std::ops::Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

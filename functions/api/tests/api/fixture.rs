//! The API on an empty database, with a fake queue and a clock that stands still until a test advances it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use api::{Addresses, App, Config, HostNames, paths, router};
use aws::Aws;
use aws::queue::testing::FakeQueue;
use aws::secrets::KeyRingSecret;
use aws::store::LinkClaim;
use aws::store::testing::{ACTIVITY, Database, SETTINGS};
use domain::foundation::clock::{Clock, ManualClock};
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use domain::projects::console::{ConsoleLink, ConsoleSession, Role};
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::event::{Event, EventData, EventType};
use serde_json::json;

use crate::client::{Client, Resource};

/// The time on the clock when the API starts.
pub(crate) const NOW: &str = "2026-11-22T08:30:00.000Z";

/// A valid id. All resources have other ids.
pub(crate) const UNKNOWN_ID: &str = "019ab5e0-0000-7000-8000-000000000000";

/// The key ring that the API starts with.
pub(crate) const KEY_RING: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;

/// How a test starts the API.
pub(crate) struct Options {
    /// Maximum number of calls of an API key in ten seconds.
    pub(crate) rate_limit: u32,
    /// Maximum number of confirmation mails per day of a project, and of the deployment.
    pub(crate) confirmation_limits: [u32; 2],
    /// The key ring as JSON.
    pub(crate) key_ring: &'static str,
    /// Comma-separated hashes of the secrets that the proxy in front of the API sends. Empty: there is no proxy.
    pub(crate) proxy_secret_hashes: String,
    /// Base URL of the console. Empty: the deployment has no console.
    pub(crate) console_base_url: &'static str,
    /// Where to report security problems, separated by commas. Empty: nowhere.
    pub(crate) security_contacts: &'static str,
    /// Whether calls to SQS and SES succeed.
    pub(crate) has_queue: bool,
    pub(crate) test_result_timeout: Duration,
    pub(crate) report_timeout: Duration,
    /// How long subscriptions are cached. Zero: not at all.
    pub(crate) subscription_age: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate_limit: 1000,
            confirmation_limits: [50, 1000],
            key_ring: KEY_RING,
            proxy_secret_hashes: String::new(),
            console_base_url: "https://console.example",
            security_contacts: "mailto:security@example.com",
            has_queue: true,
            test_result_timeout: Duration::from_secs(8),
            report_timeout: Duration::from_mins(1),
            subscription_age: Duration::ZERO,
        }
    }
}

/// The running API. It dereferences to the operator's client.
pub(crate) struct TestApi {
    operator: Client,
    pub(crate) operator_key: ApiKey,
    /// The paths of all routes.
    pub(crate) paths: Vec<&'static str>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Database,
    pub(crate) queue: FakeQueue,
}

impl TestApi {
    pub(crate) async fn start() -> Self {
        Self::start_with(&Options::default()).await
    }

    /// Starts the API and creates a project.
    pub(crate) async fn with_project() -> (Self, Resource) {
        let api = Self::start().await;
        let project = api.create_project().await;
        (api, project)
    }

    /// Starts the API and creates a project with an endpoint.
    pub(crate) async fn with_endpoint() -> (Self, Resource, Resource) {
        let (api, project) = Self::with_project().await;
        let endpoint = project.create_endpoint().await;
        (api, project, endpoint)
    }

    pub(crate) async fn start_with(options: &Options) -> Self {
        let store = Database::start().await;
        let queue = FakeQueue::in_front_of(&store).await;
        let operator_key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        let clock = Arc::new(ManualClock::new(now()));
        let (operator, paths) = serve(options, &operator_key, &clock, &store, &queue);
        Self { operator, operator_key, paths, clock, store, queue }
    }

    /// Starts the API again with other options. Database, queue and clock stay. Clients of the old API do not change.
    pub(crate) fn restart_with(self, options: &Options) -> Self {
        let (operator, paths) = serve(options, &self.operator_key, &self.clock, &self.store, &self.queue);
        Self { operator, paths, ..self }
    }

    /// Mints a console link for a user with this role and opens it, as the console does. Returns the session, and a client of the
    /// project that calls as the console does for this session.
    pub(crate) async fn open_console(&self, project: &Client, role: Role) -> (ConsoleSession, Client) {
        let link = json!({"user": {"id": "u1", "name": "Ada"}, "role": role});
        let link = project.post("/console-links", link).await.expect(201);
        let session = self.opened(link["url"].as_str().unwrap());
        let claim = self.store.console_sessions.claim(session.clone(), "nonce").await.unwrap();
        assert_eq!(claim, LinkClaim::Claimed);
        let client = project.in_session(&session);
        (session, client)
    }

    /// The session that this console link opens now.
    pub(crate) fn opened(&self, url: &str) -> ConsoleSession {
        let (_, token) = url.rsplit_once('/').unwrap();
        let now = self.clock.now();
        ConsoleLink::open(token, &key_ring(KEY_RING), now).unwrap().session(now)
    }

    /// Stores an event without queueing its deliveries.
    pub(crate) async fn store_event(
        &self,
        event_type: EventType,
        created_at: Timestamp,
        project_id: ProjectId,
        endpoints: &[EndpointId],
    ) -> Event {
        let id = EventId::new(created_at, &SystemRandom);
        let data = EventData::try_from("{}".to_owned()).unwrap();
        let event =
            Event { id, project_id, event_type, submission_id: None, sequence: None, occurred_at: created_at, data };
        self.store.events.put(&event, endpoints).await.unwrap();
        event
    }
}

impl Deref for TestApi {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.operator
    }
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn key_ring(json: &str) -> KeyRing {
    KeyRing::from_json(json).unwrap()
}

/// A first attempt. It has failed if there is a reason.
pub(crate) fn attempt(reason: Option<FailureReason>) -> Attempt {
    Attempt { number: 1, at: now(), duration_ms: 9, phases: Phases::default(), status: None, reason, response: None }
}

/// Returns the operator's client and the paths of all routes.
fn serve(
    options: &Options,
    operator_key: &ApiKey,
    clock: &Arc<ManualClock>,
    store: &Database,
    queue: &FakeQueue,
) -> (Client, Vec<&'static str>) {
    let aws = if options.has_queue { queue.aws() } else { store.aws() };
    let app = app(options, operator_key, clock, aws);
    let paths = paths(&app);
    (Client::new(router(app), operator_key.expose()), paths)
}

/// The app on the services in `aws`.
pub(crate) fn app(options: &Options, operator_key: &ApiKey, clock: &Arc<ManualClock>, aws: &Aws) -> App {
    let key_ring = KeyRingSecret::known(key_ring(options.key_ring));
    App::new(config(options, operator_key), aws, key_ring, clock.clone(), Arc::new(SystemRandom))
        .with_host_names(Arc::new(FakeHostNames))
        .with_test_result_timeout(options.test_result_timeout)
        .with_report_timeout(options.report_timeout)
        .with_subscription_age(options.subscription_age)
        .with_feed_poll_interval(Duration::from_millis(20))
}

pub(crate) fn config(options: &Options, operator_key: &ApiKey) -> Config {
    let variables = |name: &str| {
        let value = match name {
            "SETTINGS_TABLE" => SETTINGS,
            "ACTIVITY_TABLE" => ACTIVITY,
            "RETENTION_DAYS" => "30",
            "RATE_LIMIT" => return Some(options.rate_limit.to_string()),
            "MAX_CONFIRMATIONS_PER_PROJECT" => return Some(options.confirmation_limits[0].to_string()),
            "MAX_CONFIRMATIONS_PER_DAY" => return Some(options.confirmation_limits[1].to_string()),
            "SEND_QUEUE_URL" => "http://127.0.0.1:1/000000000000/send",
            "OPERATOR_KEY_HASHES" => return Some(operator_key.hash().to_string()),
            "API_BASE_URL" => "https://api.signpost.example.com",
            "REDIRECT_BASE_URL" => "https://return.example",
            "CONSOLE_BASE_URL" => options.console_base_url,
            "SECURITY_CONTACTS" => options.security_contacts,
            "EGRESS_IPS" => "198.51.100.1, 198.51.100.2",
            "EGRESS_IPV6_PREFIXES" => "2001:db8::/56",
            "ANNOUNCED_EGRESS_IPS" => "198.51.100.3@2027-01-31",
            "PROXY_SECRET_HASHES" => return Some(options.proxy_secret_hashes.clone()),
            "PRODUCT_SCOPES" => "submissions:read,submissions:review",
            "ALLOWED_APP_SCHEMES" => "yourapp",
            "ALLOWED_PRIVATE_RECEIVERS" | "GATEWAY_URLS" | "PROXY_ADDRESS_HEADER" | "PROXY_HOPS" => return None,
            _ => "unused@example.com",
        };
        Some(value.to_owned())
    };
    Config::read(variables).unwrap()
}

/// Resolves one private and one public host. Other hosts have no address.
struct FakeHostNames;

impl HostNames for FakeHostNames {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        let addresses: &[&str] = match host {
            "private.example.com" => &["1.1.1.1", "10.0.0.1"],
            "public.example.com" => &["1.1.1.1", "2606:4700::1111"],
            _ => &[],
        };
        Box::pin(async { addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect() })
    }
}

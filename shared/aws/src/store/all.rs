//! All stores of one deployment, for functions that work with both tables.

use super::api_keys::ApiKeyStore;
use super::audit::AuditStore;
use super::console_sessions::ConsoleSessionStore;
use super::deliveries::DeliveryStore;
use super::digest::DigestStore;
use super::egress_ips::EgressIpsStore;
use super::endpoints::EndpointStore;
use super::events::EventStore;
use super::health::HealthStore;
use super::idempotency::IdempotencyStore;
use super::link_keys::LinkKeyStore;
use super::mails::MailStore;
use super::notification_users::UserStore;
use super::pace::PaceStore;
use super::probes::ProbeStore;
use super::projects::ProjectStore;
use super::quotas::QuotaStore;
use super::replays::ReplayStore;
use super::reports::ReportStore;
use super::retention::Retention;
use super::return_urls::ReturnUrlStore;
use super::suppressions::SuppressionStore;
use super::sweep::SweepStore;
use crate::client::Aws;
use crate::lambda::config::{self, ConfigError};
use domain::webhooks::handshake::Handshake;
use domain::webhooks::test_send::TestSend;

/// The tables, and how long their rows are kept.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Name of the table `settings`.
    pub settings_table: String,
    /// Name of the table `activity`.
    pub activity_table: String,
    /// How long events and deliveries are kept.
    pub retention: Retention,
}

impl StoreConfig {
    /// Reads `SETTINGS_TABLE`, `ACTIVITY_TABLE` and `RETENTION_DAYS`.
    pub fn read(var: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            settings_table: config::required(var, "SETTINGS_TABLE")?,
            activity_table: config::required(var, "ACTIVITY_TABLE")?,
            retention: config::parsed(var, "RETENTION_DAYS")?,
        })
    }
}

/// One store per area. Cloning it is cheap.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the type of each field describes it")]
pub struct Store {
    pub projects: ProjectStore,
    pub audit: AuditStore,
    pub api_keys: ApiKeyStore,
    pub endpoints: EndpointStore,
    pub return_urls: ReturnUrlStore,
    pub users: UserStore,
    pub suppressions: SuppressionStore,
    pub link_keys: LinkKeyStore,
    pub console_sessions: ConsoleSessionStore,
    pub events: EventStore,
    pub deliveries: DeliveryStore,
    pub sweep: SweepStore,
    pub health: HealthStore,
    pub pace: PaceStore,
    pub replays: ReplayStore,
    pub reports: ReportStore,
    pub test_sends: ProbeStore<TestSend>,
    pub handshakes: ProbeStore<Handshake>,
    pub idempotency: IdempotencyStore,
    pub quotas: QuotaStore,
    pub mails: MailStore,
    pub digest: DigestStore,
    pub egress_ips: EgressIpsStore,
}

impl Store {
    /// Opens all stores. No call is made before the first read or write.
    pub fn new(aws: &Aws, config: &StoreConfig) -> Self {
        let StoreConfig { settings_table, activity_table, retention } = config;
        Self {
            projects: ProjectStore::new(aws, settings_table),
            audit: AuditStore::new(aws, settings_table),
            api_keys: ApiKeyStore::new(aws, settings_table),
            endpoints: EndpointStore::new(aws, settings_table),
            return_urls: ReturnUrlStore::new(aws, settings_table),
            users: UserStore::new(aws, settings_table),
            suppressions: SuppressionStore::new(aws, settings_table),
            link_keys: LinkKeyStore::new(aws, settings_table),
            console_sessions: ConsoleSessionStore::new(aws, settings_table),
            events: EventStore::new(aws, activity_table, *retention),
            deliveries: DeliveryStore::new(aws, activity_table, *retention),
            sweep: SweepStore::new(aws, activity_table),
            health: HealthStore::new(aws, activity_table),
            pace: PaceStore::new(aws, activity_table),
            replays: ReplayStore::new(aws, activity_table, *retention),
            reports: ReportStore::new(aws, activity_table, *retention),
            test_sends: ProbeStore::new(aws, activity_table),
            handshakes: ProbeStore::new(aws, activity_table),
            idempotency: IdempotencyStore::new(aws, activity_table),
            quotas: QuotaStore::new(aws, activity_table),
            mails: MailStore::new(aws, activity_table, *retention),
            digest: DigestStore::new(aws, activity_table),
            egress_ips: EgressIpsStore::new(aws, settings_table),
        }
    }
}

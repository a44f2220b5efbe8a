//! Every key of the two tables: partitions, sort keys, and the keys of the sparse indexes.
//!
//! The table of rows in [`super`] lists what these functions build.

use domain::foundation::id::{
    ApiKeyId, DeliveryId, EndpointId, EventId, NotificationUserId, ProjectId, ReplayId, ReturnLinkId,
};
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::rate_limit::Window;
use domain::reports::email_address::AddressHash;
use domain::reports::suppression::SuppressionScope;
use domain::webhooks::event::SubmissionId;
use serde::{Deserialize, Serialize};

/// The sort key of a project's own row. It sorts after the project's endpoints and before its return URL, so that one range
/// query reads the project with either.
pub(super) const PROJECT: &str = "meta";
pub(super) const RETURN_URL: &str = "return-url";
pub(super) const SECRET_KEYS: &str = "return-url-keys";
pub(super) const KEY_PAIRS: &str = "signing-keys";
pub(super) const ENDPOINT_PREFIX: &str = "endpoint#";
pub(super) const USER_PREFIX: &str = "user#";
pub(super) const API_KEY_PREFIX: &str = "key#";
pub(super) const AUDIT_PREFIX: &str = "entry#";
pub(super) const EVENT_PREFIX: &str = "event#";
pub(super) const DELIVERY_PREFIX: &str = "delivery#";
pub(super) const REPLAY_PREFIX: &str = "replay#";
pub(super) const SUPPRESSION_PREFIX: &str = "suppression#";
/// The sort key of the row that names a project's running replay.
pub(super) const RUNNING_REPLAY: &str = "running";
pub(super) const IDEMPOTENCY: &str = "idempotency";
pub(super) const USED_LINK: &str = "link";
pub(super) const REPORT: &str = "report";
pub(super) const LINK_KEY: &str = "key";
/// The sort key of a row that counts all confirmation mails.
const CONFIRMATIONS: &str = "all";
/// The partition and sort key of the row that says how far the daily run has come.
pub(super) const DIGEST_PROGRESS: (&str, &str) = ("digest", "progress");

/// Kinds of rows that the index `kind` lists.
pub(super) const PROJECT_KIND: &str = "project";
pub(super) const USER_KIND: &str = "notification-user";

/// The partition of a project's settings.
pub(super) fn settings(project: ProjectId) -> String {
    format!("project#{project}")
}

pub(super) fn endpoint(id: EndpointId) -> String {
    format!("{ENDPOINT_PREFIX}{id}")
}

pub(super) fn user(id: NotificationUserId) -> String {
    format!("{USER_PREFIX}{id}")
}

/// The list key of a notification user. It starts with the project, so that the index lists the users of a project together.
pub(super) fn user_in_list(project: ProjectId, id: NotificationUserId) -> String {
    format!("{project}#{id}")
}

/// API keys have a partition of their own, so that the role of webhook-sender can exclude them.
pub(super) fn api_keys(project: ProjectId) -> String {
    format!("api-keys#{project}")
}

pub(super) fn api_key(id: ApiKeyId) -> String {
    format!("{API_KEY_PREFIX}{id}")
}

/// The key of a project's links in mails has a partition of its own, so that only the functions that send mails and serve links
/// can read it.
pub(super) fn link_key(project: ProjectId) -> (String, String) {
    (format!("mail-link-key#{project}"), LINK_KEY.to_owned())
}

/// The partition of an address in the suppression list. It does not belong to a project.
pub(super) fn suppressed(address: &AddressHash) -> String {
    format!("suppressed#{}", address.as_str())
}

/// The row of an entry of the suppression list.
pub(super) fn suppression(scope: &SuppressionScope) -> (String, String) {
    let project = scope.project.map(|project| format!("#{project}")).unwrap_or_default();
    (suppressed(&scope.address), format!("{SUPPRESSION_PREFIX}{}{project}", scope.reason))
}

/// The row that says when the operator removed the entries of an address.
pub(super) fn lifted_suppression(address: &AddressHash) -> (String, String) {
    (suppressed(address), format!("{SUPPRESSION_PREFIX}lifted"))
}

/// The audit log has a partition of its own, so that the role of webhook-sender can exclude it.
pub(super) fn audit(project: ProjectId) -> String {
    format!("audit#{project}")
}

/// Padded to the digits of the largest number, so that keys sort like numbers.
pub(super) fn audit_entry(number: u64) -> String {
    format!("{AUDIT_PREFIX}{number:020}")
}

/// The partition of a project's events, deliveries and mails of one UTC day.
pub(super) fn day(project: ProjectId, day: UtcDay) -> String {
    format!("{project}#{day}")
}

pub(super) fn event(id: EventId) -> String {
    format!("{EVENT_PREFIX}{id}")
}

pub(super) fn event_row(project: ProjectId, id: EventId) -> (String, String) {
    (day(project, id.day()), event(id))
}

pub(super) fn delivery_row(project: ProjectId, id: DeliveryId) -> (String, String) {
    (day(project, id.event.day()), format!("{DELIVERY_PREFIX}{}#{}", id.event, id.endpoint))
}

/// The key of the index `submission`.
pub(super) fn submission(project: ProjectId, submission: &SubmissionId) -> String {
    format!("{project}#{}", submission.as_str())
}

pub(super) fn health_row(project: ProjectId, id: EndpointId) -> (String, String) {
    (format!("{project}#health"), endpoint(id))
}

pub(super) fn replays(project: ProjectId) -> String {
    format!("{project}#replays")
}

pub(super) fn replay(id: ReplayId) -> String {
    format!("{REPLAY_PREFIX}{id}")
}

pub(super) fn test_row(project: ProjectId, id: EventId) -> (String, String) {
    (format!("{project}#tests"), format!("test#{id}"))
}

/// The row that counts a project's tests of one minute since 1970.
pub(super) fn test_quota_row(project: ProjectId, minute: i64) -> (String, String) {
    (format!("{project}#tests"), format!("minute#{minute}"))
}

/// The row that counts a project's confirmation mails to a person on a day.
pub(super) fn person_quota_row(project: ProjectId, day: UtcDay, person: &AddressHash) -> (String, String) {
    (confirmations(project, day), person.as_str().to_owned())
}

/// The row that counts all confirmation mails of a project on a day.
pub(super) fn project_quota_row(project: ProjectId, day: UtcDay) -> (String, String) {
    (confirmations(project, day), CONFIRMATIONS.to_owned())
}

/// The row that counts all confirmation mails of the deployment on a day.
pub(super) fn deployment_quota_row(day: UtcDay) -> (String, String) {
    (format!("confirmations#{day}"), CONFIRMATIONS.to_owned())
}

fn confirmations(project: ProjectId, day: UtcDay) -> String {
    format!("{project}#confirmations#{day}")
}

/// The row of a project's running slow read.
pub(super) fn slow_read_row(project: ProjectId) -> (String, String) {
    (format!("{project}#slow-read"), "lease".to_owned())
}

pub(super) fn call_count_row(key: ApiKeyId, window: Window) -> (String, String) {
    (format!("calls#{key}"), window.starts_at().to_string())
}

/// `owner` is a project, or a name for requests without one.
pub(super) fn idempotency(owner: &str, hash: &str) -> String {
    format!("{owner}#idempotency#{hash}")
}

pub(super) fn used_link(link: ReturnLinkId) -> String {
    format!("used-link#{link}")
}

/// Number of shards of the index `due`. Each takes a thousand writes a second.
pub const SHARDS: u8 = 16;

/// Puts a row into the sparse index `due`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SweepKeys {
    pub(super) due_shard: String,
    pub(super) sweep_at: i64,
}

impl SweepKeys {
    /// `id` is a `UUIDv7`. Its last byte is random, so rows spread evenly over the shards.
    pub(super) fn new(id: &[u8; 16], sweep_at: Timestamp) -> Self {
        Self { due_shard: shard(id[15] % SHARDS), sweep_at: sweep_at.as_millis() }
    }
}

/// The key of one shard of the index `due`.
pub(super) fn shard(number: u8) -> String {
    format!("{number:02}")
}

/// Puts a delivery into the sparse index `held`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldKeys {
    held_for: EndpointId,
    held_at: i64,
}

impl HeldKeys {
    pub(super) fn new(endpoint: EndpointId, held_at: Timestamp) -> Self {
        Self { held_for: endpoint, held_at: held_at.as_millis() }
    }
}

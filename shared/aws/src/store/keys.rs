//! Every key of the two tables: partitions, sort keys, and the keys of the sparse indexes.
//!
//! The table of rows in [`super`] lists what these functions build.

use std::time::Duration;

use domain::foundation::id::{
    ApiKeyId, ConsoleSessionId, DeliveryId, EndpointId, EventId, LateEntryId, NotificationUserId, ProjectId, ReplayId,
    ReturnLinkId,
};
use domain::foundation::random::Random;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::projects::rate_limit::Window;
use domain::reports::email_address::AddressHash;
use domain::reports::report::ReportJob;
use domain::reports::suppression::SuppressionScope;
use domain::webhooks::delivery::Position;
use domain::webhooks::endpoint::Pace;
use domain::webhooks::event::SubmissionId;
use domain::webhooks::replay::EventPosition;
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
const REVOKED_KEY_PREFIX: &str = "revoked#";
pub(super) const AUDIT_PREFIX: &str = "entry#";
pub(super) const EVENT_PREFIX: &str = "event#";
pub(super) const DELIVERY_PREFIX: &str = "delivery#";
pub(super) const LATE_PREFIX: &str = "late#";
pub(super) const LATE_ENTRY_PREFIX: &str = "late-entry#";
/// The sort key of the row that numbers the events of a submission.
pub(super) const NUMBERING: &str = "numbering";
pub(super) const BACKLOG_PREFIX: &str = "backlog#";
pub(super) const REPLAY_PREFIX: &str = "replay#";
pub(super) const CONSOLE_SESSION_PREFIX: &str = "session#";
/// The sort key of the row that says which console sessions of a project were ended together.
pub(super) const ENDED_SESSIONS: &str = "ended";
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
pub(super) const EGRESS_IPS: (&str, &str) = ("egress-ips", "list");

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

/// What is kept of a revoked key. It sorts apart from the keys, so that lists do not contain it.
pub(super) fn revoked_api_key(id: ApiKeyId) -> String {
    format!("{REVOKED_KEY_PREFIX}{id}")
}

/// Console sessions have a partition of their own, so that only the functions that serve the API and the console can read them.
pub(super) fn console_sessions(project: ProjectId) -> String {
    format!("console-sessions#{project}")
}

pub(super) fn console_session(id: ConsoleSessionId) -> String {
    format!("{CONSOLE_SESSION_PREFIX}{id}")
}

/// The first and last sort key of console sessions whose links were minted at `first` or later.
pub(super) fn console_sessions_since(first: Timestamp) -> (String, String) {
    let first = ConsoleSessionId::new(first, &Zeros);
    // `~` sorts after all ids.
    (console_session(first), format!("{CONSOLE_SESSION_PREFIX}~"))
}

/// Sets the random bits of an id to zero, which makes it the lowest id of its time.
struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
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

/// Number of partitions of the late rows of a project and day. Each takes a thousand writes a second: after an outage, senders
/// make several thousand late attempts a second.
pub(super) const LATE_SHARDS: u8 = 4;

/// A partition of the late rows of a project and day.
pub(super) fn late_partition(project: ProjectId, day: UtcDay, shard: u8) -> String {
    format!("{project}#{day}#late-{shard}")
}

/// The row that makes the report of `day` find a delivery.
pub(super) fn late_row(project: ProjectId, day: UtcDay, id: DeliveryId) -> (String, String) {
    let shard = id.event.as_bytes()[15] % LATE_SHARDS;
    (late_partition(project, day, shard), format!("{LATE_PREFIX}{}#{}", id.event, id.endpoint))
}

/// The first key that the late row of an event accepted at `from` can have.
pub(super) fn late_from(from: Timestamp) -> String {
    first_id(LATE_PREFIX, from)
}

/// The first key that an event accepted at `from` can have.
pub(super) fn events_from(from: Timestamp) -> String {
    first_id(EVENT_PREFIX, from)
}

/// The first and the last key of a range; `None` if it is empty, which DynamoDB rejects.
type KeyRange = Option<(String, String)>;

fn range(first: String, last: String) -> KeyRange {
    (first <= last).then_some((first, last))
}

/// The events of a day that were accepted at `from` or later. The range includes `before`, which the caller leaves out.
pub(super) fn event_range(from: Option<Timestamp>, before: Option<EventId>) -> KeyRange {
    // `.` sorts before every id, and `~` after.
    let first = from.map_or_else(|| format!("{EVENT_PREFIX}."), events_from);
    range(first, before.map_or_else(|| format!("{EVENT_PREFIX}~"), event))
}

/// The events of a day from `position` on that were accepted until `to`.
pub(super) fn events_between(position: EventPosition, to: Timestamp) -> KeyRange {
    let first = match position {
        EventPosition::From(from) => events_from(from),
        // Sorts right after this event.
        EventPosition::After(event) => format!("{EVENT_PREFIX}{event}."),
    };
    range(first, events_from(to.plus(Duration::from_millis(1))))
}

/// The deliveries of a day whose events were accepted at `from` or later. The range includes those of the event of
/// [`Position::After`], which the caller leaves out up to that delivery.
pub(super) fn delivery_range(from: Option<Timestamp>, position: Position) -> KeyRange {
    let first = from.map_or_else(|| format!("{DELIVERY_PREFIX}."), |from| first_id(DELIVERY_PREFIX, from));
    let last = match position {
        Position::After(last) => format!("{DELIVERY_PREFIX}{}#~", last.event),
        // Sorts right before the deliveries of this event.
        Position::Before(event) => format!("{DELIVERY_PREFIX}{event}"),
        Position::Day(_) => format!("{DELIVERY_PREFIX}~"),
    };
    range(first, last)
}

/// Reads a delivery's id from its sort key.
pub(super) fn delivery_in(sk: &str) -> Option<DeliveryId> {
    let (event, endpoint) = sk.strip_prefix(DELIVERY_PREFIX)?.split_once('#')?;
    Some(DeliveryId { event: event.parse().ok()?, endpoint: endpoint.parse().ok()? })
}

/// Reads an event's id from its sort key.
pub(super) fn event_in(sk: &str) -> Option<EventId> {
    sk.strip_prefix(EVENT_PREFIX)?.parse().ok()
}

/// Sorts before every key that consists of the prefix and a `UUIDv7` of this time or later, and after every earlier one.
fn first_id(prefix: &str, at: Timestamp) -> String {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    format!("{prefix}{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

/// The first and the last key of the deliveries of the events from `oldest` to `newest`.
pub(super) fn deliveries_of(oldest: EventId, newest: EventId) -> (String, String) {
    (format!("{DELIVERY_PREFIX}{oldest}#"), format!("{DELIVERY_PREFIX}{newest}#~"))
}

/// The partition of the rows that number the events of a submission.
pub(super) fn submission(project: ProjectId, submission: &SubmissionId) -> String {
    format!("{project}#submission#{}", submission.as_str())
}

/// The row with the numbers of [`ARCHIVED`](super::numbering) events that follow the first `base` ones.
pub(super) fn archived_numbers(base: u64) -> String {
    format!("{NUMBERING}#{base:020}")
}

/// Reads from its sort key how many events are before those of the row.
pub(super) fn archived_count_in(sk: &str) -> Option<u64> {
    sk.strip_prefix(NUMBERING)?.strip_prefix('#')?.parse().ok()
}

/// The row of an entry of the lane `late` of the feed.
pub(super) fn late_entry_row(project: ProjectId, id: LateEntryId) -> (String, String) {
    (day(project, id.day()), format!("{LATE_ENTRY_PREFIX}{id}"))
}

/// The sort keys of the events of a day behind an id.
pub(super) fn events_behind(id: EventId) -> (String, String) {
    // `.` sorts right after this id, and `~` after all ids.
    (format!("{EVENT_PREFIX}{id}."), format!("{EVENT_PREFIX}~"))
}

/// The sort keys of the entries of the lane `late` of a day behind an id.
pub(super) fn late_entries_behind(id: LateEntryId) -> (String, String) {
    (format!("{LATE_ENTRY_PREFIX}{id}."), format!("{LATE_ENTRY_PREFIX}~"))
}

/// Reads an entry's id from its sort key.
pub(super) fn late_entry_in(sk: &str) -> Option<LateEntryId> {
    sk.strip_prefix(LATE_ENTRY_PREFIX)?.parse().ok()
}

pub(super) fn health_row(project: ProjectId, id: EndpointId) -> (String, String) {
    (format!("{project}#health"), endpoint(id))
}

/// The row with the next free slot of an endpoint at a pace. Each endpoint has a partition of its own, because its row takes up to a
/// thousand writes a second.
pub(super) fn pace_row(project: ProjectId, id: EndpointId, pace: Pace) -> (String, String) {
    (format!("{project}#pace#{id}"), format!("slots#{}", pace.per_minute()))
}

pub(super) fn replays(project: ProjectId) -> String {
    format!("{project}#replays")
}

/// The partition of the sweep's own rows about one shard.
pub(super) fn sweep(number: u8) -> String {
    format!("sweep#{}", shard(number))
}

pub(super) fn backlog(project: ProjectId) -> String {
    format!("{BACKLOG_PREFIX}{project}")
}

pub(super) fn replay(id: ReplayId) -> String {
    format!("{REPLAY_PREFIX}{id}")
}

/// The row of a test send or a handshake; `kind` is the prefix of its sort key.
pub(super) fn probe_row(project: ProjectId, kind: &str, id: EventId) -> (String, String) {
    (format!("{project}#tests"), format!("{kind}#{id}"))
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

/// The partition of the numbers of a project's kept reports.
pub(super) fn reports(project: ProjectId) -> String {
    format!("{project}#reports")
}

pub(super) fn report_summary(project: ProjectId, day: UtcDay) -> (String, String) {
    (reports(project), day.to_string())
}

/// The partition and the sort key prefix of the counted slices of a report.
pub(super) fn report_slices(job: &ReportJob) -> (String, String) {
    (day(job.project_id, job.day), format!("report-slice#{}#", build(job)))
}

/// The row of the counted slice that starts at `from`.
pub(super) fn report_slice(job: &ReportJob, from: Timestamp) -> (String, String) {
    let (pk, prefix) = report_slices(job);
    (pk, format!("{prefix}{:015}", from.as_millis()))
}

/// The partition and the sort key prefix of the ranges of the counted slices of a report.
pub(super) fn report_ranges(job: &ReportJob) -> (String, String) {
    (day(job.project_id, job.day), format!("report-range#{}#", build(job)))
}

/// The row of the range of the counted slice that starts at `from`.
pub(super) fn report_range(job: &ReportJob, from: Timestamp) -> (String, String) {
    let (pk, prefix) = report_ranges(job);
    (pk, format!("{prefix}{:015}", from.as_millis()))
}

/// A preview is built apart from the report of the day and from other previews.
fn build(job: &ReportJob) -> String {
    job.preview_asked_at.map_or_else(|| "day".to_owned(), |asked_at| asked_at.to_string())
}

/// `caller` is the id of an API key or of a console session.
pub(super) fn call_count_row(caller: &str, window: Window) -> (String, String) {
    (format!("calls#{caller}"), window.starts_at().to_string())
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

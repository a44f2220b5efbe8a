//! DynamoDB: two tables, `settings` and `activity`.
//!
//! | table | partition key | sort key | row |
//! | --- | --- | --- | --- |
//! | settings | `project#{project}` | `meta` | project |
//! | settings | `project#{project}` | `endpoint#{endpoint}` | endpoint |
//! | settings | `project#{project}` | `return-url` | return URL |
//! | settings | `project#{project}` | `return-url-keys` | `secretKey`s of the return URL, sealed |
//! | settings | `project#{project}` | `signing-keys` | key pairs that sign webhooks, private keys sealed |
//! | settings | `project#{project}` | `user#{user}` | notification user |
//! | settings | `egress-ips` | `list` | the published list of the addresses that webhooks come from |
//! | settings | `api-keys#{project}` | `key#{key}` | API key |
//! | settings | `api-keys#{project}` | `revoked#{key}` | hash of a revoked API key, for 90 days |
//! | settings | `audit#{project}` | `entry#{number}` | entry of the audit log |
//! | settings | `console-sessions#{project}` | `session#{session}`; `ended` | console session, or the note that it was ended; which sessions were ended together |
//! | settings | `mail-link-key#{project}` | `key` | key of the project's links in mails, sealed |
//! | settings | `suppressed#{hash of an address}` | `suppression#{reason}`, `suppression#unsubscribed#{project}`, `suppression#lifted` | entry of the suppression list; when the operator removed entries |
//! | activity | `{project}#{day}` | `event#{event}` | event, with its endpoints |
//! | activity | `{project}#{day}` | `late-entry#{entry}` | entry of the feed's lane `late`: names an event that was accepted late |
//! | activity | `{project}#submission#{submission}` | `numbering`; `numbering#{number}` | the events of a submission in the order of their numbers; its earlier ones |
//! | activity | `{project}#{day}` | `delivery#{event}#{endpoint}` | delivery, with its attempts |
//! | activity | `{project}#{day}#late-{shard}` | `late#{event}#{endpoint}` | names a delivery of an earlier day that was attempted or ended on this day |
//! | activity | `{project}#{day}` | `report#{user}`, `preview#{asked at}#{user}`, `notice#{…}#{user}` | a mail that was claimed or sent |
//! | activity | `{project}#{day}` | `report` | the kept report of a past day |
//! | activity | `{project}#{day}` | `report-slice#{day or asked at}#{start}`, `report-range#{day or asked at}#{start}` | a counted slice of a report that is being built; the range of the slice |
//! | activity | `{project}#reports` | `{day}` | the numbers of a kept report |
//! | activity | `digest` | `progress` | progress of the latest daily run |
//! | activity | `sweep#{shard}` | `backlog#{project}` | a pass of the sweep through the backlog of a project |
//! | activity | `{project}#health` | `endpoint#{endpoint}` | health of an endpoint |
//! | activity | `{project}#pace#{endpoint}` | `slots#{webhooks per minute}` | the next free slot of an endpoint at this pace |
//! | activity | `{project}#replays` | `replay#{replay}`; `running` | replay by filter; the id of the running one |
//! | activity | `{project}#tests` | `test#{event}`; `handshake#{event}`; `minute#{number}` | test send and its result; handshake and its result; number of both in a minute |
//! | activity | `{project}#confirmations#{day}` | hash of an address; `all` | number of confirmation mails of the project to it on a day; to all |
//! | activity | `confirmations#{day}` | `all` | number of confirmation mails of the deployment on a day |
//! | activity | `{project}#idempotency#{hash}` | `idempotency` | an `Idempotency-Key` and its stored response |
//! | activity | `{project}#slow-read` | `lease` | the running slow read |
//! | activity | `calls#{key or session}` | start of the window | number of calls with an API key or in a console session |
//! | activity | `used-link#{link}` | `link` | a single-use return link that was used |
//!
//! API keys, the audit log and console sessions have partitions of their own, so that the role of webhook-sender can exclude
//! them. The index `kind` of `settings` lists projects and notification users; `key-hash` finds an API key by its hash. The
//! indexes of `activity` are sparse: `due` has the rows that the sweep has to check, and `held` has held deliveries.

mod accept;
mod all;
mod api_keys;
mod audit;
mod backlogs;
mod batch_get;
mod call_counts;
mod commit;
mod compression;
mod console_sessions;
mod deliveries;
mod digest;
mod direct_writes;
mod discard;
mod egress_ips;
mod endpoints;
mod erase;
mod error;
mod events;
mod expiry;
mod feed;
mod feed_submission;
mod health;
mod held;
mod idempotency;
mod key_pairs;
mod keys;
mod late;
mod link_keys;
mod mails;
mod missing;
mod notification_users;
mod numbering;
mod order;
mod outcome;
mod pace;
mod page;
mod probes;
mod projects;
mod quotas;
mod recorded;
mod replayed;
mod replays;
mod report_reader;
mod report_slices;
mod reports;
mod retention;
mod return_urls;
mod search;
mod search_recorded;
mod search_submission;
mod slow_reads;
mod suppressions;
mod sweep;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod transaction;
mod used_links;

pub use accept::Accepted;
pub use all::{Store, StoreConfig};
pub use api_keys::ApiKeyStore;
pub use audit::AuditStore;
pub use backlogs::StoredPass;
pub use commit::{Commit, MAX_WRITES, ProjectWrite, Write};
pub use console_sessions::{ConsoleSessionStore, LinkClaim, SessionState};
pub use deliveries::DeliveryStore;
pub use digest::{DigestProgress, DigestStage, DigestStore};
pub use endpoints::EndpointStore;
pub use erase::Erased;
pub use error::StoreError;
pub use events::{DayPage, EventHeading, EventStore, KeptEvent, StoredEvent};
pub use expiry::{HeldPage, HeldPosition, SCAN_SEGMENTS};
pub use feed::{FeedEnd, FeedRead, FeedSeen};
pub use feed_submission::SubmissionFeedRead;
pub use health::{FALLBACK_CHECK_DELAY, HealthStore, StoredHealth};
pub use held::Held;
pub use idempotency::{
    BadIdempotencyKey, IdempotencyKeeper, IdempotencyKey, IdempotencyStart, IdempotencyStore, Request,
};
pub use keys::SHARDS;
pub use link_keys::LinkKeyStore;
pub use mails::{MailStore, Mailing};
pub use missing::FoundMissing;
pub use notification_users::UserStore;
pub use numbering::{Numbered, Submission};
pub use order::PlaceInOrder;
pub use outcome::{Admission, ReplayStart, WriteOutcome};
pub use pace::PaceStore;
pub use page::{Page, PageToken};
pub use probes::ProbeStore;
pub use projects::ProjectStore;
pub use quotas::QuotaStore;
pub use recorded::RecordedDeliveries;
pub use replays::{LeasedReplay, ReplayStore, Resumed};
pub use report_reader::{CountedSlice, build_report, finish_report};
pub use reports::ReportStore;
pub use retention::{BadRetention, Retention};
pub use return_urls::{ProjectReturnUrl, ReturnUrlStore};
pub use search::{Found, FoundEvents, MAX_PAGES};
pub use search_recorded::Count;
pub use slow_reads::SlowReadLease;
pub use suppressions::SuppressionStore;
pub use sweep::{Due, DueDelivery, DueEndpoint, DuePage, DuePosition, DueReplay, DueSelection, SweepStore};
pub use table::RowKey;
pub use used_links::{LinkUse, UsedLinks};

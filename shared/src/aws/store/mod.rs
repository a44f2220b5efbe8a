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
//! | settings | `api-keys#{project}` | `key#{key}` | API key |
//! | settings | `audit#{project}` | `entry#{number}` | entry of the audit log |
//! | activity | `{project}#{day}` | `event#{event}` | event, with the endpoints it goes to |
//! | activity | `{project}#{day}` | `delivery#{event}#{endpoint}` | delivery, with its attempts |
//! | activity | `{project}#{day}` | `report#{user}`, `preview#{asked at}#{user}`, `notice#{…}#{user}` | mail, claimed or sent |
//! | activity | `{project}#{day}` | `report` | report of the day as its mail told it |
//! | activity | `digest` | `progress` | how far the latest daily run has come |
//! | activity | `{project}#health` | `endpoint#{endpoint}` | health of an endpoint's receiver |
//! | activity | `{project}#replays` | `replay#{replay}`; `running` | replay by filter; the id of the one that runs |
//! | activity | `{project}#tests` | `test#{event}`; `minute#{number}` | test send and its result; how many were made in a minute |
//! | activity | `{project}#confirmations#{day}` | hash of an address | how often it was asked for its confirmation on a day |
//! | activity | `{project}#idempotency#{hash}` | `idempotency` | an `Idempotency-Key` and its answer |
//! | activity | `calls#{key}` | first second of ten | how many calls were made with an API key |
//! | activity | `used-link#{link}` | `link` | a return link that works once, and was used |
//!
//! API keys and the audit log have partitions of their own, so that the role of a function that sends webhooks can leave them out.
//! The index `kind` of `settings` lists projects and notification users; `key-hash` finds a key by its hash. The indexes
//! of `activity` are sparse: `due` has only what the sweep is to look after, `held` only deliveries that are held, and `submission`
//! only events of a submission that were not erased.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Aws, Cause};
use crate::time::Timestamp;

mod admissions;
mod api_keys;
mod call_counts;
mod commit;
mod deliveries;
mod digest;
mod endpoints;
mod erase;
mod events;
mod health;
mod held;
mod idempotency;
mod key_pairs;
mod mails;
mod notification_users;
mod packed;
mod projects;
mod replayed;
mod replays;
mod reports;
mod return_urls;
mod sweep;
mod table;
mod test_sends;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod used_links;
mod walk;

pub use commit::{Commit, ProjectWrite, Write};
pub use digest::{DigestProgress, DigestStage};
pub use erase::Erased;
pub use events::{DayPage, EventHeading, KeptEvent, StoredEvent};
pub use health::StoredHealth;
pub use held::Held;
pub use idempotency::{Begun, IdempotencyKeeper, IdempotencyKey, Request};
pub use mails::Mailing;
pub use replays::{LeasedReplay, Resumed};
pub use reports::build_report;
pub use return_urls::ProjectReturnUrl;
pub use sweep::{Due, DueDelivery, DueEndpoint, DueReplay, SHARDS};
use table::Table;
pub use used_links::{LinkUse, UsedLinks};
pub use walk::{Count, Found, FoundEvents};

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// DynamoDB failed, refused, or could not be reached.
    #[error("store cannot be reached")]
    Unavailable(#[source] Cause),
    /// A stored row is not what this version reads.
    #[error("stored row cannot be read")]
    Row(#[source] serde_dynamo::Error),
    /// A page is asked for that is no page of this list.
    #[error("cursor is not one that this list gave")]
    Token,
    /// A request was still refused for load after several tries.
    #[error("store is overloaded")]
    Overloaded,
}

/// Settings of projects: what customers and the operator change.
#[derive(Debug, Clone)]
pub struct Settings {
    table: Table,
}

impl Settings {
    /// The settings in the table called `table`.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }
}

/// Events and deliveries: what happens all day.
#[derive(Debug, Clone)]
pub struct Activity {
    table: Table,
    retention: Retention,
}

impl Activity {
    /// The activity in the table called `table`, of which rows are kept for `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        Self { table: Table::new(aws, table.into()), retention }
    }
}

/// For how many days events and deliveries are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    days: u32,
}

/// A number that is no [`Retention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of days from 5 to 3650")]
pub struct BadRetention;

impl Retention {
    /// When a row about something that happened at `moment` is no longer needed, in seconds since 1970: DynamoDB's TTL.
    fn expiry_of(self, moment: Timestamp) -> i64 {
        moment.as_seconds() + i64::from(self.days) * 24 * 60 * 60
    }

    /// The moment before which nothing is kept any more.
    pub fn oldest_kept(self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.days) * 24 * 60 * 60))
    }
}

impl std::str::FromStr for Retention {
    type Err = BadRetention;

    /// Five days at least: a delivery is retried for more than three.
    fn from_str(text: &str) -> Result<Self, BadRetention> {
        let days = text.parse().ok().filter(|days| (5..=3650).contains(days)).ok_or(BadRetention)?;
        Ok(Self { days })
    }
}

/// Whether a write that happens at most once happened now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Now,
    /// Its condition did not hold: it was done before, or things have moved on. Nothing changed.
    Before,
}

/// Where a list goes on: opaque to callers, valid for the same list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub(crate) String);

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, if there is one.
    pub next: Option<PageToken>,
}

//! Single-use return links that were used: one row each, which expires after the link.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::table::{Row, Table};
use crate::client::Aws;
use domain::foundation::id::ReturnLinkId;
use domain::foundation::time::Timestamp;
use domain::return_urls::VisitHash;

/// How long the row outlives the link. Longer than clocks differ.
const KEPT_AFTER: Duration = Duration::from_mins(5);

/// The used links. A function that has this store can write these rows and nothing else.
#[derive(Debug, Clone)]
pub struct UsedLinks {
    table: Table,
}

/// Which use of a link a call was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkUse {
    /// The first use.
    First,
    /// A later use.
    Again {
        /// When the link was first used.
        first_at: Timestamp,
        /// The visit that used it first.
        visit: VisitHash,
    },
}

/// The row of a used link.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    used_at: Timestamp,
    /// The hash of the visit. It also identifies the call if the SDK repeats it after a lost response.
    used_by: String,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl UsedLinks {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Records the use of a link by a new `visit` at `now` in one write. Exactly one of several concurrent callers gets
    /// [`LinkUse::First`].
    pub async fn claim(
        &self,
        link: ReturnLinkId,
        expires_at: Timestamp,
        now: Timestamp,
        visit: &VisitHash,
    ) -> Result<LinkUse, StoreError> {
        let expires_at = expires_at.plus(KEPT_AFTER).as_seconds();
        let content = Marker { used_at: now, used_by: visit.as_str().to_owned(), expires_at };
        let row = Row { pk: keys::used_link(link), sk: keys::USED_LINK.to_owned(), content };
        match self.table.put_new(&row).await? {
            None => Ok(LinkUse::First),
            Some(marker) if marker.used_by == visit.as_str() => Ok(LinkUse::First),
            Some(Marker { used_at: first_at, used_by, .. }) => {
                Ok(LinkUse::Again { first_at, visit: VisitHash::from_text(used_by) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{ACTIVITY, Database};
    use domain::foundation::random::SystemRandom;
    use domain::return_urls::VisitProof;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000).unwrap()
    }

    fn visit() -> VisitHash {
        VisitProof::generate(&SystemRandom).hash()
    }

    #[tokio::test]
    async fn a_link_is_used_once() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let (first, second, third) = (visit(), visit(), visit());
        let claim = |link, at, by| links.claim(link, now().plus(Duration::from_hours(1)), at, by);
        let (link, other) = (ReturnLinkId::new(now(), &SystemRandom), ReturnLinkId::new(now(), &SystemRandom));
        let later = now().plus(Duration::from_secs(7));
        assert_eq!(claim(link, now(), &first).await.unwrap(), LinkUse::First);
        let again = LinkUse::Again { first_at: now(), visit: first.clone() };
        assert_eq!(claim(link, later, &second).await.unwrap(), again);
        assert_eq!(claim(link, later, &third).await.unwrap(), again);
        assert_eq!(claim(other, later, &second).await.unwrap(), LinkUse::First);
    }

    #[tokio::test]
    async fn a_repeated_call_is_still_the_first_use() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let (link, visit) = (ReturnLinkId::new(now(), &SystemRandom), visit());
        for _ in 0..2 {
            assert_eq!(links.claim(link, now(), now(), &visit).await.unwrap(), LinkUse::First);
        }
    }

    #[tokio::test]
    async fn of_concurrent_uses_one_is_the_first() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let link = ReturnLinkId::new(now(), &SystemRandom);
        let visits = [visit(), visit(), visit(), visit()];
        let claim = |number: usize| links.claim(link, now(), now(), &visits[number]);
        let uses = tokio::join!(claim(0), claim(1), claim(2), claim(3));
        let uses = [uses.0, uses.1, uses.2, uses.3].map(Result::unwrap);
        assert_eq!(uses.iter().filter(|used| **used == LinkUse::First).count(), 1, "{uses:?}");
    }

    #[tokio::test]
    async fn a_store_failure_does_not_count_as_a_use() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), "no-such-table");
        let link = ReturnLinkId::new(now(), &SystemRandom);
        assert!(matches!(links.claim(link, now(), now(), &visit()).await, Err(StoreError::Unavailable(_))));
    }
}

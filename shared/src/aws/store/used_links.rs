//! Return links that work once, and were used: a row each, gone some time after the link has expired anyway.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::table::{Row, Table};
use super::{Aws, StoreError};
use crate::id::ReturnLinkId;
use crate::random::{self, Random};
use crate::time::Timestamp;

const SORT_KEY: &str = "link";

/// How much longer than the link its row is kept: more than clocks differ.
const KEPT_AFTER: Duration = Duration::from_mins(5);

/// The links that were used. Whoever has this can write these rows, and nothing else.
#[derive(Debug, Clone)]
pub struct UsedLinks {
    table: Table,
}

/// Which use of a link it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkUse {
    /// The only one that counts.
    First,
    /// The link was used before.
    Again {
        /// When it was.
        first_at: Timestamp,
    },
}

/// What is stored of a link that was used.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    used_at: Timestamp,
    /// Tells our own call from somebody else's, should it be repeated because its answer was lost.
    used_by: String,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl UsedLinks {
    /// The used links in the table called `table`, which is that of the activity.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Uses a link at `now`, in one write. However many do so at the same time, it is the first use for one of them.
    pub async fn claim(
        &self,
        link: ReturnLinkId,
        expires_at: Timestamp,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<LinkUse, StoreError> {
        let used_by = BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<16>(random));
        let expires_at = expires_at.plus(KEPT_AFTER).as_seconds();
        let content = Marker { used_at: now, used_by: used_by.clone(), expires_at };
        let row = Row { pk: format!("used-link#{link}"), sk: SORT_KEY.to_owned(), content };
        match self.table.put_new(&row).await? {
            None => Ok(LinkUse::First),
            Some(marker) if marker.used_by == used_by => Ok(LinkUse::First),
            Some(marker) => Ok(LinkUse::Again { first_at: marker.used_at }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::store::testing::{ACTIVITY, Database};
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000).unwrap()
    }

    /// Draws always the same.
    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[tokio::test]
    async fn a_link_is_used_once() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let claim = |link, at| links.claim(link, now().plus(Duration::from_hours(1)), at, &SystemRandom);
        let (link, other) = (ReturnLinkId::new(now(), &SystemRandom), ReturnLinkId::new(now(), &SystemRandom));
        let later = now().plus(Duration::from_secs(7));
        assert_eq!(claim(link, now()).await.unwrap(), LinkUse::First);
        assert_eq!(claim(link, later).await.unwrap(), LinkUse::Again { first_at: now() });
        assert_eq!(claim(link, later).await.unwrap(), LinkUse::Again { first_at: now() });
        assert_eq!(claim(other, later).await.unwrap(), LinkUse::First);
    }

    #[tokio::test]
    async fn a_call_that_is_repeated_is_still_the_first() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let link = ReturnLinkId::new(now(), &SystemRandom);
        for _ in 0..2 {
            assert_eq!(links.claim(link, now(), now(), &Zeros).await.unwrap(), LinkUse::First);
        }
    }

    #[tokio::test]
    async fn of_many_at_once_one_is_first() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), ACTIVITY);
        let link = ReturnLinkId::new(now(), &SystemRandom);
        let claim = || links.claim(link, now(), now(), &SystemRandom);
        let uses = tokio::join!(claim(), claim(), claim(), claim());
        let uses = [uses.0, uses.1, uses.2, uses.3].map(Result::unwrap);
        assert_eq!(uses.iter().filter(|used| **used == LinkUse::First).count(), 1, "{uses:?}");
    }

    #[tokio::test]
    async fn a_store_that_fails_is_no_use() {
        let database = Database::start().await;
        let links = UsedLinks::new(database.aws(), "no-such-table");
        let link = ReturnLinkId::new(now(), &SystemRandom);
        assert!(matches!(links.claim(link, now(), now(), &SystemRandom).await, Err(StoreError::Unavailable(_))));
    }
}

//! Cursors of the feed: positions that are sealed under the key ring, and bound to the project and the filter.

use domain::foundation::id::ProjectId;
use domain::foundation::key_ring::{Sealed, SealedKind};
use domain::webhooks::event::{EventType, SubmissionId};
use domain::webhooks::feed::FeedCursor;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::bad_query::BadQuery;

/// The events of a feed.
pub(crate) struct FeedSelection {
    pub(crate) project: ProjectId,
    pub(crate) event_type: Option<EventType>,
    pub(crate) submission_id: Option<SubmissionId>,
}

/// Length of the hash of a filter.
const FILTER_BYTES: usize = 8;

impl FeedSelection {
    /// Seals a position in this feed.
    pub(crate) async fn seal(&self, app: &App, cursor: &FeedCursor) -> Result<String, ApiError> {
        let ring = app.key_ring.ring().await?;
        let content = [self.filter().as_slice(), &cursor.to_bytes()].concat();
        Ok(ring.seal(SealedKind::FeedCursor, self.project, &content, &*app.random).as_str().to_owned())
    }

    /// Opens a position. Fails if it was not returned by this feed.
    pub(crate) async fn open(&self, app: &App, cursor: &str) -> Result<FeedCursor, ApiError> {
        let sealed = Sealed::from_text(cursor);
        let ring = app.key_ring.ring_to_open([&sealed]).await?;
        let content = ring.open(SealedKind::FeedCursor, self.project, &sealed).map_err(|_| BadQuery::After)?;
        let position = content.strip_prefix(&self.filter()).ok_or(BadQuery::After)?;
        Ok(FeedCursor::from_bytes(position).map_err(|_| BadQuery::After)?)
    }

    /// Identifies the filter.
    fn filter(&self) -> [u8; FILTER_BYTES] {
        let filter =
            serde_json::to_vec(&(self.event_type, &self.submission_id)).expect("a filter can be written as JSON");
        let hash = Sha256::digest(filter);
        std::array::from_fn(|index| hash[index])
    }
}

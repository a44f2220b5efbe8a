//! The feed: every accepted event of a project exactly once, oldest first.
//!
//! `docs/decisions/feed.md` explains the two lanes and the times in `limits.rs`.

mod lane;
mod limits;
mod page;
mod position;
#[cfg(test)]
mod simulation;

pub use lane::{LaneId, LanePosition};
pub use limits::{
    LATE_AFTER, MAX_ACCEPTING, MAX_CLOCK_DIFFERENCE, MAX_PAGE_BYTES, MAX_RETURNED, SETTLED_AFTER, is_late, is_settled,
};
pub use page::{FeedPage, PageEnd, RowState, Stretch};
pub use position::{BadCursor, FeedCursor, FeedPosition};

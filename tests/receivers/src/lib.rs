//! Cases and drivers for testing the receivers of `docs/receivers`.
//!
//! Our own code generates the [`cases`]. They are committed in `cases.tsv`, so that people can read them and a test notices
//! changes. Each language has a driver that runs the cases on its receiver; [`runtimes`] runs the drivers.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

pub mod cases;
#[path = "../../../docs/receivers/rust/feed.rs"]
pub mod feed;
pub mod feed_server;
#[path = "../../../docs/receivers/rust/inbox.rs"]
pub mod inbox;
pub mod runtimes;
#[path = "../../../docs/receivers/rust/signpost.rs"]
pub mod signpost;

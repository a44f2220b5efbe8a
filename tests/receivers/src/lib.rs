//! What the receivers of `docs/receivers` are tested with.
//!
//! The [`cases`] are made by our own code and kept in `cases.tsv`, so that they can be read and cannot drift. A driver a
//! language puts them to that language's receiver; [`runtimes`] runs the drivers.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

pub mod cases;
pub mod runtimes;
#[path = "../../../docs/receivers/rust/signpost.rs"]
pub mod signpost;

//! Building blocks that every area uses.

mod bad_field;
pub mod cache;
pub mod clock;
pub mod draft;
pub mod error_chain;
pub mod header_names;
pub mod id;
pub mod key_ring;
pub mod language;
pub(crate) mod members;
pub mod names;
pub mod overlap;
pub(crate) mod portable_json;
pub mod project_token;
pub mod random;
pub mod time;
pub mod web_url;
pub mod weight;

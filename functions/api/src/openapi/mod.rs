//! The OpenAPI document and the API reference page, generated from the code by the tests here.
//!
//! The doc comments and attributes of handlers and types describe each operation; [`completion`] adds the parts that all operations
//! share. The modules are compiled only for tests. The function serves the committed files ([`crate::documentation`]), and a test
//! fails if they differ from the code.

mod completion;
mod document;
pub(crate) mod event_types;
mod examples;
mod flatten;
mod html;
mod markdown;
mod page;
pub(crate) mod parameters;
mod parsers;
#[expect(dead_code, reason = "only the schemas of these types are used")]
pub(crate) mod requests;
pub(crate) mod responses;
mod schemas;
mod tests;
mod version_30;
#[expect(dead_code, reason = "only the schemas of these types are used")]
pub(crate) mod webhook_requests;

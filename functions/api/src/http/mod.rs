//! Parts that all routes share: authentication, requests, responses, errors, and how settings are changed.

pub(crate) mod accept;
pub(crate) mod api_error;
pub(crate) mod authenticate;
pub(crate) mod bad_query;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod conditional_read;
pub(crate) mod deadline;
pub(crate) mod etag;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub(crate) mod paging;
pub(crate) mod problem;
pub(crate) mod problem_kind;
pub(crate) mod rate_limit;
pub(crate) mod response;
pub(crate) mod routes;
pub(crate) mod settings_change;
pub(crate) mod slow_read;
pub(crate) mod source_address;
pub(crate) mod unknown_query;
pub(crate) mod warnings;

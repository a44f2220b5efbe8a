//! Parts that all pages share: the session, calls to the api, forms, problems, and protection against requests from other sites.

pub(crate) mod api_client;
pub(crate) mod caller_address;
pub(crate) mod cookie;
pub(crate) mod csp;
pub(crate) mod csrf;
pub(crate) mod flash;
pub(crate) mod form;
pub(crate) mod pairs;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod response;
pub(crate) mod sent_form;
pub(crate) mod session_cache;
pub(crate) mod visitor;

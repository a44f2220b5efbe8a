//! Projects, their API keys, and the audit log of their settings.

pub mod api_key;
pub mod audit;
pub mod color;
pub mod name;
pub mod project;
pub mod rate_limit;
pub mod report_hour;

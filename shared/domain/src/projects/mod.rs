//! Projects, their API keys, the audit log of their settings, and access to the console.

pub mod api_key;
pub mod audit;
pub mod color;
pub mod console;
pub mod name;
pub mod project;
pub mod rate_limit;
pub mod report_hour;

//! What every Lambda function needs: configuration, logs and metrics, and for HTTP functions the layers that they share.

#[cfg(feature = "http")]
pub mod accent;
pub mod config;
#[cfg(feature = "http")]
pub mod csp;
pub mod deadline;
#[cfg(feature = "http")]
pub mod gateway;
pub mod metric;
#[cfg(feature = "http")]
pub mod preferred_language;
#[cfg(feature = "http")]
pub mod proxy;
#[cfg(feature = "http")]
pub mod request_log;
#[cfg(feature = "http")]
pub mod response_headers;
#[cfg(feature = "http")]
pub mod routes;
pub mod telemetry;

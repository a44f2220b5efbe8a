//! Logs: one JSON object a line, to standard output, where Lambda picks them up.

use tracing_subscriber::EnvFilter;

use crate::config;

/// Starts logging at the level that `LOG_LEVEL` names; `info` when it names none.
pub fn init() {
    let level = config::environment("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
    // Libraries log URLs and addresses at the finer levels, so only our own crates follow the variable.
    let filter = format!(
        "error,shared={level},api={level},redirect={level},webhook_sender={level},webhook_retry={level},daily_digest={level}"
    );
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(EnvFilter::builder().parse_lossy(filter))
        .init();
}

/// An error and its causes in one line, for the one place that logs it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

//! Logs and metrics: one JSON object a line, to standard output, where Lambda picks them up.

use tracing_subscriber::EnvFilter;

use crate::config;
use crate::metric::Measured;
use crate::time::Timestamp;

/// Starts logging at the level that `LOG_LEVEL` names; `info` when it names none.
pub fn init() {
    let level = config::environment("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(EnvFilter::builder().parse_lossy(filter(&level)))
        .init();
}

/// Libraries log URLs and addresses at the finer levels, so only our own crates follow `level`. The resolver logs the host
/// names that it is asked for at every level, so it is silent: what it fails at is told by its caller.
fn filter(level: &str) -> String {
    format!(
        "error,hickory_resolver=off,hickory_net=off,hickory_proto=off,\
        shared={level},api={level},redirect={level},webhook_sender={level},webhook_retry={level},daily_digest={level}"
    )
}

/// Tells what an invocation measured, under the name that Lambda gives the function; by hand it is `local`.
pub fn record(measured: &Measured, now: Timestamp) {
    let function = config::environment("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
    for line in measured.lines(&function, now) {
        println!("{line}");
    }
}

/// An error and its causes in one line, for the one place that logs it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolver_logs_nothing_whatever_the_level() {
        let filter = EnvFilter::builder().parse(filter("trace")).unwrap().to_string();
        for name in ["hickory_resolver=off", "hickory_net=off", "hickory_proto=off", "webhook_sender=trace"] {
            assert!(filter.split(',').any(|directive| directive == name), "{filter} lacks {name}");
        }
    }
}

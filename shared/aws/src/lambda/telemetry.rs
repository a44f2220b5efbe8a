//! Logs and metrics: one JSON object per line on standard output, where Lambda collects them.

pub use domain::foundation::error_chain::chain;
use domain::foundation::time::Timestamp;
use tracing_subscriber::EnvFilter;

use crate::lambda::config;
use crate::lambda::metric::Measured;

/// Starts logging for the function whose crate is `name`. The variable `LOG_LEVEL` sets the level; the default is `info`.
pub fn init(name: &str) {
    let level = config::environment("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(EnvFilter::builder().parse_lossy(filter(name, &level)))
        .init();
}

/// Only the function itself and this crate log at `level`, because libraries log URLs and addresses at the finer levels. The
/// resolver logs host names at every level, so it is silent: its caller logs why a look-up failed.
fn filter(name: &str, level: &str) -> String {
    // Targets match by prefix. `aws::` stands for this crate and not for the SDK, whose crates begin with `aws_`.
    format!("error,hickory_resolver=off,hickory_net=off,hickory_proto=off,aws::={level},{name}={level}")
}

/// Writes the metrics of one invocation, under the name of the Lambda function; outside Lambda the name is `local`.
pub fn record(measured: &Measured, now: Timestamp) {
    let function = config::environment("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
    for line in measured.lines(&function, now) {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn the_function_and_this_crate_log_at_the_level_and_libraries_only_errors() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(lines.clone())
            .with_env_filter(EnvFilter::builder().parse(filter("mail_feedback", "debug")).unwrap())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "mail_feedback", "own");
            tracing::debug!(target: "aws::lambda::request_log", "shared");
            tracing::info!(target: "aws_smithy_runtime", "sdk");
            tracing::info!(target: "hyper", "library");
            tracing::error!(target: "hickory_resolver", "resolver");
            tracing::error!(target: "rustls", "library error");
        });
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let messages: Vec<&str> = logged
            .lines()
            .map(|line| line.split("\"message\":\"").nth(1).unwrap().split('"').next().unwrap())
            .collect();
        assert_eq!(messages, ["own", "shared", "library error"]);
    }
}

//! The errors of the bench.

use std::path::PathBuf;

use thiserror::Error;

/// Why a measurement failed.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error("a file, socket or process failed")]
    Io(#[from] std::io::Error),
    #[error("a service of the bench could not be reached")]
    Http(#[from] reqwest::Error),
    #[error("a response is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("a certificate could not be created")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    #[error("cargo could not build the programs to measure")]
    Build,
    #[error("{0} exited unexpectedly")]
    Ended(PathBuf),
    #[error("{program} failed: {response}")]
    Failed { program: PathBuf, response: String },
    #[error("unexpected response: {0}")]
    Unexpected(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{failed} of {messages} messages were returned to the queue")]
    Returned { failed: usize, messages: usize },
}

//! Why a measurement could not be made.

use std::path::PathBuf;

use thiserror::Error;

/// Why a measurement could not be made.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error("a file, socket or process cannot be used")]
    Io(#[from] std::io::Error),
    #[error("a service of the bench cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("an answer is no JSON")]
    Json(#[from] serde_json::Error),
    #[error("no certificate can be made")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    #[error("cargo cannot build the programs that are measured")]
    Build,
    #[error("{0} ended before it was told to")]
    Ended(PathBuf),
    #[error("{program} failed: {answer}")]
    Failed { program: PathBuf, answer: String },
    #[error("the database refused: {0}")]
    Refused(String),
    #[error("an answer lacks {0}")]
    Missing(&'static str),
    #[error("{failed} of {messages} messages were given back")]
    GivenBack { failed: usize, messages: usize },
}

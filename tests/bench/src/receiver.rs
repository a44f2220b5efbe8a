//! A receiver that takes every webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONNECTION;
use axum::response::IntoResponse as _;
use axum::routing::post;

use crate::error::BenchError;
use crate::tls::Authority;

/// How long a receiver takes that is like those of the internet.
pub(crate) const USUAL_ANSWER: Duration = Duration::from_millis(200);

/// A receiver on this machine.
pub(crate) struct Receiver {
    url: String,
    bytes: Arc<AtomicU64>,
}

/// What the receiver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers at once and keeps the connection.
    Kept,
    /// Answers at once and closes the connection.
    Fresh,
    /// Answers after [`USUAL_ANSWER`] and closes the connection.
    Slow,
}

impl Manner {
    fn path(self) -> &'static str {
        match self {
            Self::Kept => "/kept",
            Self::Fresh => "/fresh",
            Self::Slow => "/slow",
        }
    }
}

impl Receiver {
    pub(crate) async fn start(authority: &Authority) -> Result<Self, BenchError> {
        let listener = authority.listen().await?;
        let (url, bytes) = (listener.url(), Arc::clone(&listener.bytes));
        let close = || async { [(CONNECTION, "close")].into_response() };
        let slow = move |_: Bytes| async move {
            tokio::time::sleep(USUAL_ANSWER).await;
            close().await
        };
        let router = Router::new()
            .route(Manner::Kept.path(), post(|_: Bytes| async {}))
            .route(Manner::Fresh.path(), post(move |_: Bytes| close()))
            .route(Manner::Slow.path(), post(slow));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, bytes })
    }

    /// Where webhooks are taken in this manner.
    pub(crate) fn url(&self, manner: Manner) -> String {
        format!("{}{}", self.url, manner.path())
    }

    /// How many bytes came and went since the start.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

//! A receiver that accepts every webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::response::IntoResponse as _;
use axum::routing::post;

use crate::error::BenchError;
use crate::tls::Authority;

/// Response time of a typical receiver on the internet.
pub(crate) const TYPICAL_RESPONSE_TIME: Duration = Duration::from_millis(200);

/// A receiver on this machine.
pub(crate) struct Receiver {
    url: String,
    bytes: Arc<AtomicU64>,
    /// Number of webhooks received in the mode [`ResponseMode::Kept`].
    webhooks: Arc<AtomicU64>,
}

/// How the receiver responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// Answers at once and keeps the connection.
    Kept,
    /// Answers at once and closes the connection.
    Fresh,
    /// Answers after [`TYPICAL_RESPONSE_TIME`] and closes the connection.
    Slow,
    /// Answers 500 without a body.
    Refusing,
    /// Answers 500 with 1 KiB, as much as is kept of an answer.
    Explaining,
}

impl ResponseMode {
    fn path(self) -> &'static str {
        match self {
            Self::Kept => "/kept",
            Self::Fresh => "/fresh",
            Self::Slow => "/slow",
            Self::Refusing => "/refusing",
            Self::Explaining => "/explaining",
        }
    }
}

impl Receiver {
    pub(crate) async fn start(authority: &Authority) -> Result<Self, BenchError> {
        let listener = authority.listen().await?;
        let (url, bytes) = (listener.url(), Arc::clone(&listener.bytes));
        let webhooks = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&webhooks);
        let kept = move |_: Bytes| async move {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let close = || async { [(CONNECTION, "close")].into_response() };
        let slow = move |_: Bytes| async move {
            tokio::time::sleep(TYPICAL_RESPONSE_TIME).await;
            close().await
        };
        let refuse = |_: Bytes| async { StatusCode::INTERNAL_SERVER_ERROR };
        let explain = |_: Bytes| async { (StatusCode::INTERNAL_SERVER_ERROR, "x".repeat(1024)) };
        let router = Router::new()
            .route(ResponseMode::Kept.path(), post(kept))
            .route(ResponseMode::Fresh.path(), post(move |_: Bytes| close()))
            .route(ResponseMode::Slow.path(), post(slow))
            .route(ResponseMode::Refusing.path(), post(refuse))
            .route(ResponseMode::Explaining.path(), post(explain));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, bytes, webhooks })
    }

    /// URL at which the receiver responds in this mode.
    pub(crate) fn url(&self, mode: ResponseMode) -> String {
        format!("{}{}", self.url, mode.path())
    }

    /// Number of bytes received and sent since the start.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Number of webhooks received since the start in the mode [`ResponseMode::Kept`].
    pub(crate) fn webhooks(&self) -> u64 {
        self.webhooks.load(Ordering::Relaxed)
    }
}

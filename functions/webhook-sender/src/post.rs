//! Posts a webhook, and notices while the request runs that its receiver is slow.

use std::pin::pin;
use std::time::Instant;

use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use futures::future::join;
use http::HeaderMap;
use tokio::time::timeout;

use crate::endpoint_cache::Target;
use crate::http::client::CompletedAttempt;
use crate::http::failure::OwnFault;
use crate::lane::SLOW_REQUEST;
use crate::sender::{BatchContext, Sender};

/// A webhook that is ready to be posted.
pub(crate) struct Webhook {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Number of the attempt.
    pub(crate) number: u8,
    /// When the attempt starts.
    pub(crate) at: Timestamp,
}

impl Sender {
    /// Posts a webhook. If the receiver takes long, its endpoint counts as slow from then on, while the request continues.
    pub(crate) async fn post(
        &self,
        endpoint: EndpointId,
        target: &Target,
        webhook: Webhook,
        batch: &BatchContext,
    ) -> Result<CompletedAttempt, OwnFault> {
        let (Webhook { headers, body, number, at }, since) = (webhook, Instant::now());
        let mut posting = pin!(self.client.post(&target.url, headers, body, number, at));
        match timeout(SLOW_REQUEST, posting.as_mut()).await {
            Ok(completed) => completed,
            Err(_) => join(posting, self.note_slow_request(endpoint, since, batch)).await.0,
        }
    }
}

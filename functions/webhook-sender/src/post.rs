//! Sends the requests to a receiver, and notices while the request runs that its receiver is slow.

use std::pin::pin;
use std::time::{Duration, Instant};

use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::webhooks::endpoint::OpenedOauth2;
use futures::future::{Either, join, select};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::access_tokens::{AccessToken, TokenQuery};
use crate::endpoint_cache::Target;
use crate::http::client::CompletedAttempt;
use crate::http::failure::OwnFault;
use crate::http::request::{AttemptStart, Request};
use crate::http::token_request::NoToken;
use crate::http::trace::millis;
use crate::lane::SLOW_REQUEST;
use crate::sender::{BatchContext, Sender};

/// Time after the start of an attempt in which a request is sent once more with a new token. At least 10 of 15 seconds are then left
/// for the token server and the receiver.
const RENEWAL_TIME: Duration = Duration::from_secs(5);

/// Maximum time to wait for a token: 5 s for a request, 2 s for the canary check after a timeout, and half a second more, so that a
/// fault on our side is not taken for one of the token server.
const TOKEN_TIME: Duration = Duration::from_millis(7500);

/// Minimum time that a receiver has for its answer. Without a token by then, the attempt ends, and the receiver is not asked.
const MIN_RECEIVER_TIME: Duration = Duration::from_secs(2);

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
    /// Posts a webhook. If its requests take long, its endpoint counts as slow from then on, while they continue.
    ///
    /// The time in which a webhook waits for the token request of another webhook does not count. A token request that takes long
    /// would otherwise count once for each webhook that waits for it. It counts for the webhook that makes it: it holds up the sender
    /// as a slow receiver does.
    pub(crate) async fn post(
        &self,
        endpoint: EndpointId,
        target: &Target,
        webhook: Webhook,
        batch: &BatchContext,
    ) -> Result<CompletedAttempt, OwnFault> {
        let (since, begun) = (Instant::now(), Notify::new());
        let posting = pin!(self.request(target, Method::POST, webhook, since, &begun));
        let slow = pin!(async {
            begun.notified().await;
            sleep(SLOW_REQUEST).await;
        });
        match select(posting, slow).await {
            Either::Left((completed, _)) => completed,
            Either::Right(((), posting)) => join(posting, self.note_slow_request(endpoint, since, batch)).await.0,
        }
    }

    /// Asks a receiver at `at` whether it wants webhooks: sends `OPTIONS` with these headers. Ends within 7 s, with the request of an
    /// access token.
    pub(crate) async fn handshake(
        &self,
        target: &Target,
        headers: HeaderMap,
        at: Timestamp,
    ) -> Result<CompletedAttempt, OwnFault> {
        let webhook = Webhook { headers, body: Vec::new(), number: 1, at };
        self.request(target, Method::OPTIONS, webhook, Instant::now(), &Notify::new()).await
    }

    /// Sends a request to a receiver. Notifies `begun` when it sends a request of its own, to the token server or to the receiver.
    async fn request(
        &self,
        target: &Target,
        method: Method,
        webhook: Webhook,
        started_at: Instant,
        begun: &Notify,
    ) -> Result<CompletedAttempt, OwnFault> {
        let Webhook { headers, body, number, at } = webhook;
        let (url, identity, body) = (&target.url, target.identity.as_deref(), body.into());
        let request = Request { url, method, headers, body, identity };
        let start = AttemptStart { number, at, started_at };
        match &target.oauth2 {
            // Boxed because it is large, and most endpoints need no token.
            Some(oauth2) => Box::pin(self.send_with_token(target.id, oauth2, request, start, begun)).await,
            None => {
                begun.notify_one();
                self.client.send(&request, start).await
            }
        }
    }

    /// Sends a request with an access token. If the receiver rejects a token that is not new, the request is sent once more with a new
    /// one, and the second answer counts.
    async fn send_with_token(
        &self,
        endpoint: EndpointId,
        oauth2: &OpenedOauth2,
        mut request: Request<'_>,
        start: AttemptStart,
        begun: &Notify,
    ) -> Result<CompletedAttempt, OwnFault> {
        let (mut token_time, mut rejected) = (None, None);
        loop {
            let (asked_at, now) = (Instant::now(), self.clock.now());
            let (credentials, deadline) = (&oauth2.stored, self.token_deadline(&request.method, start));
            let query = TokenQuery { endpoint, credentials, rejected: rejected.as_ref(), now, deadline };
            let request_token = || {
                begun.notify_one();
                self.client.request_token(oauth2, now)
            };
            let token = self.tokens.get(query, request_token).await;
            if token.as_ref().map_or(true, |token| token.was_awaited) {
                token_time = Some(token_time.unwrap_or_default() + asked_at.elapsed());
            }
            let AccessToken { authorization, is_new, .. } = match token {
                Ok(token) => token,
                Err(NoToken::OwnFault(fault)) => return Err(fault),
                Err(NoToken::Failed(failure)) => {
                    return Ok(failure.into_attempt(start, token_time));
                }
            };
            request.headers.insert(AUTHORIZATION, authorization.clone());
            begun.notify_one();
            let mut completed = self.client.send(&request, start).await?;
            completed.attempt.phases.token_ms = token_time.map(millis);
            if completed.attempt.status != Some(StatusCode::UNAUTHORIZED.as_u16()) {
                return Ok(completed);
            }
            if is_new || rejected.is_some() || start.started_at.elapsed() > RENEWAL_TIME {
                self.tokens.forget(endpoint, &authorization, now);
                return Ok(completed);
            }
            rejected = Some(authorization);
        }
    }

    /// Until when an attempt waits for a token that it needs now.
    fn token_deadline(&self, method: &Method, start: AttemptStart) -> Instant {
        let deadline = self.client.deadline(method, start.started_at);
        let latest = deadline.checked_sub(MIN_RECEIVER_TIME).unwrap_or(start.started_at);
        latest.min(Instant::now() + TOKEN_TIME)
    }
}

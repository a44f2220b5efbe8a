//! The access tokens of endpoints, kept in memory until shortly before they expire.
//!
//! Concurrent webhooks to an endpoint share one token request. If it fails, they share the failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::foundation::cache::Cache;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::endpoint::Oauth2;
use http::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use crate::http::token_request::{IssuedToken, NoToken, TokenFailure};
use crate::shared_failure::SharedFailure;

/// How long the slot of an endpoint is kept. Longer than any token.
const MAX_AGE: Duration = Duration::from_hours(24);

/// Maximum number of endpoints with a slot. A slot takes up to 20 KiB: 8 KiB for the token, the rest for the credentials.
const MAX_ENDPOINTS: usize = 2_000;

/// How long a token counts as new. A new token that the receiver rejects is not replaced: a receiver that answers 401 for other
/// reasons would otherwise cause a token request for each webhook.
const NEW_TIME: Duration = Duration::from_mins(1);

/// The tokens of all endpoints.
pub(crate) struct AccessTokens {
    slots: Cache<EndpointId, Arc<Mutex<Slot>>>,
}

/// Asks for the token of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenQuery<'a> {
    pub(crate) endpoint: EndpointId,
    pub(crate) credentials: &'a Oauth2,
    /// A token that the receiver has rejected.
    pub(crate) rejected: Option<&'a HeaderValue>,
    /// When the query is made.
    pub(crate) now: Timestamp,
    /// Until when to wait for a token.
    pub(crate) deadline: Instant,
}

/// A token for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessToken {
    /// The value of the header `authorization`.
    pub(crate) authorization: HeaderValue,
    /// Whether it was requested within the last minute.
    pub(crate) is_new: bool,
    /// Whether it was issued for this query, or while this query waited for it.
    pub(crate) was_awaited: bool,
}

/// The token of one endpoint. Its lock is held while a token is requested.
#[derive(Default)]
struct Slot {
    /// The credentials that the rest belongs to.
    credentials: Option<Oauth2>,
    token: Option<CachedToken>,
    failure: SharedFailure<NoToken>,
}

struct CachedToken {
    authorization: HeaderValue,
    requested_at: Timestamp,
    usable_until: Timestamp,
    issued_at: Instant,
}

impl AccessTokens {
    pub(crate) fn new() -> Self {
        Self { slots: Cache::new(MAX_AGE, MAX_ENDPOINTS) }
    }

    /// Returns the token of an endpoint. If there is none, or the receiver has rejected one that is not new, requests one. Fails at
    /// the deadline of the query.
    ///
    /// A query that waits for the request of another query gets the result of that request, whether it is a token or a failure.
    pub(crate) async fn get<F>(
        &self,
        query: TokenQuery<'_>,
        request: impl FnOnce() -> F,
    ) -> Result<AccessToken, NoToken>
    where
        F: Future<Output = Result<IssuedToken, NoToken>>,
    {
        let token = timeout_at(query.deadline.into(), self.cached_or_requested(query, request)).await;
        token.unwrap_or_else(|_| Err(TokenFailure::unreachable(FailureReason::Timeout).into()))
    }

    async fn cached_or_requested<F>(
        &self,
        query: TokenQuery<'_>,
        request: impl FnOnce() -> F,
    ) -> Result<AccessToken, NoToken>
    where
        F: Future<Output = Result<IssuedToken, NoToken>>,
    {
        let TokenQuery { endpoint, credentials, now, .. } = query;
        let (since, slot) = (Instant::now(), self.slot(endpoint, now));
        let mut slot = slot.lock().await;
        if slot.credentials.as_ref() != Some(credentials) {
            *slot = Slot { credentials: Some(credentials.clone()), ..Slot::default() };
        }
        if let Some(result) = slot.known(query, since) {
            return result;
        }
        // It has expired or was rejected. If the request fails, later queries must not get it either.
        slot.token = None;
        match request().await {
            Ok(IssuedToken { authorization, lifetime }) => {
                let (usable_until, issued_at) = (now.plus(lifetime), Instant::now());
                let token = CachedToken { authorization, requested_at: now, usable_until, issued_at };
                Ok(slot.token.insert(token).for_query(query, since))
            }
            Err(failure) => {
                slot.failure.note(failure.clone());
                Err(failure)
            }
        }
    }

    /// Forgets a token that the receiver has rejected, unless it is new.
    pub(crate) fn forget(&self, endpoint: EndpointId, rejected: &HeaderValue, now: Timestamp) {
        // While the slot is locked, its token is being replaced.
        if let Ok(mut slot) = self.slot(endpoint, now).try_lock() {
            slot.token.take_if(|token| token.is_outdated_by(rejected, now));
        }
    }

    fn slot(&self, endpoint: EndpointId, now: Timestamp) -> Arc<Mutex<Slot>> {
        self.slots.update_or_insert(endpoint, now, Arc::default, |slot| Arc::clone(slot))
    }
}

impl Slot {
    /// The result of a query that began to wait at `since`, if it needs no request.
    ///
    /// A query also gets a token that expired while it waited, or that is the rejected one again. Otherwise the queries that wait
    /// would make their requests one after the other.
    fn known(&self, query: TokenQuery<'_>, since: Instant) -> Option<Result<AccessToken, NoToken>> {
        let token = self.token.as_ref().filter(|token| token.issued_at >= since || token.is_usable(query));
        if let Some(token) = token {
            return Some(Ok(token.for_query(query, since)));
        }
        self.failure.since(since).map(Err)
    }
}

impl CachedToken {
    fn is_usable(&self, query: TokenQuery<'_>) -> bool {
        let is_outdated = query.rejected.is_some_and(|rejected| self.is_outdated_by(rejected, query.now));
        query.now < self.usable_until && !is_outdated
    }

    /// Whether the receiver has rejected this token, and it is not new.
    fn is_outdated_by(&self, rejected: &HeaderValue, now: Timestamp) -> bool {
        self.authorization == rejected && !self.is_new(now)
    }

    fn is_new(&self, now: Timestamp) -> bool {
        now.since(self.requested_at) < NEW_TIME
    }

    fn for_query(&self, query: TokenQuery<'_>, since: Instant) -> AccessToken {
        AccessToken {
            authorization: self.authorization.clone(),
            is_new: self.is_new(query.now),
            was_awaited: self.issued_at >= since,
        }
    }
}

#[cfg(test)]
mod tests;

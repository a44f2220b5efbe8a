//! Extractors for callers. A handler's signature names the required permission.

use std::convert::Infallible;
use std::marker::PhantomData;

use aws::lambda::request_log::RequestId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{KeyRecord, Scope};
use domain::projects::audit::{Actor, Author};

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::authenticate::KnownCaller;
use crate::http::idempotency::IdempotentRequest;
use crate::http::identity::Identity;
use crate::http::rate_limit::RateLimitSlot;
use crate::http::source_address::source_address;

/// The operator.
pub(crate) struct Operator {
    /// Where the request comes from.
    pub(crate) origin: RequestOrigin,
}

/// A caller with the scope `S` on the project in the path: the operator, the holder of one of the project's keys, or the user of
/// one of its console sessions.
///
/// The project may not exist. The key of another project is rejected in the same way whether the project exists or not.
pub(crate) struct Caller<S> {
    /// The project in the path.
    pub(crate) project_id: ProjectId,
    /// Where the request comes from.
    pub(crate) origin: RequestOrigin,
    /// Who the caller is.
    pub(crate) identity: Identity,
    rate_limit: Option<RateLimitSlot>,
    scope: PhantomData<S>,
}

/// Number of calls that a slow call counts as.
const SLOW_WEIGHT: u32 = 10;

impl<S> Caller<S> {
    /// Counts this request as [`SLOW_WEIGHT`] calls of its API key or session. The additional calls affect only later requests, so
    /// a caller with a low limit can use all routes.
    pub(crate) async fn charge_slow(&self, app: &App) {
        self.charge(app, SLOW_WEIGHT).await;
    }

    /// Counts this request as `weight` calls, as [`Self::charge_slow`] does.
    pub(crate) async fn charge(&self, app: &App, weight: u32) {
        let Some(id) = self.identity.id() else { return };
        // Authentication has counted one call.
        let status = app.call_limiter.charge(&id, weight - 1, app.clock.now()).await;
        if let Some(slot) = &self.rate_limit {
            slot.set(status);
        }
    }

    /// Fails if the caller lacks `scope`, which only some requests to this route require.
    pub(crate) fn permit(&self, scope: Scope) -> Result<(), ApiError> {
        self.identity.permit(scope)
    }

    /// Returns the earlier of `end` and the end of the caller's access. A return link must not outlive the key that creates it.
    pub(crate) fn earlier_end(&self, end: Timestamp) -> Timestamp {
        self.identity.expires_at().map_or(end, |expires_at| expires_at.min(end))
    }
}

impl<S: ScopeType> Caller<S> {
    /// Fails if the API key was revoked, replaced or limited since the call began.
    pub(crate) async fn check_again(&self, app: &App) -> Result<(), ApiError> {
        let Identity::ApiKey(key) = &self.identity else { return Ok(()) };
        let now = app.clock.now();
        let Some(KeyRecord::Key(key)) = app.api_keys.get(&key.key_hash, now).await? else {
            return Err(ApiError::UnknownKey);
        };
        key.admit(now, self.origin.author.source_ip)?;
        Ok(key.permit(S::SCOPE)?)
    }
}

/// Where a request comes from: its author in the audit log, and its identity if it may be repeated.
pub(crate) struct RequestOrigin {
    /// Who sent the request, for the audit log.
    pub(crate) author: Author,
    /// The request, if it has an `Idempotency-Key`.
    pub(crate) idempotent_request: Option<IdempotentRequest>,
}

/// A scope as a type, for the signature of a handler.
pub(crate) trait ScopeType {
    const SCOPE: Scope;
}

macro_rules! scope_types {
    ($($scope:ident),*) => {
        /// The scopes as types.
        pub(crate) mod scope {
            $(
                /// The scope with this name.
                pub(crate) struct $scope;

                impl super::ScopeType for $scope {
                    const SCOPE: super::Scope = super::Scope::$scope;
                }
            )*
        }
    };
}

scope_types!(
    SettingsRead,
    SettingsWrite,
    KeysWrite,
    SecretsWrite,
    EventsWrite,
    EventsRead,
    DeliveriesRead,
    DeliveriesReplay,
    LinksWrite,
    ReturnVerify
);

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match KnownCaller::recognize(parts, app).await?.identity {
            Identity::Operator => Ok(Self { origin: RequestOrigin::of(parts, Actor::Operator) }),
            Identity::ApiKey(_) | Identity::Session(_) => Err(ApiError::Forbidden),
        }
    }
}

impl<S: ScopeType> FromRequestParts<App> for Caller<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let KnownCaller { identity, project_id } = KnownCaller::recognize(parts, app).await?;
        let project_id = project_id.ok_or(ApiError::NotFound("project"))?;
        identity.permit(S::SCOPE)?;
        let (origin, rate_limit) = (RequestOrigin::of(parts, identity.actor()), parts.extensions.get().cloned());
        Ok(Self { project_id, origin, identity, rate_limit, scope: PhantomData })
    }
}

/// The origin of a request by a person who opened the link in a notification user's mail.
impl<S: Send + Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut origin = Self::of(parts, Actor::MailLink);
        // The audit log identifies people only by their ids, so it stores no address.
        origin.author.source_ip = None;
        Ok(origin)
    }
}

impl RequestOrigin {
    fn of(parts: &Parts, actor: Actor) -> Self {
        let request_id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        let author = Author { actor, source_ip: source_address(parts), request_id };
        Self { author, idempotent_request: parts.extensions.get().cloned() }
    }
}

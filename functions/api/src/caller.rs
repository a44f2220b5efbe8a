//! Who calls, and what they may do.

use std::collections::{BTreeSet, HashMap};
use std::convert::{Infallible, identity};
use std::marker::PhantomData;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use shared::api_key::{ApiKey, ApiKeyKind, ProjectKey, Scope};
use shared::audit::{Actor, Author};
use shared::id::ProjectId;

use crate::App;
use crate::once::Claim;
use crate::problem::ApiError;
use crate::rate::StandingSlot;
use crate::request_log::RequestId;

/// The operator.
pub(crate) struct Operator {
    /// Where what they ask for comes from.
    pub(crate) origin: Origin,
}

/// Somebody who may use the scope `S` on the project in the path: the operator, or the holder of one of its keys.
///
/// That the project exists is not said: a key of another project is refused alike, whether there is one or not.
pub(crate) struct Caller<S> {
    /// The project in the path.
    pub(crate) project_id: ProjectId,
    /// Where what they ask for comes from.
    pub(crate) origin: Origin,
    /// The key that was shown, unless it was the operator's.
    key: Option<ProjectKey>,
    scope: PhantomData<S>,
}

impl<S> Caller<S> {
    /// What the caller may do, and so may let others do.
    pub(crate) fn scopes(&self) -> BTreeSet<Scope> {
        self.key.as_ref().map_or_else(|| Scope::ALL.into(), |key| key.scopes.clone())
    }
}

/// Where a request comes from: what the audit log says of it, and how it is told from its repetitions.
pub(crate) struct Origin {
    /// Who asks.
    pub(crate) author: Author,
    /// What the request is known by if it came with an `Idempotency-Key`.
    pub(crate) claim: Option<Claim>,
}

/// Whose key was shown: it exists, may be used now and from where it is used, and belongs to the project in the path.
#[derive(Debug, Clone)]
pub(crate) struct KnownCaller {
    /// The key, unless it is the operator's.
    pub(crate) key: Option<ProjectKey>,
    /// The project in the path, if there is one in it.
    pub(crate) project_id: Option<ProjectId>,
}

/// A scope as a type, to stand in a handler's signature.
pub(crate) trait ScopeType {
    const SCOPE: Scope;
}

macro_rules! scope_types {
    ($($scope:ident),*) => {
        /// The scopes as types.
        pub(crate) mod scope {
            $(
                /// See the scope of this name.
                pub(crate) struct $scope;

                impl super::ScopeType for $scope {
                    const SCOPE: super::Scope = super::Scope::$scope;
                }
            )*
        }
    };
}

scope_types!(SettingsRead, SettingsWrite, EventsWrite, DeliveriesRead, DeliveriesReplay, LinksWrite);

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match KnownCaller::recognize(parts, app).await?.key {
            None => Ok(Self { origin: Origin::of(parts, Actor::Operator) }),
            Some(_) => Err(ApiError::Forbidden),
        }
    }
}

impl<S: ScopeType> FromRequestParts<App> for Caller<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let KnownCaller { key, project_id } = KnownCaller::recognize(parts, app).await?;
        let project_id = project_id.ok_or(ApiError::NotFound("project"))?;
        let actor = match &key {
            None => Actor::Operator,
            Some(key) => {
                key.permit(S::SCOPE).map_err(ApiError::Refused)?;
                Actor::ApiKey { id: key.id, name: key.name.clone() }
            }
        };
        Ok(Self { project_id, origin: Origin::of(parts, actor), key, scope: PhantomData })
    }
}

impl KnownCaller {
    /// Recognizes who calls, and counts the call; once a request, however often it is asked.
    pub(crate) async fn recognize(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let shown = shown_key(parts)?;
        let project_id = project_in_path(parts).await;
        let mut known = Self { key: None, project_id };
        if !is_operator(&shown, app) {
            known.key = Some(project_key(&shown, parts, project_id, app).await?);
        }
        parts.extensions.insert(known.clone());
        Ok(known)
    }
}

/// Whoever opened a link that was mailed to a notification user.
impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts, Actor::MailLink))
    }
}

impl Origin {
    fn of(parts: &Parts, actor: Actor) -> Self {
        let request_id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        let author = Author { actor, source_ip: source_address(parts), request_id };
        Self { author, claim: parts.extensions.get().cloned() }
    }
}

async fn project_key(
    shown: &ApiKey,
    parts: &Parts,
    project_id: Option<ProjectId>,
    app: &App,
) -> Result<ProjectKey, ApiError> {
    let now = app.clock.now();
    let key = app.api_keys.get(&shown.hash(), now).await?.ok_or(ApiError::UnknownKey)?;
    key.admit(now, source_address(parts)).map_err(ApiError::Refused)?;
    if project_id != Some(key.project_id) {
        return Err(ApiError::Forbidden);
    }
    let standing = app.rate_limiter.count(key.id, now).await;
    if let Some(slot) = parts.extensions.get::<StandingSlot>() {
        slot.set(standing.unwrap_or_else(identity));
    }
    standing.map_err(ApiError::TooManyCalls)?;
    app.api_keys.note_use(key.clone(), now).await;
    Ok(key)
}

fn shown_key(parts: &Parts) -> Result<ApiKey, ApiError> {
    let shown = parts.headers.get("x-api-key").and_then(|value| value.to_str().ok());
    shown.and_then(|text| text.parse().ok()).ok_or(ApiError::UnknownKey)
}

fn is_operator(key: &ApiKey, app: &App) -> bool {
    key.kind() == ApiKeyKind::Operator && app.config.operator_keys.contain(&key.hash())
}

async fn project_in_path(parts: &mut Parts) -> Option<ProjectId> {
    let Path(names) = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await.ok()?;
    names.get("pid")?.parse().ok()
}

/// The address that API Gateway saw the call come from.
fn source_address(parts: &Parts) -> Option<IpAddr> {
    match parts.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

//! Who calls, and what they may do.

use std::collections::{BTreeSet, HashMap};
use std::convert::identity;
use std::marker::PhantomData;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use shared::api_key::{ApiKey, ApiKeyKind, ProjectKey, Scope};
use shared::id::ProjectId;

use crate::App;
use crate::problem::ApiError;
use crate::rate::StandingSlot;

/// The operator.
pub(crate) struct Operator;

/// Somebody who may use the scope `S` on the project in the path: the operator, or the holder of one of its keys.
///
/// That the project exists is not said: a key of another project is refused alike, whether there is one or not.
pub(crate) struct Caller<S> {
    /// The project in the path.
    pub(crate) project_id: ProjectId,
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
        let key = shown_key(parts)?;
        if is_operator(&key, app) {
            return Ok(Self);
        }
        match app.api_keys.get(&key.hash(), app.clock.now()).await? {
            Some(_) => Err(ApiError::Forbidden),
            None => Err(ApiError::UnknownKey),
        }
    }
}

impl<S: ScopeType> FromRequestParts<App> for Caller<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let key = shown_key(parts)?;
        let project_id = project_in_path(parts).await;
        if is_operator(&key, app) {
            let project_id = project_id.ok_or(ApiError::NotFound("project"))?;
            return Ok(Self { project_id, key: None, scope: PhantomData });
        }
        let now = app.clock.now();
        let known = app.api_keys.get(&key.hash(), now).await?.ok_or(ApiError::UnknownKey)?;
        known.admit(S::SCOPE, now, source_address(parts)).map_err(ApiError::Refused)?;
        let project_id = project_id.filter(|asked| *asked == known.project_id).ok_or(ApiError::Forbidden)?;
        let standing = app.rate_limiter.count(known.id, now).await;
        if let Some(slot) = parts.extensions.get::<StandingSlot>() {
            slot.set(standing.unwrap_or_else(identity));
        }
        standing.map_err(ApiError::TooManyCalls)?;
        app.api_keys.note_use(known.clone(), now).await;
        Ok(Self { project_id, key: Some(known), scope: PhantomData })
    }
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

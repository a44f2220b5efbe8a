//! Authenticates the caller by the API key in `x-api-key`, or as the console session that the console passes on. Counts the call
//! against the caller's rate limit.

use std::collections::HashMap;
use std::convert::identity;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::foundation::header_names;
use domain::foundation::id::ProjectId;
use domain::projects::api_key::{KeyRecord, PresentedKey, ProjectKey};
use domain::projects::console::ConsoleSession;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::identity::{Identity, SessionCaller};
use crate::http::rate_limit::RateLimitSlot;
use crate::http::source_address::source_address;
use crate::http::unknown_query;

/// A caller with a valid API key or console session. A project's key has not expired and is used from an allowed network. Key and
/// session belong to the project in the path.
#[derive(Debug, Clone)]
pub(crate) struct KnownCaller {
    /// Who the caller is.
    pub(crate) identity: Identity,
    /// The project in the path, if the path names one.
    pub(crate) project_id: Option<ProjectId>,
}

impl KnownCaller {
    /// Authenticates the caller and counts the call. A second call for the same request returns the first result, so that the
    /// request is counted once.
    pub(crate) async fn recognize(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let project_id = project_in_path(parts).await;
        let known = Self { identity: identify(parts, project_id, app).await?, project_id };
        unknown_query::check(parts)?;
        parts.extensions.insert(known.clone());
        Ok(known)
    }
}

async fn identify(parts: &Parts, project_id: Option<ProjectId>, app: &App) -> Result<Identity, ApiError> {
    if let Some(SessionCaller { session, .. }) = parts.extensions.get() {
        return known_session(session, parts, project_id, app).await.map(Identity::Session);
    }
    let api_key = api_key(parts)?;
    if api_key.is_operator_kind() {
        return if app.config.operator_keys.contain(api_key.hash()) {
            Ok(Identity::Operator)
        } else {
            Err(ApiError::UnknownKey)
        };
    }
    project_key(&api_key, parts, project_id, app).await.map(Identity::ApiKey)
}

/// Returns the session. Fails if it must not be used for this project.
async fn known_session(
    session: &ConsoleSession,
    parts: &Parts,
    project_id: Option<ProjectId>,
    app: &App,
) -> Result<ConsoleSession, ApiError> {
    count_call(&session.id.to_string(), parts, app).await?;
    if project_id != Some(session.project_id) {
        return Err(ApiError::Forbidden);
    }
    Ok(session.clone())
}

/// Returns the stored key. Fails unless it may be used now, from this address and for this project.
async fn project_key(
    api_key: &PresentedKey,
    parts: &Parts,
    project_id: Option<ProjectId>,
    app: &App,
) -> Result<ProjectKey, ApiError> {
    let now = app.clock.now();
    let Some(KeyRecord::Key(key)) = app.api_keys.get(api_key.hash(), now).await? else {
        return Err(ApiError::UnknownKey);
    };
    key.admit(now, source_address(parts))?;
    // Calls for other projects count too. Otherwise they would be unlimited.
    count_call(&key.id.to_string(), parts, app).await?;
    if project_id != Some(key.project_id) {
        return Err(ApiError::Forbidden);
    }
    app.api_keys.note_use(&key, now).await;
    Ok(*key)
}

/// Admits a caller who repeats a rotation with the key that the rotation replaced. `replaced` is the key before the rotation. Its
/// networks, expiry and rate limit still apply.
pub(crate) async fn admit_replaced_key(replaced: &ProjectKey, parts: &Parts, app: &App) -> Result<(), ApiError> {
    if *api_key(parts)?.hash() != replaced.key_hash {
        return Err(ApiError::UnknownKey);
    }
    replaced.admit(app.clock.now(), source_address(parts))?;
    count_call(&replaced.id.to_string(), parts, app).await
}

/// Counts a call of the API key or session with this id.
async fn count_call(caller: &str, parts: &Parts, app: &App) -> Result<(), ApiError> {
    let status = app.call_limiter.count(caller, app.clock.now()).await;
    if let Some(slot) = parts.extensions.get::<RateLimitSlot>() {
        slot.set(status.unwrap_or_else(identity));
    }
    status.map(drop).map_err(ApiError::TooManyCalls)
}

/// The API key in the header. The checksum in a key rejects mistyped ones here, without a read of the store. A key of another
/// format may be an imported one.
fn api_key(parts: &Parts) -> Result<PresentedKey, ApiError> {
    let header = parts.headers.get(header_names::API_KEY).and_then(|value| value.to_str().ok());
    header.and_then(|value| value.parse().ok()).ok_or(ApiError::UnknownKey)
}

async fn project_in_path(parts: &mut Parts) -> Option<ProjectId> {
    let Path(names) = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await.ok()?;
    names.get("pid")?.parse().ok()
}

//! Endpoints whose webhooks are held, and API keys that expire soon or are not used, at the time when the report is built.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::id::{ApiKeyId, EndpointId};
use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::api_key::ProjectKey;
use crate::projects::name::Name;
use crate::webhooks::attempt::FailureReason;
use crate::webhooks::endpoint::SendingState;
use crate::webhooks::health::{Health, HoldReason};

/// How long before its expiry an API key is listed in reports.
pub const EXPIRY_NOTICE_PERIOD: Duration = Duration::from_hours(14 * 24);

/// How long an API key is not used before reports remind of it.
pub const UNUSED_NOTICE_PERIOD: Duration = Duration::from_hours(90 * 24);

/// The endpoints of a project at the time when the report is built, without deleted ones.
pub type Endpoints = BTreeMap<EndpointId, EndpointFacts>;

/// The data of an endpoint that a report needs.
#[derive(Debug, Clone)]
pub struct EndpointFacts {
    /// Host of the endpoint's URL. The rest of the URL may contain secrets.
    pub host: String,
    /// State that the customer set.
    pub sending_state: SendingState,
    /// Health of the endpoint's receiver.
    pub health: Health,
}

/// An endpoint whose deliveries are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TroubledEndpoint {
    /// Id of the endpoint.
    pub endpoint_id: EndpointId,
    /// Host of the endpoint's URL.
    pub host: String,
    /// Why deliveries are held.
    pub state: HoldReason,
    /// When the receiver started to fail or the endpoint was disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// HTTP status of the last attempt, if the receiver answered, or the token server with a reason that begins with `token-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When the endpoint will be disabled if its receiver keeps failing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disables_at: Option<Timestamp>,
}

/// An API key that expires soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpiringKey {
    /// Id of the API key.
    pub id: ApiKeyId,
    /// Name of the API key.
    pub name: Name,
    /// Prefix and first four characters of the key.
    pub hint: String,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// An API key that was not used for a long time, so that it can probably be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnusedKey {
    /// Id of the API key.
    pub id: ApiKeyId,
    /// Name of the API key.
    pub name: Name,
    /// Prefix and first four characters of the key.
    pub hint: String,
    /// Last UTC day on which the key was used. Absent: the key was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_on: Option<UtcDay>,
}

/// Returns the endpoints whose deliveries are held.
pub(super) fn in_trouble(endpoints: &Endpoints) -> Vec<TroubledEndpoint> {
    endpoints.iter().filter_map(|(id, facts)| troubled(*id, facts)).collect()
}

fn troubled(endpoint_id: EndpointId, facts: &EndpointFacts) -> Option<TroubledEndpoint> {
    let EndpointFacts { host, sending_state, health } = facts;
    let (state, since) = health.trouble(*sending_state)?;
    Some(TroubledEndpoint {
        endpoint_id,
        host: host.clone(),
        state,
        since,
        reason: health.last_failure.map(|failure| failure.reason),
        status: health.last_failure.and_then(|failure| failure.status),
        // A paused endpoint makes no attempts, and resuming it resets its health.
        disables_at: health.disables_at.filter(|_| *sending_state == SendingState::Active),
    })
}

/// Returns the keys that expire within [`EXPIRY_NOTICE_PERIOD`] from `now`, in the order of expiry.
pub fn expiring(keys: Vec<ProjectKey>, now: Timestamp) -> Vec<ExpiringKey> {
    let is_soon = |at: &Timestamp| now < *at && *at <= now.plus(EXPIRY_NOTICE_PERIOD);
    let soon = keys.into_iter().filter_map(|key| {
        let expires_at = key.expires_at.filter(is_soon)?;
        Some(ExpiringKey { id: key.id, name: key.name, hint: key.hint, expires_at })
    });
    let mut soon: Vec<ExpiringKey> = soon.collect();
    soon.sort_by_key(|key| key.expires_at);
    soon
}

/// Returns the valid keys that were created and last used more than [`UNUSED_NOTICE_PERIOD`] before `now`, oldest key first.
pub fn unused(keys: &[ProjectKey], now: Timestamp) -> Vec<UnusedKey> {
    let limit = now.minus(UNUSED_NOTICE_PERIOD);
    let is_unused = |key: &&ProjectKey| {
        let is_recent = key.last_used_on.is_some_and(|day| day >= limit.day());
        key.is_valid(now) && key.created_at < limit && !is_recent
    };
    let listed = keys.iter().filter(is_unused).map(|key| {
        let (name, hint) = (key.name.clone(), key.hint.clone());
        UnusedKey { id: key.id, name, hint, last_used_on: key.last_used_on }
    });
    let mut listed: Vec<UnusedKey> = listed.collect();
    listed.sort_by_key(|key| key.id);
    listed
}

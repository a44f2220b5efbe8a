//! `/v1/projects/{pid}/jwks.json` and `/jwks/rotate`: the public keys that verify `v1a` signatures.

use aws::store::Write;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HeaderName};
use domain::foundation::id::{KeyPairId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::audit::{AuditChange, Resource};
use domain::projects::project::Project;
use domain::webhooks::key_pair::{KeyPairs, MAX_KEY_PAIRS, PublicKey, StoredKeyPair, TooManyKeyPairs};
use domain::webhooks::signature::{SignatureScheme, SignatureSchemes};
use serde::Serialize;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Body;
use crate::http::caller::{Caller, scope};
use crate::http::etag::{Preconditions, SettingsView, Tag};
use crate::http::response::{PUBLIC, SettingsResponse};
use crate::http::settings_change::ChangeDecision;
use crate::http::unknown_query::NoQuery;
#[cfg(test)]
use crate::openapi::{parameters, requests};

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct JwkSet {
    /// The public keys of current signatures, of signatures in the last 24 hours, and of those that begin within ten minutes.
    keys: Vec<Jwk>,
}

/// An Ed25519 public key as a JWK (RFC 8037).
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct Jwk {
    /// Key type: `OKP`.
    kty: &'static str,
    /// Curve: `Ed25519`.
    crv: &'static str,
    /// Algorithm: `EdDSA`.
    alg: &'static str,
    /// Use of the key: `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// Id of the key.
    kid: KeyPairId,
    /// The public key, in base64url.
    x: PublicKey,
}

impl SettingsView for JwkSet {}

impl JwkSet {
    fn of(pairs: &KeyPairs, now: Timestamp) -> Self {
        Self { keys: pairs.listed_at(now).map(Jwk::from).collect() }
    }
}

impl From<&StoredKeyPair> for Jwk {
    fn from(pair: &StoredKeyPair) -> Self {
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: pair.id, x: pair.public_key }
    }
}

/// A new key pair. Its public key is listed now, and it signs webhooks later.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKeyPair {
    /// Id of the public key.
    kid: KeyPairId,
    /// When the key pair begins to sign webhooks.
    signs_from: Timestamp,
}

impl SettingsView for NewKeyPair {}

impl From<&StoredKeyPair> for NewKeyPair {
    fn from(pair: &StoredKeyPair) -> Self {
        Self { kid: pair.id, signs_from: pair.signs_from }
    }
}

/// Lists the public keys of a project as a JSON Web Key Set (RFC 7517). The list is empty if the project has no keys or does not
/// exist.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/jwks.json", operation_id = "listPublicKeys", tag = "Public keys",
    responses((status = 200, description = "The public keys.", body = JwkSet)),
))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(project): Path<String>,
    _: NoQuery,
) -> Result<([(HeaderName, &'static str); 1], SettingsResponse<JwkSet>), ApiError> {
    let project = project.parse().map_err(|_| ApiError::NotFound("project"))?;
    let pairs = app.store.endpoints.key_pairs(project).await?;
    let now = app.clock.now();
    let response = match &pairs {
        Some(pairs) => SettingsResponse::ok(JwkSet::of(pairs, now)).with_tag(tag_of(pairs, now)),
        None => SettingsResponse::ok(JwkSet { keys: Vec::new() }),
    };
    Ok(([(CACHE_CONTROL, PUBLIC)], response))
}

/// Creates a key pair that replaces the current one. Its public key is listed at once, and it signs webhooks ten minutes later, so
/// that receivers can load the key first. The old public key stays listed for 24 hours after that. The first key pair of a project
/// signs at once.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/jwks/rotate", operation_id = "rotateKeyPair", tag = "Public keys",
    params(parameters::IdempotencyKey, parameters::Preconditions), security(("x-api-key" = ["secrets:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 200, description = "The new key pair.", body = NewKeyPair)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SecretsWrite>,
    preconditions: Preconditions,
    body: Body,
) -> Result<SettingsResponse<NewKeyPair>, ApiError> {
    body.expect_no_fields()?;
    let ring = app.key_ring.ring().await?;
    let (app, ring, preconditions) = (&app, &ring, &preconditions);
    let decide = move |project: Project| async move {
        let now = app.clock.now();
        let id = KeyPairId::new(now, &*app.random);
        let seen = app.store.endpoints.key_pairs(project.id).await?;
        preconditions.check(seen.as_ref().map(|pairs| tag_of(pairs, now)).as_ref())?;
        let is_first = seen.is_none();
        let (pairs, new) = match seen {
            None => {
                let pairs = KeyPairs::first(id, project.id, ring, &*app.random);
                (pairs, NewKeyPair { kid: id, signs_from: now })
            }
            Some(mut pairs) => {
                let new = pairs.rotate(id, now, ring, &*app.random).map(NewKeyPair::from);
                let new = new.map_err(|TooManyKeyPairs| {
                    ApiError::LimitReached(MAX_KEY_PAIRS, "listed public keys per project")
                })?;
                (pairs, new)
            }
        };
        let (write, listed) = (Write::key_pairs(&pairs, is_first)?, JwkSet::of(&pairs, now).settings());
        let change = AuditChange::created(Resource::SigningKeys, &new.settings());
        let decision = ChangeDecision::resource(project, vec![write], change, SettingsResponse::ok(new));
        Ok(decision.with_tag(&listed, pairs.changed_in))
    };
    app.change_settings(&caller.origin, caller.project_id, decide).await
}

/// The `ETag` of the public keys.
fn tag_of(pairs: &KeyPairs, now: Timestamp) -> Tag {
    Tag::of(&JwkSet::of(pairs, now).settings(), pairs.changed_in)
}

/// Returns the write of a project's first key pair, if `signatures` need one and the project has none. It belongs to the
/// transaction that writes the endpoint.
pub(crate) async fn first_for(
    app: &App,
    project: ProjectId,
    signatures: &SignatureSchemes,
) -> Result<Option<Write>, ApiError> {
    if !signatures.contain(SignatureScheme::V1a) || app.store.endpoints.key_pairs(project).await?.is_some() {
        return Ok(None);
    }
    let id = KeyPairId::new(app.clock.now(), &*app.random);
    let ring = app.key_ring.ring().await?;
    Ok(Some(Write::key_pairs(&KeyPairs::first(id, project, &ring, &*app.random), true)?))
}

//! `/v1/projects/{pid}/jwks`: the public keys that verify `v1a` signatures.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HeaderName};
use serde::Serialize;
use shared::audit::{Deed, Resource};
use shared::aws::store::Write;
use shared::id::{KeyPairId, ProjectId};
use shared::key_pair::{KeyPairs, MOST_KEY_PAIRS, PublicKey, StoredKeyPair, TooManyKeyPairs};
use shared::project::Project;
use shared::signature::{SignatureScheme, SignatureSchemes};
use shared::time::Timestamp;

use crate::App;
use crate::answer::Answer;
use crate::body::{Body, Nothing};
use crate::caller::{Caller, scope};
use crate::changes::Decision;
#[cfg(test)]
use crate::openapi::{parameters, requests};
use crate::problem::ApiError;
use crate::tag::settings_in;

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct JwkSet {
    /// The keys that webhooks may be signed with, now or in the last day or in ten minutes.
    keys: Vec<Jwk>,
}

/// An Ed25519 public key as a JWK (RFC 8037).
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct Jwk {
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// `EdDSA`.
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// Names the key.
    kid: KeyPairId,
    /// The key.
    x: PublicKey,
}

impl From<&StoredKeyPair> for Jwk {
    fn from(pair: &StoredKeyPair) -> Self {
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: pair.id, x: pair.public_key }
    }
}

/// A new key pair: its public key is listed now, and it signs later.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKeyPair {
    /// Names its public key.
    kid: KeyPairId,
    /// When it begins to sign.
    signs_from: Timestamp,
}

impl From<&StoredKeyPair> for NewKeyPair {
    fn from(pair: &StoredKeyPair) -> Self {
        Self { kid: pair.id, signs_from: pair.signs_from }
    }
}

/// Lists the public keys. Anybody may ask; a project that does not exist looks like one that has none.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/jwks.json", operation_id = "listPublicKeys", tag = "Public keys",
    responses((status = 200, description = "The public keys.", body = JwkSet)),
))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(project): Path<String>,
) -> Result<([(HeaderName, &'static str); 1], Json<JwkSet>), ApiError> {
    let project = project.parse().map_err(|_| ApiError::NotFound("project"))?;
    let pairs = app.settings.key_pairs(project).await?;
    let now = app.clock.now();
    let keys = pairs.iter().flat_map(|pairs| pairs.listed_at(now)).map(Jwk::from).collect();
    Ok(([(CACHE_CONTROL, "public, max-age=300")], Json(JwkSet { keys })))
}

/// Makes a new key pair. Its public key is listed at once, and it signs ten minutes later; the old public key stays listed
/// for a day after that.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/projects/{pid}/jwks/rotate", operation_id = "rotateKeyPair", tag = "Public keys",
    params(parameters::Once), security(("x-api-key" = ["settings:write"])), request_body = Option<requests::Nothing>,
    extensions(("x-problems" = json!(["limit-reached", "changed-meanwhile"]))),
    responses((status = 200, description = "The new key pair.", body = NewKeyPair)),
))]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller<scope::SettingsWrite>,
    body: Body,
) -> Result<Answer<NewKeyPair>, ApiError> {
    let Nothing = body.draft_or_empty()?.try_into()?;
    let ring = app.key_ring.ring().await?;
    let (app, ring) = (&app, &ring);
    let decide = move |project: Project| async move {
        let now = app.clock.now();
        let id = KeyPairId::new(now, &*app.random);
        let (new, write) = match app.settings.key_pairs(project.id).await? {
            None => {
                let pairs = KeyPairs::first(id, project.id, ring, &*app.random);
                (NewKeyPair { kid: id, signs_from: now }, Write::key_pairs(&pairs, true)?)
            }
            Some(mut pairs) => {
                let new = pairs.rotate(id, now, ring, &*app.random).map(NewKeyPair::from);
                let new =
                    new.map_err(|TooManyKeyPairs| ApiError::LimitReached(MOST_KEY_PAIRS, "listed public keys"))?;
                (new, Write::key_pairs(&pairs, false)?)
            }
        };
        let deed = Deed::created(Resource::SigningKeys, &settings_in(&new));
        Ok(Decision::change(project, vec![write], deed, Answer::ok(new)))
    };
    app.change(&caller.origin, caller.project_id, decide).await
}

/// A project's first key pair, to be stored with the endpoint whose `signatures` need one, if it has none yet.
pub(crate) async fn first_for(
    app: &App,
    project: ProjectId,
    signatures: &SignatureSchemes,
) -> Result<Option<Write>, ApiError> {
    if !signatures.contain(SignatureScheme::V1a) || app.settings.key_pairs(project).await?.is_some() {
        return Ok(None);
    }
    let id = KeyPairId::new(app.clock.now(), &*app.random);
    let ring = app.key_ring.ring().await?;
    Ok(Some(Write::key_pairs(&KeyPairs::first(id, project, &ring, &*app.random), true)?))
}

//! `Idempotency-Key`: a request that is repeated with the same key runs once. Repetitions get the first response for a day.
//!
//! A change of settings stores its response in the transaction of the change ([`IdempotentRequest::keeper`]). Other requests use the
//! same resource id in each repetition ([`resource_id`]), so that repeating them creates nothing new; their response is stored
//! afterwards.
//!
//! A rotation can end the API key that requests it before the caller has received the new key. For a few minutes the old key can
//! repeat this one request and gets the stored response ([`answer_replaced_key`]). All other requests with it are rejected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws::store::{IdempotencyKeeper, IdempotencyKey, IdempotencyStart, Request as StoredRequest};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use domain::foundation::header_names;
use domain::foundation::id::{ApiKeyId, EventId, ProjectId};
use domain::foundation::key_ring::{Sealed, SealedKind};
use domain::projects::api_key::{ProjectKey, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::authenticate::{self, KnownCaller};
use crate::http::body;
use crate::http::identity::Identity;
use crate::http::response::StoredResponse;

/// A running request with an `Idempotency-Key`. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct IdempotentRequest(Arc<RunningRequest>);

struct RunningRequest {
    request: StoredRequest,
    /// Id of the resource that the request creates, the same in each repetition.
    resource_id: String,
    /// The project under which the response is sealed, because it may contain a secret. `None` if the response is stored in clear.
    sealed_for: Option<ProjectId>,
    has_stored_response: AtomicBool,
    /// The caller's key, if the request may replace it.
    replaceable_key: Option<ProjectKey>,
    /// Whether the change ends this key at once.
    ends_key: AtomicBool,
}

/// Which callers get the stored response of a route.
#[derive(Clone, Copy)]
enum Callers {
    /// The caller that sent the request. The response may contain a secret.
    Same,
    /// The caller that sent the request, even if the request replaced its key.
    SameOrReplaced,
    /// All callers with this scope on the project.
    AllWith(Scope),
}

/// A response as the store has it. A response that may contain a secret is sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ResponseRow {
    Plain(StoredResponse),
    Sealed(Sealed),
}

/// Makes a route idempotent. Each caller (an API key or a console session) and each path has its own keys: the response may
/// contain a secret, so no other caller gets it.
pub(crate) fn idempotent(app: &App, methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(from_fn_with_state(app.clone(), run_once_for_caller))
}

/// Makes a route that publishes events idempotent. All API keys of a project share its idempotency keys: after a rotation, the new
/// API key repeats requests of the old one safely.
pub(crate) fn idempotent_for_publishers(app: &App, methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(from_fn_with_state(app.clone(), run_once_for_project))
}

/// Makes the rotation of an API key idempotent, even if it ends the key that requests it.
pub(crate) fn idempotent_rotation(app: &App, methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(from_fn_with_state(app.clone(), run_once_for_rotation))
}

async fn run_once_for_caller(State(app): State<App>, request: Request, next: Next) -> Response {
    run_once(&app, request, next, Callers::Same).await.unwrap_or_else(IntoResponse::into_response)
}

async fn run_once_for_rotation(State(app): State<App>, request: Request, next: Next) -> Response {
    run_once(&app, request, next, Callers::SameOrReplaced).await.unwrap_or_else(IntoResponse::into_response)
}

async fn run_once_for_project(State(app): State<App>, request: Request, next: Next) -> Response {
    let callers = Callers::AllWith(Scope::EventsWrite);
    run_once(&app, request, next, callers).await.unwrap_or_else(IntoResponse::into_response)
}

/// Runs the request unless its response is stored.
async fn run_once(app: &App, request: Request, next: Next, callers: Callers) -> Result<Response, ApiError> {
    let Some(key) = idempotency_key(request.headers())? else { return Ok(next.run(request).await) };
    let (mut parts, body) = request.into_parts();
    let KnownCaller { identity, project_id } = match (KnownCaller::recognize(&mut parts, app).await, callers) {
        (Err(ApiError::UnknownKey), Callers::SameOrReplaced) => {
            return answer_replaced_key(app, &mut parts, body, &key).await.map(IntoResponse::into_response);
        }
        (caller, _) => caller?,
    };
    if let Callers::AllWith(scope) = callers {
        // Checked here, because a stored response does not pass the handler that would check it.
        identity.permit(scope)?;
    }
    let bytes = body::read(body, body::MAX_BODY_BYTES).await?;
    let own_name = identity.id().unwrap_or_else(|| "operator".to_owned());
    let (name, sealed_for) = match callers {
        Callers::Same | Callers::SameOrReplaced => (own_name.as_str(), project_id),
        Callers::AllWith(_) => ("", None),
    };
    let request = stored_request(&parts, project_id, &key, name, &bytes);
    let new_id = EventId::new(app.clock.now(), &*app.random).to_string();
    let running = match app.store.idempotency.begin(&request, new_id, app.clock.now()).await? {
        IdempotencyStart::Proceed { subject } => {
            let replaceable_key = match (identity, callers) {
                (Identity::ApiKey(key), Callers::SameOrReplaced) => Some(key),
                _ => None,
            };
            IdempotentRequest::new(request, subject, sealed_for, replaceable_key)
        }
        IdempotencyStart::Answered(response) => return Ok(open(app, &response, sealed_for).await?.into_response()),
        IdempotencyStart::Running => return Err(ApiError::RequestRunning),
        IdempotencyStart::OtherRequest => return Err(ApiError::IdempotencyKeyReused),
    };
    parts.extensions.insert(running.clone());
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    running.end(app, response).await
}

/// Returns the stored response of a rotation that ended the caller's own key. All requests except an exact repetition fail as with
/// any unknown key. Changes nothing.
async fn answer_replaced_key(
    app: &App,
    parts: &mut Parts,
    body: Body,
    key: &IdempotencyKey,
) -> Result<StoredResponse, ApiError> {
    let bytes = body::read(body, body::MAX_BODY_BYTES).await.map_err(|_| ApiError::UnknownKey)?;
    let Path((project_id, rotated)) =
        Path::<(ProjectId, ApiKeyId)>::from_request_parts(parts, &()).await.map_err(|_| ApiError::UnknownKey)?;
    // The path contains the id of a key that rotates itself, so the request can be found although the key no longer exists.
    let request = stored_request(parts, Some(project_id), key, &rotated.to_string(), &bytes);
    let stored = app.store.idempotency.of_rotated_key(&request, app.clock.now()).await?;
    let (caller, row) = stored.ok_or(ApiError::UnknownKey)?;
    authenticate::admit_replaced_key(&caller, parts, app).await?;
    open(app, &row, Some(project_id)).await
}

/// Identifies a request by its route, its body and the name of the caller.
fn stored_request(
    parts: &Parts,
    project_id: Option<ProjectId>,
    key: &IdempotencyKey,
    caller: &str,
    body: &[u8],
) -> StoredRequest {
    StoredRequest::new(project_id, key, &[parts.method.as_str(), parts.uri.path(), caller], body)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get(header_names::IDEMPOTENCY_KEY) else { return Ok(None) };
    Ok(Some(value.to_str().unwrap_or_default().parse()?))
}

impl IdempotentRequest {
    fn new(
        request: StoredRequest,
        resource_id: String,
        sealed_for: Option<ProjectId>,
        replaceable_key: Option<ProjectKey>,
    ) -> Self {
        let (has_stored_response, ends_key) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(RunningRequest {
            request,
            resource_id,
            sealed_for,
            has_stored_response,
            replaceable_key,
            ends_key,
        }))
    }

    /// Notes whether the change ends the key `id` at once. If it is the caller's own key, the stored response remains available to
    /// it.
    pub(crate) fn note_ended_key(&self, id: ApiKeyId, is_ended: bool) {
        let is_own = self.0.replaceable_key.as_ref().is_some_and(|key| key.id == id);
        self.0.ends_key.store(is_own && is_ended, Ordering::Relaxed);
    }

    /// Returns the write that stores the response, for the transaction of a change.
    pub(crate) async fn keeper(&self, app: &App, response: &StoredResponse) -> Result<IdempotencyKeeper, ApiError> {
        let row = self.row(app, response).await?;
        let ended_key = self.0.replaceable_key.clone().filter(|_| self.0.ends_key.load(Ordering::Relaxed));
        Ok(app.store.idempotency.keeper(&self.0.request, &self.0.resource_id, row, ended_key, app.clock.now())?)
    }

    /// Notes that the transaction of the change has stored the response.
    pub(crate) fn note_stored(&self) {
        self.0.has_stored_response.store(true, Ordering::Relaxed);
    }

    /// Stores the response, unless the transaction of the change has stored it. After a failure on our side the request can be
    /// repeated. After a rejection, the key can also be used with a corrected body.
    async fn end(self, app: &App, response: Response) -> Result<Response, ApiError> {
        let RunningRequest { request, resource_id, has_stored_response, .. } = &*self.0;
        let now = app.clock.now();
        if has_stored_response.load(Ordering::Relaxed) {
            return Ok(response);
        }
        if !response.status().is_success() {
            if response.status().is_client_error() {
                app.store.idempotency.forget(request, resource_id.clone(), now).await?;
            } else {
                app.store.idempotency.release(request, resource_id.clone(), now).await?;
            }
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| ApiError::UnreadableBody)?;
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let row = self.row(app, &StoredResponse::new(parts.status, json)).await?;
        app.store.idempotency.finish(request, resource_id.clone(), row, now).await?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    async fn row(&self, app: &App, response: &StoredResponse) -> Result<String, ApiError> {
        let row = match self.0.sealed_for {
            None => ResponseRow::Plain(response.clone()),
            Some(project) => {
                let json = serde_json::to_vec(response).expect("a response can be written as JSON");
                let ring = app.key_ring.ring().await?;
                ResponseRow::Sealed(ring.seal(SealedKind::KeptAnswer, project, &json, &*app.random))
            }
        };
        Ok(serde_json::to_string(&row).expect("a row can be written as JSON"))
    }
}

/// Returns the stored response. If it can no longer be read, the key counts as reused for another request.
async fn open(app: &App, row: &str, sealed_for: Option<ProjectId>) -> Result<StoredResponse, ApiError> {
    match (serde_json::from_str(row), sealed_for) {
        (Ok(ResponseRow::Plain(response)), None) => Ok(response),
        (Ok(ResponseRow::Sealed(sealed)), Some(project)) => {
            let ring = app.key_ring.ring_to_open([&sealed]).await?;
            let json = ring.open(SealedKind::KeptAnswer, project, &sealed)?;
            serde_json::from_slice(&json).map_err(|_| ApiError::IdempotencyKeyReused)
        }
        _ => Err(ApiError::IdempotencyKeyReused),
    }
}

/// Returns the id for the resource that a request creates: the id of the first try if the request is repeated, else `new_id`.
pub(crate) fn resource_id<T: std::str::FromStr>(request: Option<&IdempotentRequest>, new_id: impl FnOnce() -> T) -> T {
    request.and_then(|IdempotentRequest(running)| running.resource_id.parse().ok()).unwrap_or_else(new_id)
}

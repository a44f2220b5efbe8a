//! `Idempotency-Key`: a request that is repeated with its key is carried out once, and answered alike for a day.
//!
//! Changes of settings keep their answer in the same transaction ([`Claim::keeper`]). Whatever else creates something is given
//! the same id by each repetition ([`Claim::subject`]), and its answer is kept afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::api_key::Scope;
use shared::aws::store::{Begun, IdempotencyKeeper, IdempotencyKey, Request as Claimed};
use shared::id::{EventId, ProjectId};
use shared::key_ring::{Sealed, SealedKind};

use crate::App;
use crate::answer::KeptAnswer;
use crate::body;
use crate::caller::KnownCaller;
use crate::problem::ApiError;

/// A request with an `Idempotency-Key`, being carried out. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Claim(Arc<Claiming>);

struct Claiming {
    request: Claimed,
    subject: String,
    /// Whose secrets the answer may show; of nobody, if none.
    sealed_for: Option<ProjectId>,
    is_kept: AtomicBool,
}

/// An answer in the store. What may show a secret is sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kept {
    Plain(KeptAnswer),
    Sealed(Sealed),
}

/// Carries a request out once for each key; every caller and path has keys of its own. The answer may show a secret, so nobody else
/// gets it.
pub(crate) async fn by_same_key(State(app): State<App>, request: Request, next: Next) -> Response {
    let carried_out = carry_out(&app, request, next, None).await;
    carried_out.unwrap_or_else(IntoResponse::into_response)
}

/// Publishes events once for each key, whichever of a project's keys it comes with: one may have taken over from another.
pub(crate) async fn by_any_publisher(State(app): State<App>, request: Request, next: Next) -> Response {
    let carried_out = carry_out(&app, request, next, Some(Scope::EventsWrite)).await;
    carried_out.unwrap_or_else(IntoResponse::into_response)
}

/// `shared_scope` is what a caller needs to be given an answer that another one got.
async fn carry_out(app: &App, request: Request, next: Next, shared_scope: Option<Scope>) -> Result<Response, ApiError> {
    let Some(key) = idempotency_key(request.headers())? else { return Ok(next.run(request).await) };
    let (mut parts, body) = request.into_parts();
    let KnownCaller { key: caller, project_id } = KnownCaller::recognize(&mut parts, app).await?;
    if let (Some(caller), Some(scope)) = (&caller, shared_scope) {
        caller.permit(scope).map_err(ApiError::Refused)?;
    }
    let bytes = body::read(body, body::LARGEST_BODY).await?;
    let name = caller.as_ref().map_or_else(|| "operator".to_owned(), |caller| caller.id.to_string());
    let caller = if shared_scope.is_some() { "" } else { &name };
    let request = Claimed::new(project_id, &key, &[parts.method.as_str(), parts.uri.path(), caller], &bytes);
    let sealed_for = project_id.filter(|_| shared_scope.is_none());
    let fresh = EventId::new(app.clock.now(), &*app.random).to_string();
    let claim = match app.activity.begin_request(&request, fresh, app.clock.now()).await? {
        Begun::Proceed { subject } => Claim::new(request, subject, sealed_for),
        Begun::Answered(answer) => return Ok(open(app, &answer, sealed_for).await?.into_response()),
        Begun::Running => return Err(ApiError::StillRunning),
        Begun::OtherRequest => return Err(ApiError::KeyReused),
    };
    parts.extensions.insert(claim.clone());
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    claim.end(app, response).await
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    text.parse().map(Some).map_err(|error| ApiError::BadHeader(format!("{error}")))
}

impl Claim {
    fn new(request: Claimed, subject: String, sealed_for: Option<ProjectId>) -> Self {
        Self(Arc::new(Claiming { request, subject, sealed_for, is_kept: AtomicBool::new(false) }))
    }

    /// The id that the request's first try was given: what it creates is to have it, so that a repetition creates the same.
    pub(crate) fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Keeps the answer as part of a change.
    pub(crate) async fn keeper(&self, app: &App, answer: &KeptAnswer) -> Result<IdempotencyKeeper, ApiError> {
        let kept = self.seal(app, answer).await?;
        Ok(app.activity.keeper(&self.0.request, self.subject(), kept, app.clock.now())?)
    }

    /// Notes that the answer was kept.
    pub(crate) fn note_kept(&self) {
        self.0.is_kept.store(true, Ordering::Relaxed);
    }

    /// Keeps what was answered, unless that was done with the change. A request that failed may be repeated, and the key of one that
    /// was refused may be used for a better one.
    async fn end(self, app: &App, response: Response) -> Result<Response, ApiError> {
        let (request, now) = (&self.0.request, app.clock.now());
        if self.0.is_kept.load(Ordering::Relaxed) {
            return Ok(response);
        }
        if !response.status().is_success() {
            let (activity, subject) = (&app.activity, self.subject().to_owned());
            if response.status().is_client_error() {
                activity.forget_request(request, subject, now).await?;
            } else {
                activity.release_request(request, subject, now).await?;
            }
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| ApiError::BrokenBody)?;
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let kept = self.seal(app, &KeptAnswer::new(parts.status, json)).await?;
        app.activity.finish_request(request, self.subject().to_owned(), kept, now).await?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    async fn seal(&self, app: &App, answer: &KeptAnswer) -> Result<String, ApiError> {
        let kept = match self.0.sealed_for {
            None => Kept::Plain(answer.clone()),
            Some(project) => {
                let json = serde_json::to_vec(answer).expect("answers are JSON");
                Kept::Sealed(app.key_ring.ring().await?.seal(SealedKind::KeptAnswer, project, &json, &*app.random))
            }
        };
        Ok(serde_json::to_string(&kept).expect("texts are JSON"))
    }
}

/// The answer of the first time. One that cannot be read any more is like one to another request.
async fn open(app: &App, kept: &str, sealed_for: Option<ProjectId>) -> Result<KeptAnswer, ApiError> {
    match (serde_json::from_str(kept), sealed_for) {
        (Ok(Kept::Plain(answer)), None) => Ok(answer),
        (Ok(Kept::Sealed(sealed)), Some(project)) => {
            let ring = app.key_ring.ring_to_open([&sealed]).await?;
            let json = ring.open(SealedKind::KeptAnswer, project, &sealed)?;
            serde_json::from_slice(&json).map_err(|_| ApiError::KeyReused)
        }
        _ => Err(ApiError::KeyReused),
    }
}

/// What a repeated request is to create once more: `fresh`, or what its first try was to create.
pub(crate) fn subject<T: std::str::FromStr>(claim: Option<&Claim>, fresh: impl FnOnce() -> T) -> T {
    claim.and_then(|claim| claim.subject().parse().ok()).unwrap_or_else(fresh)
}

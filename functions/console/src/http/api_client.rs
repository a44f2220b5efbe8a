//! Calls to the api, whose router runs in this process. The session is the caller, so the api's rules, limits and audit log apply
//! to pages as to any other client. The project is always that of the session.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use api::{ProblemKind, SessionCaller};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, request};
use axum::response::Response;
use domain::foundation::draft::BadField;
use domain::foundation::header_names::IDEMPOTENCY_KEY;
use domain::foundation::id::ProjectId;
use http_body_util::BodyExt;
use lambda_http::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::http::pairs::Pairs;
use crate::http::problem::{ApiProblem, Problem};
use crate::http::sent_form::SentForm;

/// The api, called by one session.
#[derive(Clone)]
pub(crate) struct ApiClient {
    router: Router,
    caller: SessionCaller,
    project_id: ProjectId,
    /// What the api reads the request id from.
    context: Option<Context>,
}

/// A successful response of the api.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The `ETag` of settings.
    pub(crate) etag: Option<String>,
    body: Bytes,
}

/// A call that has not been sent yet. Await it to send it.
pub(crate) struct Call<'a> {
    api: &'a ApiClient,
    method: Method,
    path: String,
    query: Pairs,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl ApiClient {
    /// Calls the api as `caller`, on behalf of the request with these `parts`.
    pub(crate) fn new(router: Router, caller: SessionCaller, project_id: ProjectId, parts: &request::Parts) -> Self {
        Self { router, caller, project_id, context: parts.extensions.get().cloned() }
    }

    /// Reads from `path` below the project, such as `/endpoints`.
    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// Sends a `POST` to `path` below the project.
    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// Sends a `PUT` to `path` below the project.
    pub(crate) fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    /// Sends a `PATCH` to `path` below the project.
    pub(crate) fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    /// Sends a `DELETE` to `path` below the project.
    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Reads from a path that belongs to no project, such as `/v1/egress-ips`.
    pub(crate) fn get_public(&self, path: &str) -> Call<'_> {
        self.whole_path(Method::GET, path.to_owned())
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.whole_path(method, format!("/v1/projects/{}{path}", self.project_id))
    }

    fn whole_path(&self, method: Method, path: String) -> Call<'_> {
        Call { api: self, method, path, query: Pairs::default(), headers: HeaderMap::new(), body: None }
    }
}

impl Call<'_> {
    /// Adds a query parameter, unless the value is empty.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass numbers and ids")]
    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.query = self.query.and(name, value);
        }
        self
    }

    /// Adds the query parameters of a page, such as the filters of a list.
    pub(crate) fn filters(mut self, filters: &Pairs) -> Self {
        self.query = filters.clone();
        self
    }

    /// Sets the body.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Sends the `Idempotency-Key` and the `ETag` of a form. Sending the form twice changes settings once, and only if nobody
    /// changed them after the person saw them.
    pub(crate) fn of_form(mut self, form: &SentForm) -> Self {
        for (name, value) in [(IDEMPOTENCY_KEY, form.key()), (IF_MATCH, form.etag())] {
            // A value that HTTP does not allow was not written by this console. The api refuses the empty one.
            let value = value.map(|value| HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("")));
            self.headers.extend(value.map(|value| (name, value)));
        }
        self
    }

    async fn send(self) -> Result<Reply, Problem> {
        let Self { api, method, path, query, headers, body } = self;
        let mut request = Request::new(Body::from(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = query.href(&path).parse().map_err(|error| Problem::internal(&error as &InvalidUri))?;
        *request.headers_mut() = headers;
        if let Some(context) = &api.context {
            request.extensions_mut().insert(context.clone());
        }
        request.extensions_mut().insert(api.caller.clone());
        let response = match api.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        read(response).await
    }
}

type InvalidUri = axum::http::uri::InvalidUri;

impl<'a> IntoFuture for Call<'a> {
    type Output = Result<Reply, Problem>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Reply {
    /// The body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| Problem::internal(&error))
    }
}

/// A list as the api returns it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct List<T> {
    /// One page of the list, newest first.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, if there is one.
    #[serde(default)]
    pub(crate) cursor: Option<String>,
}

/// The body of an error response.
#[derive(Deserialize)]
struct ProblemBody {
    #[serde(rename = "type")]
    problem_type: String,
    #[serde(default)]
    errors: Vec<BadField>,
}

async fn read(response: Response) -> Result<Reply, Problem> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| Problem::internal(&error))?.to_bytes();
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if parts.status.is_success() {
        return Ok(Reply { etag: header(ETAG).map(str::to_owned), body });
    }
    let problem: ProblemBody = serde_json::from_slice(&body).map_err(|error| Problem::internal(&error))?;
    let name = problem.problem_type.rsplit('/').next().unwrap_or_default();
    let kind = ProblemKind::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or(ProblemKind::Internal);
    let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    Err(Problem::Api(ApiProblem { kind, errors: problem.errors, retry_after }))
}

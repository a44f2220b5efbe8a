//! One log line per request, for all functions behind an HTTP API.
//!
//! The line names the route and never the path or the query, because these contain ids, return links and search terms.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt;
use tracing::{error, info};

/// The id of a request in the log, in its response and in the audit log. The layer puts it into the request's extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Why a request failed on our side. A handler puts it into the response's extensions, and only the log shows it.
#[derive(Debug, Clone)]
pub struct FailureCause(pub String);

/// The name of the problem in the response, for the log. A handler puts it into the response's extensions.
#[derive(Debug, Clone, Copy)]
pub struct ProblemName(pub &'static str);

/// The log line of a request that is being processed.
#[derive(Debug)]
pub struct RequestLog {
    request_id: String,
    method: Method,
    route: Option<MatchedPath>,
}

impl RequestLog {
    /// Notes method and route of a request, and puts its id into its extensions.
    pub fn begin(request: &mut Request) -> Self {
        let request_id =
            request.lambda_context_ref().map_or_else(|| "local".to_owned(), |context| context.request_id.clone());
        request.extensions_mut().insert(RequestId(request_id.clone()));
        let route = request.extensions().get::<MatchedPath>().cloned();
        Self { request_id, method: request.method().clone(), route }
    }

    /// The id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Logs method, route, status and problem of the request, and the cause if it failed on our side. Adds `x-request-id` to the
    /// response.
    pub fn end(self, response: &mut Response) {
        let Self { request_id, method, route } = self;
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        let status = response.status().as_u16();
        let problem = response.extensions().get::<ProblemName>().map_or("none", |ProblemName(name)| name);
        match response.extensions().get::<FailureCause>() {
            Some(FailureCause(cause)) => {
                error!(request_id, %method, route, status, problem, cause, "{method} {route} failed with {status}");
            }
            None => info!(request_id, %method, route, status, problem, "{method} {route} answered {status}"),
        }
        if let Ok(value) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("x-request-id", value);
        }
    }
}

/// Writes the log line of each request, as a layer.
pub async fn log_request(mut request: Request, next: Next) -> Response {
    let log = RequestLog::begin(&mut request);
    let mut response = next.run(request).await;
    log.end(&mut response);
    response
}

//! One log line for every request, and its id on every answer.

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt;
use tracing::{error, info};

use crate::problem::{Cause, Problem};

/// What a request is called in the log, in its answer and in the audit log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Logs the request by its route, never by its path or query, and gives problems their body.
pub(crate) async fn log_request(mut request: Request, next: Next) -> Response {
    let request_id =
        request.lambda_context_ref().map_or_else(|| "local".to_owned(), |context| context.request_id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();

    request.extensions_mut().insert(RequestId(request_id.clone()));
    let mut response = next.run(request).await;

    let status = response.status().as_u16();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem_name = problem.as_ref().map_or("none", Problem::name);
    match response.extensions().get::<Cause>() {
        Some(Cause(cause)) => {
            error!(request_id, %method, route, status, cause, "{method} {route} failed with {status}");
        }
        None => info!(request_id, %method, route, status, problem = problem_name, "{method} {route} answered {status}"),
    }
    if let Some(problem) = problem {
        response = problem.write(&request_id, response);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

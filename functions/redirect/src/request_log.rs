//! One log line for every request. Its path is a person's way back, so only the route is told.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt;
use tracing::{error, info};

use crate::pages::Cause;

/// Logs the request by its route.
pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let request_id =
        request.lambda_context_ref().map_or_else(|| "local".to_owned(), |context| context.request_id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();

    let response = next.run(request).await;

    let status = response.status().as_u16();
    if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
        error!(request_id, %method, route, status, cause, "{method} {route} failed with {status}");
        return response;
    }
    info!(request_id, %method, route, status, "{method} {route} answered {status}");
    response
}

//! One log line for every request, what is counted of it, and its id on every answer.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt;
use shared::metric::{Measured, Metric};
use shared::telemetry;
use tracing::{error, info};

use crate::App;
use crate::events::AcceptedCount;
use crate::problem::{Cause, Problem};

/// What a request is called in the log, in its answer and in the audit log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Logs the request by its route, never by its path or query, and gives problems their body.
pub(crate) async fn log_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let request_id =
        request.lambda_context_ref().map_or_else(|| "local".to_owned(), |context| context.request_id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();

    request.extensions_mut().insert(RequestId(request_id.clone()));
    let mut response = next.run(request).await;

    let accepted = response.extensions_mut().remove::<AcceptedCount>();
    telemetry::record(&measure(response.status(), accepted), app.clock.now());
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

fn measure(status: StatusCode, accepted: Option<AcceptedCount>) -> Measured {
    let mut measured = Measured::one(Metric::Accepted, accepted.map_or(0, |AcceptedCount(count)| count as u64));
    measured.add(Metric::Refused, status.is_client_error().into());
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_were_accepted_and_requests_that_were_refused_are_counted_and_nothing_else() {
        let accepted = measure(StatusCode::ACCEPTED, Some(AcceptedCount(100)));
        assert_eq!(accepted, Measured::one(Metric::Accepted, 100));
        assert_eq!(measure(StatusCode::TOO_MANY_REQUESTS, None), Measured::one(Metric::Refused, 1));
        for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
            assert_eq!(measure(status, None), Measured::default());
        }
    }
}

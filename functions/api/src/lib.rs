//! The settings API, `/v1`. Each folder is one area with its own routes. [`http`] contains the parts that all routes share.

use aws::lambda::request_log::RequestLog;
use aws::lambda::response_headers::set_security_headers;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};

mod api_keys;
mod app;
mod audit;
mod config;
mod console;
mod documentation;
mod endpoints;
mod events;
mod http;
mod notifications;
#[cfg(test)]
mod openapi;
mod projects;
mod request_metrics;
mod return_urls;
mod well_known;

pub use app::App;
pub use config::Config;
pub use endpoints::host_names::{Addresses, HostNames};
pub use http::identity::SessionCaller;
pub use http::problem_kind::ProblemKind;

use http::api_error::ApiError;
use http::conditional_read::ConditionalRead;
use http::rate_limit::RateLimitSlot;
use http::routes::{self, Routes};
use http::{problem, source_address};

/// Creates the router of the whole API.
pub fn router(app: App) -> Router {
    routes(&app)
        .into_router()
        .fallback(routes::route_not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), serve))
        .with_state(app)
}

/// Does what all routes share, in one layer: axum copies the services below each layer for every request.
async fn serve(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let log = RequestLog::begin(&mut request);
    let rate_limit = RateLimitSlot::add_to(&mut request);
    let conditional_read = ConditionalRead::of(&request);
    let response = match check(&app, &mut request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let mut response = conditional_read.respond(response);
    rate_limit.write_headers(&mut response);
    let mut response = problem::write(response, log.request_id());
    set_security_headers(&mut response);
    request_metrics::record(&response, app.clock.now());
    log.end(&mut response);
    response
}

/// Checks what does not depend on the route, and finds the address of the caller.
fn check(app: &App, request: &mut Request) -> Result<(), ApiError> {
    routes::check_url(request)?;
    source_address::find(app, request)
}

/// Returns the paths of all routes, such as `/v1/projects/{pid}`.
pub fn paths(app: &App) -> Vec<&'static str> {
    routes(app).paths()
}

fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/openapi.json", get(documentation::openapi))
        .route("/docs", get(documentation::page))
        .route("/docs.md", get(documentation::page_as_text))
        .route("/event-types.md", get(documentation::event_types_page))
        .route("/v1/event-types", get(documentation::event_types))
        .route("/llms.txt", get(well_known::llms))
        .route("/.well-known/api-catalog", get(well_known::api_catalog))
        .route("/.well-known/security.txt", get(well_known::security))
        .route("/problems/{name}", get(documentation::problem))
        .merge(projects::routes(app))
        .merge(audit::routes(app))
        .merge(api_keys::routes(app))
        .merge(console::routes(app))
        .merge(endpoints::routes(app))
        .merge(events::routes(app))
        .merge(return_urls::routes(app))
        .merge(notifications::routes(app))
}

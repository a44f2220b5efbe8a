//! The settings API, `/v1`. Each folder is one area with its own routes. [`http`] contains the parts that all routes share.

use aws::lambda::request_log::log_request;
use aws::lambda::response_headers::add_security_headers;
use axum::routing::get;
use axum::{Router, middleware};

mod api_keys;
mod app;
mod audit;
mod config;
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

pub use app::App;
pub use config::Config;
pub use endpoints::host_names::{Addresses, HostNames};

use http::routes::{self, Routes};
use http::{problem, rate_limit, source_address};

/// Creates the router of the whole API.
pub fn router(app: App) -> Router {
    routes(&app)
        .into_router()
        .fallback(routes::route_not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .layer(middleware::from_fn(routes::check_url))
        .layer(middleware::from_fn_with_state(app.clone(), source_address::find))
        .layer(middleware::from_fn(rate_limit::write_headers))
        .layer(middleware::from_fn(problem::write_problems))
        .layer(middleware::from_fn(add_security_headers))
        .layer(middleware::from_fn_with_state(app.clone(), request_metrics::record_metrics))
        .layer(middleware::from_fn(log_request))
        .with_state(app)
}

/// Returns the paths of all routes, such as `/v1/projects/{pid}`.
pub fn paths(app: &App) -> Vec<&'static str> {
    routes(app).paths()
}

fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/openapi.json", get(documentation::openapi))
        .route("/docs", get(documentation::page))
        .route("/problems/{name}", get(documentation::problem))
        .merge(projects::routes(app))
        .merge(audit::routes(app))
        .merge(api_keys::routes(app))
        .merge(endpoints::routes(app))
        .merge(events::routes(app))
        .merge(return_urls::routes(app))
        .merge(notifications::routes(app))
}

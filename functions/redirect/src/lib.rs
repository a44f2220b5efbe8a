//! The pages at the end of a verification: a result page, an error page, or a redirect straight to the return URL.
//!
//! [`links`] decides the response with the rules of [`domain::return_urls`], and [`pages`] renders it. A request cannot
//! choose where a person is sent: a location is built only from a project's settings and a sealed token.

use aws::lambda::proxy::{TrustedProxy, require_proxy};
use aws::lambda::request_log::log_request;
use aws::lambda::response_headers::add_security_headers;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

mod answer;
mod app;
mod config;
mod csp;
mod error_kind;
mod links;
mod pages;
mod settings_cache;
mod texts;

pub use app::App;
pub use config::Config;

/// All routes. `HEAD` gets the response to `GET` without its body, except that it does not spend a single-use link. Requests that
/// bypass the proxy get 403.
pub fn router(app: App, proxy: TrustedProxy) -> Router {
    Router::new()
        .route("/r/{token}", get(links::follow))
        .route("/r/{pid}/error/{code}", get(links::show_error))
        .fallback(links::unknown_path)
        .method_not_allowed_fallback(links::unsupported_method)
        .layer(from_fn_with_state(proxy, require_proxy))
        .layer(from_fn(add_security_headers))
        .layer(from_fn(log_request))
        .with_state(app)
}

#[cfg(test)]
mod tests;

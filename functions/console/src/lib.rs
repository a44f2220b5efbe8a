//! The customer's console: the pages on which a customer sets up webhooks, return URLs and reports, and sees why a webhook
//! failed.
//!
//! A page holds no rule. It calls the api's router in this process with the session as caller, and shows the response: see
//! [`http::api_client`]. Each folder of [`pages`] is one area. [`layout`] is what all pages look like, and [`entry`] is how a
//! session begins and ends.

use aws::lambda::request_log::log_request;
use aws::lambda::response_headers::add_security_headers;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

mod app;
mod config;
mod entry;
mod http;
mod layout;
mod pages;

pub use app::App;
pub use config::{Config, Origin};

use app::Routes;
use entry::session;
use http::{caller_address, csrf};
use layout::{headers, problem_page};

/// All routes. Requests that bypass the proxy get 403.
pub fn router(app: App) -> Router {
    let layer = |router: Router<App>| {
        router
            .layer(from_fn_with_state(app.clone(), csrf::check))
            .layer(from_fn_with_state(app.clone(), caller_address::find))
            .layer(from_fn(problem_page::write))
            .layer(from_fn_with_state(app.clone(), headers::add))
            .layer(from_fn(add_security_headers))
            .layer(from_fn_with_state(app.clone(), headers::allow_frames))
            .layer(from_fn(log_request))
    };
    let pages = signed_in_routes()
        .into_router()
        .fallback(pages::no_such_page)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), session::require));
    let entry = entry::routes().into_router().method_not_allowed_fallback(pages::method_not_allowed);
    layer(pages.merge(entry)).with_state(app)
}

/// Returns the paths of all routes, such as `/endpoints/{id}`.
pub fn paths() -> Vec<&'static str> {
    signed_in_routes().merge(entry::routes()).paths()
}

/// The routes that need a session.
fn signed_in_routes() -> Routes {
    pages::routes().merge(entry::signed_in_routes())
}

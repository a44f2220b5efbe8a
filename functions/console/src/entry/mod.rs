//! How a session begins, is recognised and ends.

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

mod claim;
mod link;
pub(crate) mod session;
mod sign_out;
mod words;

/// The routes that need no session.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/in/{token}", get(link::open).post(link::confirm))
}

/// The routes that need a session.
pub(crate) fn signed_in_routes() -> Router<App> {
    Router::new().route("/sign-out", post(sign_out::sign_out))
}

//! How a session begins, is recognised and ends.

use axum::routing::{get, post};

use crate::app::Routes;

mod claim;
mod link;
pub(crate) mod session;
mod sign_out;
mod words;

/// The routes that need no session.
pub(crate) fn routes() -> Routes {
    Routes::default().route("/in/{token}", get(link::open).post(link::confirm))
}

/// The routes that need a session.
pub(crate) fn signed_in_routes() -> Routes {
    Routes::default().route("/sign-out", post(sign_out::sign_out))
}

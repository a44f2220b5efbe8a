//! Access to the console: links for its users, and their sessions.

use axum::routing::{delete, get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod links;
pub(crate) mod sessions;

/// The routes of console links and console sessions.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/console-links", idempotent(app, post(links::create)))
        .route("/v1/projects/{pid}/console-sessions", get(sessions::list).delete(sessions::end_all))
        .route("/v1/projects/{pid}/console-sessions/{id}", delete(sessions::end))
}

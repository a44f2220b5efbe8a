//! The audit log of a project's settings, and reverting a change.

use axum::routing::{get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod entries;
pub(crate) mod revert;

/// The routes of the audit log.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/audit", get(entries::list))
        .route("/v1/projects/{pid}/audit/{number}", get(entries::read))
        .route("/v1/projects/{pid}/audit/{number}/revert", idempotent(app, post(revert::revert)))
}

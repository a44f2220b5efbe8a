//! API keys of projects, and their verification for the operator's product.

use axum::routing::{get, post};

use crate::app::App;
use crate::http::idempotency::{idempotent, idempotent_rotation};
use crate::http::routes::Routes;

pub(crate) mod leaks;
pub(crate) mod settings;
pub(crate) mod verification;
pub(crate) mod view;

/// The routes of API keys.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/api-keys", idempotent(app, post(settings::create)).get(settings::list))
        .route("/v1/projects/{pid}/api-keys/{id}", get(settings::read).delete(settings::revoke))
        .route("/v1/projects/{pid}/api-keys/{id}/rotate", idempotent_rotation(app, post(settings::rotate)))
        .route("/v1/api-keys/verify", post(verification::verify))
        .route("/v1/api-keys/revoke", post(leaks::revoke))
}

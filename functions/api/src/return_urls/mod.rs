//! Return URLs: settings, `secretKey`s, and return links.

use axum::routing::{delete, get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod settings;
pub(crate) mod view;

/// The routes of return URLs, `secretKey`s and return links.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/return-url", get(settings::read).put(settings::set).delete(settings::delete))
        .route("/v1/projects/{pid}/return-url/preview", get(settings::preview).post(settings::preview_new))
        .route("/v1/projects/{pid}/return-url/verify", post(settings::verify))
        .route("/v1/projects/{pid}/return-url/keys", idempotent(app, post(keys::issue)).get(keys::list))
        .route("/v1/projects/{pid}/return-url/keys/{id}", delete(keys::remove))
        .route("/v1/projects/{pid}/return-url/keys/{id}/activate", post(keys::activate))
        .route("/v1/projects/{pid}/return-links", idempotent(app, post(links::create)))
}

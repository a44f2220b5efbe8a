//! Projects, and resealing their secrets under the current key of the key ring.

use axum::routing::{get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod key_ring;
pub(crate) mod settings;
pub(crate) mod view;

/// The routes of projects and of the key ring.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects", idempotent(app, post(settings::create)).get(settings::list))
        .route("/v1/projects/{pid}", get(settings::read).patch(settings::change).delete(settings::delete))
        .route("/v1/key-ring/reseal", post(key_ring::reseal))
}

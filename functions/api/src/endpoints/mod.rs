//! Endpoints: settings, signing secrets, public keys, pause and resume, discarding held deliveries, test sends, handshakes, checks
//! of received webhooks, and the IP addresses that webhooks come from.

use axum::routing::{delete, get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod discard_held;
pub(crate) mod egress_ips;
pub(crate) mod handshakes;
pub(crate) mod host_names;
pub(crate) mod jwks;
pub(crate) mod pause;
pub(crate) mod settings;
pub(crate) mod signing_secrets;
pub(crate) mod test_sends;
pub(crate) mod verification;
mod verification_view;
pub(crate) mod view;

/// The routes of endpoints, public keys and egress IPs.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/egress-ips", get(egress_ips::list))
        .route("/v1/projects/{pid}/endpoints", idempotent(app, post(settings::create)).get(settings::list))
        .route(
            "/v1/projects/{pid}/endpoints/{id}",
            get(settings::read).patch(settings::change).delete(settings::delete),
        )
        .route("/v1/projects/{pid}/endpoints/{id}/pause", post(pause::pause))
        .route("/v1/projects/{pid}/endpoints/{id}/resume", post(pause::resume))
        .route("/v1/projects/{pid}/endpoints/{id}/discard-held", post(discard_held::discard))
        .route("/v1/projects/{pid}/endpoints/{id}/test", idempotent(app, post(test_sends::send)))
        .route("/v1/projects/{pid}/endpoints/{id}/tests/{test}", get(test_sends::read))
        .route("/v1/projects/{pid}/endpoints/{id}/handshake", post(handshakes::make))
        .route("/v1/projects/{pid}/endpoints/{id}/verify", post(verification::verify))
        .route(
            "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate",
            idempotent(app, post(signing_secrets::rotate)),
        )
        .route("/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", delete(signing_secrets::end_previous))
        .route("/v1/projects/{pid}/jwks.json", get(jwks::list))
        .route("/v1/projects/{pid}/jwks/rotate", idempotent(app, post(jwks::rotate)))
}

//! Endpoints: the URLs that get webhooks, their settings and health, their secrets, handshakes, test sends, and the check
//! of received webhooks.

use axum::routing::{get, post};

use crate::app::Routes;
use crate::layout::endpoint_names::path_of;
use crate::layout::nav::Area;

mod add;
mod authentication;
mod authentication_words;
pub(super) mod condition;
mod curl;
mod delete;
mod discard_held;
mod endpoint;
mod fields;
mod handshake;
mod handshake_words;
mod list;
mod replace_secret;
mod secret_words;
mod secrets;
mod test_send_words;
mod test_sends;
mod verification;
mod verification_words;
pub(super) mod view;
pub(super) mod words;

/// The area that these pages belong to.
const AREA: Area = Area::Endpoints;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/endpoints", get(list::show))
        .route("/endpoints/new", get(add::ask).post(add::add))
        .route("/endpoints/{id}", get(endpoint::show).post(endpoint::change))
        .route("/endpoints/{id}/pause", post(endpoint::pause))
        .route("/endpoints/{id}/resume", post(endpoint::resume))
        .route("/endpoints/{id}/handshake", get(handshake::ask).post(handshake::make))
        .route("/endpoints/{id}/delete", get(delete::ask).post(delete::delete))
        .route("/endpoints/{id}/discard-held", get(discard_held::ask).post(discard_held::discard))
        .route("/endpoints/{id}/secrets", get(secrets::show).post(secrets::rotate))
        .route("/endpoints/{id}/secrets/replace", get(replace_secret::ask).post(replace_secret::replace))
        .route("/endpoints/{id}/secrets/end-previous", get(secrets::ask_end).post(secrets::end))
        .route("/endpoints/{id}/secrets/rotate-key", get(secrets::ask_key).post(secrets::rotate_key))
        .route("/endpoints/{id}/test", get(test_sends::ask).post(test_sends::send))
        .route("/endpoints/{id}/tests/{test}", get(test_sends::show))
        .route("/endpoints/{id}/verify", get(verification::ask).post(verification::check))
}

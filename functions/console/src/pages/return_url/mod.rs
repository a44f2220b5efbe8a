//! The return URL: where a person goes after the verification, and which fields the customer's site gets.

use axum::routing::{get, post};
use domain::foundation::id::SecretKeyId;

use crate::app::Routes;
use crate::layout::nav::Area;

mod check;
mod delete;
mod key_actions;
mod keys;
mod new_key;
mod settings;
mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::ReturnUrl;

/// The path of the settings, in the console and in the api.
const SETTINGS: &str = AREA.path();

/// The path of the list of keys, in the console and in the api.
pub(super) const KEYS: &str = "/return-url/keys";

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/return-url", get(settings::show).post(settings::save))
        .route("/return-url/preview", post(settings::preview))
        .route("/return-url/delete", get(delete::ask).post(delete::delete))
        .route("/return-url/check", get(check::ask).post(check::check))
        .route("/return-url/keys", get(keys::show))
        .route("/return-url/keys/new", get(new_key::ask).post(new_key::issue))
        .route("/return-url/keys/{id}/activate", get(key_actions::ask_to_activate).post(key_actions::activate))
        .route("/return-url/keys/{id}/delete", get(key_actions::ask_to_delete).post(key_actions::delete))
}

/// The path of a key, in the console and in the api.
fn key_path(id: SecretKeyId) -> String {
    format!("{KEYS}/{id}")
}

//! API keys, with which the customer's servers call the API.

use axum::routing::get;
use domain::foundation::id::ApiKeyId;
use serde_json::{Value, json};

use crate::app::Routes;
use crate::http::sent_form::SentForm;
use crate::layout::nav::Area;

mod add;
mod key;
mod list;
mod revoke;
mod rotate;
mod shown_once;
pub(super) mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::ApiKeys;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/api-keys", get(list::show))
        .route("/api-keys/new", get(add::ask).post(add::add))
        .route("/api-keys/{id}", get(key::show))
        .route("/api-keys/{id}/rotate", get(rotate::ask).post(rotate::rotate))
        .route("/api-keys/{id}/revoke", get(revoke::ask).post(revoke::revoke))
}

/// The path of a key, in the console and in the api.
fn path_of(id: ApiKeyId) -> String {
    format!("{LIST}/{id}")
}

/// The end of the day in a date field, for the api. A value that is not a date stays as it is, so that the api says what is
/// wrong with it.
fn end_of_day(sent: &SentForm, field: &str) -> Value {
    sent.optional(field).map_or(Value::Null, |day| {
        let is_date = day.len() == "2026-01-31".len() && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        json!(if is_date { format!("{day}T23:59:59Z") } else { day.to_owned() })
    })
}

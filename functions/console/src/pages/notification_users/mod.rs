//! Notification users, who get the daily report by mail.

use axum::routing::{get, post};
use domain::foundation::id::NotificationUserId;

use crate::app::Routes;
use crate::http::sent_form::SentForm;
use crate::layout::nav::Area;

mod add;
mod delete;
mod list;
mod user;
pub(super) mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::NotificationUsers;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/notification-users", get(list::show))
        .route("/notification-users/new", get(add::ask).post(add::add))
        .route("/notification-users/{id}", get(user::show).post(user::change))
        .route("/notification-users/{id}/resend", post(user::resend))
        .route("/notification-users/{id}/delete", get(delete::ask).post(delete::delete))
}

/// The path of a user, in the console and in the api.
fn path_of(id: NotificationUserId) -> String {
    format!("{LIST}/{id}")
}

/// The body of a request from a form's fields `name` and `language`.
fn settings(form: &SentForm) -> serde_json::Value {
    serde_json::json!({"name": form.json("name"), "language": form.json("language")})
}

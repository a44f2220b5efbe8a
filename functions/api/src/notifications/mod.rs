//! Notification users, the links in their mails, the suppression list, and the daily report.

use axum::routing::{get, post};

use crate::app::App;
use crate::http::idempotency::idempotent;
use crate::http::routes::Routes;

pub(crate) mod confirmation;
pub(crate) mod mail_link_page;
pub(crate) mod mail_links;
pub(crate) mod reports;
pub(crate) mod suppressions;
pub(crate) mod users;

/// The routes of notification users, links in mails, and reports.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/notification-users", idempotent(app, post(users::create)).get(users::list))
        .route(
            "/v1/projects/{pid}/notification-users/{id}",
            get(users::read).patch(users::change).delete(users::remove),
        )
        .route(
            "/v1/projects/{pid}/notification-users/{id}/resend-confirmation",
            idempotent(app, post(users::resend_confirmation)),
        )
        .route("/v1/suppressions/lift", post(suppressions::lift))
        .route("/confirm/{token}", get(mail_links::ask_to_confirm).post(mail_links::confirm))
        .route("/unsubscribe/{token}", get(mail_links::ask_to_unsubscribe).post(mail_links::unsubscribe))
        .route("/v1/projects/{pid}/reports", get(reports::list))
        .route("/v1/projects/{pid}/reports/{day}", get(reports::read))
}

//! The pages. Each folder is one area of [`crate::layout::nav::Area`], with its routes, handlers and texts.

use crate::app::Routes;
use crate::http::problem::Problem;

mod access;
mod addresses;
mod api_keys;
mod deliveries;
mod endpoints;
mod events;
mod history;
mod notification_users;
mod overview;
mod replays;
mod reports;
mod return_url;

/// How long a replaced key or secret still works, unless the person chooses otherwise.
const DEFAULT_OVERLAP_DAYS: u8 = 7;

/// The routes of all areas.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .merge(notification_users::routes())
        .merge(endpoints::routes())
        .merge(addresses::routes())
        .merge(access::routes())
        .merge(api_keys::routes())
        .merge(history::routes())
        .merge(deliveries::routes())
        .merge(events::routes())
        .merge(replays::routes())
        .merge(return_url::routes())
        .merge(overview::routes())
        .merge(reports::routes())
}

/// Responds to an unknown path.
pub(crate) async fn no_such_page() -> Problem {
    Problem::NoSuchPage
}

/// Responds to a method that the page does not support.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::MethodNotAllowed
}

//! Replays: all failed or all delivered webhooks of a time are sent again, at a limited rate.

use axum::routing::{get, post};
use domain::foundation::id::ReplayId;

use crate::app::Routes;
use crate::layout::nav::Area;

mod add;
mod cancel;
mod count;
mod list;
mod replay;
mod times;
mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::Replays;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/replays", get(list::show).post(add::start))
        .route("/replays/new", get(add::ask).post(add::count))
        .route("/replays/{id}", get(replay::show))
        .route("/replays/{id}/cancel", get(cancel::ask).post(cancel::cancel))
        .route("/replays/{id}/resume", post(replay::resume))
}

/// The path of a replay, in the console and in the api.
fn path_of(id: ReplayId) -> String {
    format!("{LIST}/{id}")
}

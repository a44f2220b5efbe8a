//! History: who changed which settings, and how a change is reverted.

use axum::routing::get;

use crate::app::Routes;
use crate::layout::nav::Area;

mod entry;
mod list;
mod revert;
mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::History;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/history", get(list::show))
        .route("/history/{number}", get(entry::show))
        .route("/history/{number}/revert", get(revert::ask).post(revert::revert))
}

/// The path of a change in the console.
fn path_of(number: u64) -> String {
    format!("{LIST}/{number}")
}

/// The path of a change in the api.
fn api_path_of(number: u64) -> String {
    format!("/audit/{number}")
}

//! Reports: one day of webhooks each, as in the daily mail.

use axum::routing::get;
use domain::foundation::time::UtcDay;

use crate::app::Routes;
use crate::layout::nav::Area;

mod list;
mod report;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::Reports;

/// The path of the list, in the console and in the api.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/reports", get(list::show))
        .route("/reports/today", get(list::today))
        .route("/reports/{day}", get(report::show))
}

/// The path of a day's report, in the console and in the api.
fn path_of(day: UtcDay) -> String {
    format!("{LIST}/{day}")
}

//! Deliveries: the list of webhooks with their results, and one page for each, which also sends it again.

use axum::routing::{get, post};
use domain::foundation::id::DeliveryId;

use crate::app::Routes;
use crate::layout::nav::Area;

mod delivery;
mod filters;
mod list;
mod sent;
mod timeline;
mod view;
mod words;

/// The area that these pages belong to.
const AREA: Area = Area::Deliveries;

/// The path of the list.
const LIST: &str = AREA.path();

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .route("/deliveries", get(list::show))
        .route("/deliveries/{id}", get(delivery::show))
        .route("/deliveries/{id}/replay", post(delivery::replay))
}

/// The path of a delivery, in the console and in the api.
fn path_of(id: DeliveryId) -> String {
    format!("{LIST}/{id}")
}

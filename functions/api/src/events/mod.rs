//! Events, their deliveries and replays, and the erasure of a submission's data.

use axum::routing::{get, post};

use crate::app::App;
use crate::http::idempotency::{idempotent, idempotent_for_publishers};
use crate::http::routes::Routes;

pub(crate) mod deliveries;
pub(crate) mod erasures;
pub(crate) mod feed;
mod feed_cursor;
pub(crate) mod publish;
pub(crate) mod read;
pub(crate) mod replays;
pub(crate) mod sent_requests;
pub(crate) mod subscriptions;

/// The routes of events, deliveries, replays and erasures.
pub(crate) fn routes(app: &App) -> Routes {
    Routes::default()
        .route("/v1/projects/{pid}/events", idempotent_for_publishers(app, post(publish::publish)).get(read::list))
        .route("/v1/projects/{pid}/events/batch", idempotent_for_publishers(app, post(publish::publish_batch)))
        .route("/v1/projects/{pid}/events/{id}", get(read::read))
        .route("/v1/projects/{pid}/feed", get(feed::read))
        .route("/v1/projects/{pid}/erasures", post(erasures::erase))
        .route("/v1/projects/{pid}/deliveries", get(deliveries::list))
        .route("/v1/projects/{pid}/deliveries/{id}", get(deliveries::read))
        .route("/v1/projects/{pid}/deliveries/{id}/request", get(sent_requests::read))
        .route("/v1/projects/{pid}/deliveries/{id}/replay", idempotent(app, post(replays::replay_one)))
        .route("/v1/projects/{pid}/replays", idempotent(app, post(replays::create)).get(replays::list))
        .route("/v1/projects/{pid}/replays/{id}", get(replays::read))
        .route("/v1/projects/{pid}/replays/{id}/cancel", post(replays::cancel))
        .route("/v1/projects/{pid}/replays/{id}/resume", post(replays::resume))
}

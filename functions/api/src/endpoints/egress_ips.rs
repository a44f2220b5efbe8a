//! `GET /v1/egress-ips`: the addresses that webhooks come from. The call needs no API key.
//!
//! The deployment names its addresses. The list also says since when they are used, so it is stored. The first call after a
//! change of the deployment writes the change.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use domain::webhooks::egress::EgressIps;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::etag::Tag;
use crate::http::response::PUBLIC;
use crate::http::unknown_query::NoQuery;

/// Lists the addresses that webhooks come from, for the firewalls of receivers. The list announces new addresses ahead. Read it
/// about once a day, with the `ETag` of the last response in `If-None-Match`.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/egress-ips", operation_id = "listEgressIps", tag = "Egress IPs",
    responses((status = 200, description = "The addresses.", body = EgressIps)),
))]
pub(crate) async fn list(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let list = current(&app).await?;
    let text = serde_json::to_string(&*list).expect("the list can be written as JSON");
    let headers = [
        (ETAG, Tag::of_content(&text).header_value()),
        (CACHE_CONTROL, HeaderValue::from_static(PUBLIC)),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    Ok((headers, text).into_response())
}

/// Returns the list, and stores it if the addresses of the deployment have changed.
async fn current(app: &App) -> Result<Arc<EgressIps>, ApiError> {
    let now = app.clock.now();
    if let Some(list) = app.egress_ips.get(&(), now) {
        return Ok(list);
    }
    let published = app.store.egress_ips.published().await?;
    let list = EgressIps::at(now, &app.config.egress_ips, published.as_ref());
    if published.as_ref() != Some(&list) {
        // After a conflict, another instance has published a list for the same addresses. The next read returns it.
        app.store.egress_ips.publish(&list, published.as_ref()).await?;
    }
    let list = Arc::new(list);
    app.egress_ips.insert((), Arc::clone(&list), now);
    Ok(list)
}

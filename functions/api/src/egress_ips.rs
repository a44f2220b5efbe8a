//! `GET /v1/egress-ips`: the addresses that webhooks come from. Anybody may ask.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::App;

/// The answer; `version` changes when its shape does.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct EgressIps {
    /// Changes when the answer's shape does.
    version: u8,
    /// IPv4 or IPv6 addresses.
    #[cfg_attr(test, schema(value_type = Vec<String>, example = json!(["198.51.100.1"])))]
    ips: Vec<IpAddr>,
}

/// Lists the addresses for customers' firewalls.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/egress-ips", operation_id = "listEgressIps", tag = "Egress IPs",
    responses((status = 200, description = "The addresses.", body = EgressIps)),
))]
pub(crate) async fn list(State(app): State<App>) -> Json<EgressIps> {
    Json(EgressIps { version: 1, ips: app.config.egress_ips.clone() })
}

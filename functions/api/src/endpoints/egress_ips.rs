//! `GET /v1/egress-ips`: the IP addresses that webhooks come from. The call needs no API key.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;

/// The IP addresses that webhooks come from.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct EgressIps {
    /// Version of this format. It changes when the format changes.
    version: u8,
    /// IPv4 and IPv6 addresses.
    #[cfg_attr(test, schema(value_type = Vec<String>, example = json!(["198.51.100.1"])))]
    ips: Vec<IpAddr>,
}

/// Lists the IP addresses that webhooks come from, for the firewalls of receivers.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/egress-ips", operation_id = "listEgressIps", tag = "Egress IPs",
    responses((status = 200, description = "The IP addresses.", body = EgressIps)),
))]
pub(crate) async fn list(State(app): State<App>) -> Json<EgressIps> {
    Json(EgressIps { version: 1, ips: app.config.egress_ips.clone() })
}

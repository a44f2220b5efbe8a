//! `GET /v1/egress-ips`: the addresses that webhooks come from. Anybody may ask.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::App;

/// The answer; `version` changes when its shape does.
#[derive(Serialize)]
pub(crate) struct EgressIps {
    version: u8,
    ips: Vec<IpAddr>,
}

/// Lists the addresses for customers' firewalls.
pub(crate) async fn list(State(app): State<App>) -> Json<EgressIps> {
    Json(EgressIps { version: 1, ips: app.config.egress_ips.clone() })
}

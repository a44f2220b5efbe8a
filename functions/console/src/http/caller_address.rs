//! The IP address of the browser, which the api records in the audit log.

use std::net::IpAddr;

use aws::lambda::proxy::NotThroughProxy;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;

/// The browser's address in the request's extensions.
#[derive(Debug, Clone, Copy)]
struct CallerAddress(Option<IpAddr>);

/// Finds the address of the browser. Rejects requests that bypass the deployment's proxy with 403.
pub(crate) async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match app.config.api.proxy.caller_address(&request) {
        Ok(address) => {
            request.extensions_mut().insert(CallerAddress(address));
            next.run(request).await
        }
        Err(NotThroughProxy) => StatusCode::FORBIDDEN.into_response(),
    }
}

/// The browser's address, if it is known.
pub(crate) fn of(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<CallerAddress>()?.0
}

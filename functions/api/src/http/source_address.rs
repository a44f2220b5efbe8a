//! The IP address of the caller, for the allowed networks of API keys and for the audit log.

use std::net::IpAddr;

use aws::lambda::proxy::NotThroughProxy;
use axum::extract::Request;
use axum::http::request::Parts;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::identity::SessionCaller;

/// The caller's address in the request's extensions. [`find`] puts it there.
#[derive(Debug, Clone, Copy)]
struct SourceAddress(Option<IpAddr>);

/// Finds the address of the caller. Rejects requests that bypass the deployment's proxy. The console has already found the
/// address for the requests of its sessions.
pub(crate) fn find(app: &App, request: &mut Request) -> Result<(), ApiError> {
    let address = match request.extensions().get::<SessionCaller>() {
        Some(caller) => caller.source_ip,
        None => app.config.proxy.caller_address(request).map_err(|NotThroughProxy| ApiError::NotThroughProxy)?,
    };
    request.extensions_mut().insert(SourceAddress(address));
    Ok(())
}

/// The caller's IP address, if it is known.
pub(crate) fn source_address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<SourceAddress>()?.0
}

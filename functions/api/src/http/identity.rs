//! Who sends a request: the operator, the holder of a project's API key, or the user of a console session.

use std::net::IpAddr;

use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ProjectKey, Scope};
use domain::projects::audit::Actor;
use domain::projects::console::{ConsoleSession, ConsoleUser};

use crate::http::api_error::ApiError;

/// Marks a request as one of a console session. The console puts it into the extensions of a request to [`crate::router`]. No
/// HTTP request can carry it.
#[derive(Debug, Clone)]
pub struct SessionCaller {
    pub(super) session: ConsoleSession,
    pub(super) source_ip: Option<IpAddr>,
}

impl SessionCaller {
    /// `session` must have been read from the store within the last ten seconds. `source_ip` is the address of the browser.
    pub fn new(session: ConsoleSession, source_ip: Option<IpAddr>) -> Self {
        Self { session, source_ip }
    }
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// The operator, with an operator key.
    Operator,
    /// The holder of an API key, as the key was when the request came.
    ApiKey(ProjectKey),
    /// The user of a console session.
    Session(ConsoleSession),
}

impl Identity {
    /// Fails if the caller lacks `scope`. The operator has all scopes.
    pub(crate) fn permit(&self, scope: Scope) -> Result<(), ApiError> {
        match self {
            Self::Operator => Ok(()),
            Self::ApiKey(key) => Ok(key.permit(scope)?),
            Self::Session(session) if session.role.has(scope) => Ok(()),
            Self::Session(session) => Err(ApiError::RoleLacks(session.role, scope)),
        }
    }

    /// The caller as the audit log names it.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor::Operator,
            Self::ApiKey(key) => Actor::ApiKey { id: key.id, name: key.name.clone() },
            Self::Session(session) => {
                let ConsoleUser { id, name } = session.user.clone();
                Actor::ConsoleUser { id, name }
            }
        }
    }

    /// Id of the API key or session, under which calls are counted and idempotency keys are stored. `None` for the operator.
    pub(crate) fn id(&self) -> Option<String> {
        match self {
            Self::Operator => None,
            Self::ApiKey(key) => Some(key.id.to_string()),
            Self::Session(session) => Some(session.id.to_string()),
        }
    }

    /// When the caller's access ends, if that is known.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Operator => None,
            Self::ApiKey(key) => key.expires_at,
            Self::Session(session) => Some(session.expires_at),
        }
    }
}

//! What API Gateway gets: a simple response for HTTP APIs, a policy for REST APIs.

use domain::projects::api_key::{InvalidKeyReason, KeyScope, ProjectKey};
use serde::Serialize;

/// A response, in the form that the API needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum GatewayResponse {
    /// For HTTP APIs.
    #[serde(rename_all = "camelCase")]
    Simple {
        /// Whether the call may reach the product.
        is_authorized: bool,
        /// What the product learns about the caller.
        context: Context,
    },
    /// For REST APIs.
    #[serde(rename_all = "camelCase")]
    Policy {
        /// Id of the key, or `none`.
        principal_id: String,
        /// The policy, for this method and path only.
        policy_document: Policy,
        /// What the product learns about the caller.
        context: Context,
    },
}

/// What the product learns about the caller. All values are strings, because REST APIs allow no lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// All scopes of the key, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
    /// Why the call was denied, for access logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// A policy with one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    action: &'static str,
    resource: String,
}

/// Why a call is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The deployment does not list the route.
    Route,
    /// The path has characters with a meaning in a policy.
    Path,
    /// The key is not valid for the call.
    Key(InvalidKeyReason),
}

impl Denial {
    /// The reason as the context and the log name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Path => "path",
            Self::Key(reason) => reason.as_str(),
        }
    }
}

impl GatewayResponse {
    /// Builds the response. `method_arn` is absent at HTTP APIs.
    pub(crate) fn of(decision: &Result<ProjectKey, Denial>, method_arn: Option<String>) -> Self {
        let context = match decision {
            Ok(key) => Context::of(key),
            Err(denial) => Context { reason: Some(denial.as_str()), ..Context::default() },
        };
        let Some(resource) = method_arn else { return Self::Simple { is_authorized: decision.is_ok(), context } };
        let effect = if decision.is_ok() { "Allow" } else { "Deny" };
        let statement = [Statement { effect, action: "execute-api:Invoke", resource }];
        let principal_id = context.key_id.clone().unwrap_or_else(|| "none".to_owned());
        Self::Policy { principal_id, policy_document: Policy { version: "2012-10-17", statement }, context }
    }
}

impl Context {
    fn of(key: &ProjectKey) -> Self {
        let scopes = key.all_scopes();
        Self {
            project_id: Some(key.project_id.to_string()),
            key_id: Some(key.id.to_string()),
            scopes: Some(scopes.iter().map(KeyScope::as_str).collect::<Vec<_>>().join(" ")),
            reason: None,
        }
    }
}

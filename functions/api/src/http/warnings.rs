//! Warnings in responses: valid settings that carry a risk.

use serde::Serialize;

/// A risk of the resource's settings. A warning does not make a request fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Warning {
    /// The kind of warning. The name is stable.
    code: &'static str,
    /// The risk, and how to avoid it.
    detail: &'static str,
}

impl Warning {
    /// Creates a warning with a public, stable `code`. A view always contains the field `warnings` and lists it in `NOT_SETTINGS`,
    /// because it is derived from the settings.
    pub(crate) const fn new(code: &'static str, detail: &'static str) -> Self {
        Self { code, detail }
    }
}

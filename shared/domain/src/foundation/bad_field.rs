//! The fields of a request body that cannot be accepted.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A field of the request body that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BadField {
    /// JSON pointer to the field, such as `/eventTypes/2`.
    pub pointer: String,
    /// What is wrong with the field and what it must be.
    pub detail: String,
}

/// All fields that cannot be accepted. The list is never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} of the body's fields cannot be accepted", .0.len())]
pub struct BadFields(pub Vec<BadField>);

impl BadFields {
    /// The only field that cannot be accepted.
    pub fn one(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(vec![BadField { pointer: pointer.into(), detail: detail.into() }])
    }
}

//! The description of an endpoint.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Purpose of an endpoint in the customer's words: 1 to 200 characters, without control characters and without leading
/// or trailing white space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 200, pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$", example = "The CRM"))]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

/// A string that is not a [`Description`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to 200 characters, no control characters, and no leading or trailing space")]
pub struct BadDescription;

impl TryFrom<String> for Description {
    type Error = BadDescription;

    fn try_from(text: String) -> Result<Self, BadDescription> {
        let has_good_length = (1..=200).contains(&text.chars().count());
        let is_clean = text.trim() == text && !text.chars().any(char::is_control);
        if has_good_length && is_clean { Ok(Self(text)) } else { Err(BadDescription) }
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

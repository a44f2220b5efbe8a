//! Pages of lists.

use serde::{Deserialize, Serialize};

/// The start of the next page. Opaque to callers, and valid for the same list only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub(crate) String);

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The start of the next page, if there is one.
    pub next: Option<PageToken>,
}

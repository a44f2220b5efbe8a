//! The way through a list that has several pages. The position is in the URL.

use crate::http::pairs::Pairs;
use crate::http::visitor::Visitor;

/// The name of the query parameter with the position.
pub(crate) const CURSOR: &str = "cursor";

/// Links to the next page of a list and back to the first.
pub(crate) struct Pager {
    /// The next page, if there is one.
    pub(crate) next: Option<String>,
    /// The first page with the same filters.
    pub(crate) first: String,
    /// Whether this is the first page.
    pub(crate) is_first: bool,
}

impl Pager {
    /// The links of the list at `path`. `filters` are the query parameters that all pages keep. `next` is the cursor that the api
    /// returned.
    pub(crate) fn new(visitor: &Visitor, path: &str, filters: &Pairs, next: Option<String>) -> Self {
        Self {
            next: next.map(|cursor| filters.clone().with(CURSOR, cursor).href(path)),
            first: filters.href(path),
            is_first: visitor.query().get(CURSOR).is_none(),
        }
    }
}

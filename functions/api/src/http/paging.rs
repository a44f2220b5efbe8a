//! Lists: `{items, cursor?}`, and the query fields `limit` and `cursor`.

use aws::store::{Page, PageToken};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::http::bad_query::BadQuery;

const DEFAULT_LIMIT: u16 = 20;
const MAX_LIMIT: u16 = 100;

/// A list, or one page of it.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct List<T> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is complete on one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, cursor: None }
    }
}

impl<T> From<Page<T>> for List<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, cursor: page.next.map(|next| write_cursor(&next)) }
    }
}

/// The requested page.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// Maximum number of items on the page.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the previous page. Leave it out for the first page.
    cursor: Option<String>,
}

impl Paging {
    /// Maximum number of items.
    pub(crate) fn limit(&self) -> Result<u16, BadQuery> {
        limit(self.limit)
    }

    /// The position after which the page begins; `None` for the first page.
    pub(crate) fn after(&self) -> Result<Option<PageToken>, BadQuery> {
        self.cursor.as_deref().map(read_cursor).transpose()
    }
}

/// Returns a valid `limit`: the requested one, or 20.
pub(crate) fn limit(requested: Option<u16>) -> Result<u16, BadQuery> {
    let limit = requested.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) { Ok(limit) } else { Err(BadQuery::Limit) }
}

/// Encodes a position in a list as a cursor.
pub(crate) fn write_cursor(position: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("a position can be written as JSON"))
}

/// Decodes the position in a cursor.
pub(crate) fn read_cursor<T: for<'de> Deserialize<'de>>(cursor: &str) -> Result<T, BadQuery> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(BadQuery::Cursor)
}

#[cfg(test)]
mod tests {
    use domain::webhooks::delivery::Position;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_a_cursor_never_panics(text in "\\PC{0,80}") {
            let _ = read_cursor::<Position>(&text);
            let _ = read_cursor::<PageToken>(&text);
        }

        #[test]
        fn a_cursor_is_read_as_it_was_written(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let cursor = write_cursor(&bytes);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(read_cursor::<Vec<u8>>(&cursor).unwrap(), bytes);
        }
    }
}

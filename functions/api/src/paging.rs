//! Lists: `{items, cursor?}`, and the query fields `limit` and `cursor`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shared::aws::store::{Page, PageToken};

use crate::problem::ApiError;

const DEFAULT_LIMIT: u16 = 20;
const LARGEST_LIMIT: u16 = 100;

/// A list, or a page of one.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct List<T> {
    /// What is on it.
    pub(crate) items: Vec<T>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that has no pages.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, cursor: None }
    }
}

impl<T> From<Page<T>> for List<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, cursor: page.next.map(|next| write_cursor(&next)) }
    }
}

/// Which page is asked for.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items at most.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// The `cursor` of the page before; left out for the first.
    cursor: Option<String>,
}

impl Paging {
    /// How many items.
    pub(crate) fn limit(&self) -> Result<u16, ApiError> {
        limit(self.limit)
    }

    /// Where the page begins.
    pub(crate) fn after(&self) -> Result<Option<PageToken>, ApiError> {
        self.cursor.as_deref().map(read_cursor).transpose()
    }
}

/// A `limit` as asked for: 1 to 100, or 20.
pub(crate) fn limit(asked: Option<u16>) -> Result<u16, ApiError> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=LARGEST_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::BadQuery("limit must be from 1 to 100".to_owned()))
}

/// A position in a list as a cursor.
pub(crate) fn write_cursor(position: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are JSON"))
}

/// The position that a cursor stands for.
pub(crate) fn read_cursor<T: for<'de> Deserialize<'de>>(cursor: &str) -> Result<T, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let position = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    position.ok_or_else(|| ApiError::BadQuery("cursor is not one that this list gave".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::delivery::Position;

    use super::*;

    proptest! {
        #[test]
        fn outside_text_never_breaks_the_cursor_reader(text in "\\PC{0,80}") {
            let _ = read_cursor::<Position>(&text);
            let _ = read_cursor::<PageToken>(&text);
        }

        #[test]
        fn whatever_is_written_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let cursor = write_cursor(&bytes);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(read_cursor::<Vec<u8>>(&cursor).unwrap(), bytes);
        }
    }
}

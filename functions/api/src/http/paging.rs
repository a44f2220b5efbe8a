//! Lists: `{items, cursor?}`, and the query fields `limit` and `cursor`.
//!
//! A cursor is a position in one list, which has one route, one project and one filter. The position is parsed completely, so an
//! invalid cursor is a bad query and never reaches the database.

use aws::store::{Page, PageToken};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::foundation::id::ProjectId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

/// A list that is returned in pages. Its cursors are valid for this list only.
pub(crate) struct Paged(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<P> {
    /// Hash of the list.
    #[serde(rename = "l")]
    list: String,
    /// Position in the list.
    #[serde(rename = "p")]
    position: P,
}

impl Paged {
    /// The list with this name. `filter` contains all query parameters that select its items.
    pub(crate) fn new(name: &str, project: Option<ProjectId>, filter: &impl Serialize) -> Self {
        let list = serde_json::to_vec(&(name, project, filter)).expect("a filter can be written as JSON");
        Self(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(list)[..6]))
    }

    /// Encodes a position in this list.
    pub(crate) fn cursor(&self, position: &impl Serialize) -> String {
        let cursor = Cursor { list: self.0.clone(), position };
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).expect("a position can be written as JSON"))
    }

    /// Decodes a position in this list. Fails if the cursor is malformed or belongs to another list.
    pub(crate) fn position<P: for<'de> Deserialize<'de>>(&self, cursor: &str) -> Result<P, BadQuery> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadQuery::Cursor)?;
        let cursor: Cursor<P> = serde_json::from_slice(&bytes).map_err(|_| BadQuery::Cursor)?;
        if cursor.list == self.0 { Ok(cursor.position) } else { Err(BadQuery::Cursor) }
    }

    /// One page of this list.
    pub(crate) fn page<T>(&self, page: Page<T>) -> List<T> {
        List { items: page.items, cursor: page.next.map(|next| self.cursor(&next)) }
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

    /// The position after which the page of `list` begins; `None` for the first page.
    pub(crate) fn after(&self, list: &Paged) -> Result<Option<PageToken>, BadQuery> {
        self.cursor.as_deref().map(|cursor| list.position(cursor)).transpose()
    }
}

/// Returns a valid `limit`: the requested one, or 20.
pub(crate) fn limit(requested: Option<u16>) -> Result<u16, BadQuery> {
    let limit = requested.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) { Ok(limit) } else { Err(BadQuery::Limit) }
}

#[cfg(test)]
mod tests {
    use domain::webhooks::delivery::Position;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_is_valid_for_its_own_list_only() {
        let project = |id: &str| Some(id.parse().unwrap());
        let (ours, theirs) = ("019ab5e0-0000-7000-8000-000000000001", "019ab5e0-0000-7000-8000-000000000002");
        let lists = [
            Paged::new("events", project(ours), &Some("aml")),
            Paged::new("events", project(ours), &None::<&str>),
            Paged::new("events", project(theirs), &Some("aml")),
            Paged::new("deliveries", project(ours), &Some("aml")),
            Paged::new("projects", None, &()),
        ];
        for (index, list) in lists.iter().enumerate() {
            let cursor = list.cursor(&7);
            let accepting: Vec<usize> =
                (0..lists.len()).filter(|other| lists[*other].position::<u8>(&cursor).is_ok()).collect();
            assert_eq!(accepting, [index]);
        }
    }

    proptest! {
        #[test]
        fn reading_a_cursor_never_panics(text in "\\PC{0,80}") {
            let list = Paged::new("events", None, &());
            prop_assert!(list.position::<Position>(&text).is_err());
            prop_assert!(list.position::<PageToken>(&text).is_err());
        }

        #[test]
        fn a_cursor_is_read_as_it_was_written(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let list = Paged::new("events", None, &());
            let cursor = list.cursor(&bytes);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(list.position::<Vec<u8>>(&cursor).unwrap(), bytes);
        }
    }
}

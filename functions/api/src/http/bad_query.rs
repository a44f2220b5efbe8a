//! Why a query string is rejected.

use std::error::Error as _;

use axum::extract::rejection::QueryRejection;
use thiserror::Error;

/// Why a query string is rejected.
#[derive(Debug, Error)]
pub(crate) enum BadQuery {
    /// A field is unknown or has an invalid value.
    #[error("query string is invalid: {}", explain(.0))]
    Fields(#[source] QueryRejection),
    /// The call takes no query parameters.
    #[error("query parameter `{0}` is unknown: this call takes none")]
    Unexpected(String),
    /// `limit` is out of range.
    #[error("limit must be from 1 to 100")]
    Limit,
    /// `cursor` was not returned by this list.
    #[error("cursor was not returned by this list")]
    Cursor,
    /// `after` is not a position of this feed.
    #[error("after must be `latest` or a cursor of this feed with the same type and submissionId")]
    After,
    /// `wait` is out of range.
    #[error("wait must be from 0 to 20")]
    Wait,
}

/// Returns the reason alone, because the rejection's own sentence begins with words about our parser.
fn explain(rejection: &QueryRejection) -> String {
    rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::extract::Query;

    use super::*;

    #[test]
    fn an_invalid_field_is_named_with_its_reason() {
        let rejection = Query::<BTreeMap<String, u16>>::try_from_uri(&"/?limit=many".parse().unwrap()).unwrap_err();
        assert_eq!(
            BadQuery::Fields(rejection).to_string(),
            "query string is invalid: limit: invalid digit found in string"
        );
    }
}

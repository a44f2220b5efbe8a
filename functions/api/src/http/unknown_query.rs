//! Query parameters of calls that take none.
//!
//! Every call under `/v1` rejects unknown query parameters by name, so that a misspelled or misplaced filter never goes unnoticed. Lists do
//! it when they parse their query. Pages for people ignore unknown parameters, because mail programs and link trackers add some.

use axum::extract::{FromRequestParts, MatchedPath, Query};
use axum::http::Method;
use axum::http::request::Parts;

use crate::http::api_error::ApiError;
use crate::http::bad_query::BadQuery;

/// The routes whose `GET` takes query parameters.
const LISTS: [&str; 8] = [
    "/v1/projects",
    "/v1/projects/{pid}/audit",
    "/v1/projects/{pid}/console-sessions",
    "/v1/projects/{pid}/deliveries",
    "/v1/projects/{pid}/events",
    "/v1/projects/{pid}/feed",
    "/v1/projects/{pid}/replays",
    "/v1/projects/{pid}/reports",
];

/// Rejects the query parameters of a request to a route that takes none.
///
/// Handlers call this, not a layer around them: a layer does not know whether the route has the method of the request. If it does
/// not, the response is 405, with any query.
pub(crate) fn check(parts: &Parts) -> Result<(), ApiError> {
    if parts.uri.query().is_none() {
        return Ok(());
    }
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    if is_read && LISTS.contains(&route) {
        return Ok(());
    }
    let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(BadQuery::Fields)?;
    match parameters.into_iter().next() {
        Some((name, _)) => Err(BadQuery::Unexpected(name).into()),
        None => Ok(()),
    }
}

/// Rejects query parameters, for the calls that need no API key. For the others, the extractor of the caller does it.
pub(crate) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        check(parts).map(|()| Self)
    }
}

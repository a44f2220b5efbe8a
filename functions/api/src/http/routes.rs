//! The routes of the API, and what no route handles.

use axum::extract::Request;

use crate::app::App;
use crate::http::api_error::ApiError;

/// Maximum length of path and query. No valid URL of this API is as long.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Routes of one area, or of the whole API.
pub(crate) type Routes = aws::lambda::routes::Routes<App>;

/// Rejects URLs that are longer than 8 KiB.
pub(crate) fn check_url(request: &Request) -> Result<(), ApiError> {
    let length = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if length > MAX_URL_BYTES { Err(ApiError::UrlTooLong(MAX_URL_BYTES)) } else { Ok(()) }
}

/// Responds to an unknown path.
pub(crate) async fn route_not_found() -> ApiError {
    ApiError::RouteNotFound
}

/// Responds to a method that the route does not support.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

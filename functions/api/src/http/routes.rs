//! A router that knows its paths, so that tests can compare them with the OpenAPI document, and what no route handles.

use axum::Router;
use axum::extract::Request;
use axum::routing::MethodRouter;

use crate::app::App;
use crate::http::api_error::ApiError;

/// Maximum length of path and query. No valid URL of this API is as long.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Routes of one area, or of the whole API.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    paths: Vec<&'static str>,
}

impl Routes {
    /// Adds a path with the handlers of its methods.
    pub(crate) fn route(mut self, path: &'static str, methods: MethodRouter<App>) -> Self {
        self.paths.push(path);
        Self { router: self.router.route(path, methods), paths: self.paths }
    }

    /// Adds all routes of another area.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self { router: self.router.merge(other.router), paths: self.paths }
    }

    /// All paths, in the order in which they were added.
    pub(crate) fn paths(self) -> Vec<&'static str> {
        self.paths
    }

    /// The router, without the layers that all routes share.
    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}

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

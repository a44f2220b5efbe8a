//! A router that knows its paths, so that tests can call every route and compare them with the documentation.

use axum::Router;
use axum::routing::MethodRouter;

/// Routes of one area, or of a whole function, whose handlers share the state `S`.
pub struct Routes<S> {
    router: Router<S>,
    paths: Vec<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Adds a path with the handlers of its methods.
    #[must_use]
    pub fn route(mut self, path: &'static str, methods: MethodRouter<S>) -> Self {
        self.paths.push(path);
        Self { router: self.router.route(path, methods), paths: self.paths }
    }

    /// Adds all routes of another area.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self { router: self.router.merge(other.router), paths: self.paths }
    }

    /// All paths, in the order in which they were added.
    pub fn paths(self) -> Vec<&'static str> {
        self.paths
    }

    /// The router, without the layers that all routes share.
    pub fn into_router(self) -> Router<S> {
        self.router
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }
}

//! The state that all handlers share.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use aws::Aws;
use aws::secrets::KeyRingSecret;
use axum::Router;
use domain::foundation::clock::Clock;
use domain::foundation::random::Random;

use crate::config::Config;
use crate::http::session_cache::SessionCache;

/// Routes of one area, or of the whole console.
pub(crate) type Routes = aws::lambda::routes::Routes<App>;

/// The services that the handlers use. Cloning is cheap.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services behind [`App`].
pub struct Services {
    pub(crate) config: Config,
    pub(crate) sessions: SessionCache,
    pub(crate) key_ring: KeyRingSecret,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    api: api::App,
    api_router: OnceLock<Router>,
}

impl App {
    /// Creates the app. It calls no service until a request needs one. `api` has the configuration in `config`.
    pub fn new(
        config: Config,
        api: api::App,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let sessions = SessionCache::new(aws, &config.api.store.settings_table);
        Self(Arc::new(Services { config, sessions, key_ring, clock, random, api, api_router: OnceLock::new() }))
    }
}

impl Services {
    /// The router of the api. It is built for the first page, to keep cold starts short.
    pub(crate) fn api_router(&self) -> Router {
        self.api_router.get_or_init(|| api::router(self.api.clone())).clone()
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

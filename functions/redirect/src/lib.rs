//! Brings the verified person back: result page, error page, or straight to the return URL.
//!
//! The decision is in [`links`], made with the rules of [`shared::return_url`]; [`pages`] writes it down. Nothing in a
//! request can choose where a person is sent: a location is made only from a project's settings and a sealed token.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::get;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::{Settings, UsedLinks};
use shared::clock::Clock;
use shared::random::Random;

mod answer;
mod config;
mod headers;
mod language;
mod links;
mod pages;
mod request_log;
mod settings_cache;
mod texts;

pub use config::Config;
use settings_cache::SettingsCache;

/// What every handler works with. Cloning it is cheap.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services behind the pages.
pub struct Services {
    settings: SettingsCache,
    used_links: UsedLinks,
    key_ring: KeyRingSecret,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl App {
    /// No call is made before a request needs one.
    pub fn new(
        settings: Settings,
        used_links: UsedLinks,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self(Arc::new(Services { settings: SettingsCache::new(settings), used_links, key_ring, clock, random }))
    }
}

impl std::ops::Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// All routes. HEAD is answered like GET, without the body.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/r/{token}", get(links::follow))
        .route("/r/{pid}/error/{code}", get(links::show_error))
        .fallback(links::no_such_page)
        .method_not_allowed_fallback(links::no_such_method)
        .layer(map_response(headers::secure))
        .layer(from_fn(request_log::log_request))
        .with_state(app)
}

#[cfg(test)]
mod tests;

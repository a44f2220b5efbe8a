//! The state that all handlers share.

use std::ops::Deref;
use std::sync::Arc;

use aws::secrets::KeyRingSecret;
use aws::store::{ReturnUrlStore, UsedLinks};
use domain::foundation::clock::Clock;
use domain::foundation::random::Random;

use crate::settings_cache::SettingsCache;

/// The services that the handlers use. Cloning is cheap.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services behind [`App`].
pub struct Services {
    pub(crate) settings: SettingsCache,
    pub(crate) used_links: UsedLinks,
    pub(crate) key_ring: KeyRingSecret,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl App {
    /// Creates the app. It calls no service until a request needs one.
    pub fn new(
        settings: ReturnUrlStore,
        used_links: UsedLinks,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self(Arc::new(Services { settings: SettingsCache::new(settings), used_links, key_ring, clock, random }))
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

//! The console beside the api, on one database.

use std::ops::Deref;
use std::sync::Arc;

use aws::secrets::KeyRingSecret;
use axum::Router;
use console::{App, Config, router};
use domain::foundation::random::SystemRandom;
use domain::webhooks::retry::DEFAULT_SCHEDULE;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::client::Resource;
use crate::fixture::{self, Options, TestApi, key_ring};

/// The origin of the console.
pub(crate) const ORIGIN: &str = "https://console.example";

/// The running console and a project. It dereferences to the api, whose client is the operator.
pub(crate) struct TestConsole {
    api: TestApi,
    /// The project, for calls of the operator.
    pub(crate) project: Resource,
    router: Router,
}

impl TestConsole {
    pub(crate) async fn start() -> Self {
        Self::start_with(&Options::default(), "").await
    }

    /// Starts the console. `frame_ancestors` are the origins that may show it in a frame.
    pub(crate) async fn start_with(options: &Options, frame_ancestors: &str) -> Self {
        let api = TestApi::start_with(options).await;
        let project = api.create_project().await;
        let router = serve(&api, options, frame_ancestors);
        Self { api, project, router }
    }

    /// Mints a link for a user with this role. Returns the path of the link.
    pub(crate) async fn link(&self, role: &str, more: Value) -> String {
        let mut body = json!({"user": {"id": "u1", "name": "Ada Kim"}, "role": role});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let link = self.project.post("/console-links", body).await.expect(201);
        link["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
    }

    /// A browser without a session.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// A browser of a user with this role, who has opened a link.
    pub(crate) async fn sign_in(&self, role: &str) -> Browser {
        self.sign_in_with(role, json!({})).await.0
    }

    /// A browser of a user who has opened a link with these settings, and the first page.
    pub(crate) async fn sign_in_with(&self, role: &str, more: Value) -> (Browser, Page) {
        let link = self.link(role, more).await;
        let mut browser = self.browser();
        let page = browser.open(&link).await;
        assert!(browser.cookie.is_some(), "{}", page.text());
        (browser, page)
    }
}

impl Deref for TestConsole {
    type Target = TestApi;

    fn deref(&self) -> &TestApi {
        &self.api
    }
}

fn serve(api: &TestApi, options: &Options, frame_ancestors: &str) -> Router {
    let aws = if options.has_queue { api.queue.aws() } else { api.store.aws() };
    let config = Config {
        api: fixture::config(options, &api.operator_key),
        origin: ORIGIN.parse().unwrap(),
        frame_ancestors: frame_ancestors.split_whitespace().map(|origin| origin.parse().unwrap()).collect(),
        retry_schedule: DEFAULT_SCHEDULE.parse().unwrap(),
    };
    let (app, key_ring) =
        (fixture::app(options, &api.operator_key, &api.clock, aws), KeyRingSecret::known(key_ring(options.key_ring)));
    router(App::new(config, app, aws, key_ring, api.clock.clone(), Arc::new(SystemRandom)))
}

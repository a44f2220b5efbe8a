//! One project of the deployment, as most commands use it.

use domain::foundation::id::ProjectId;
use domain::projects::api_key::ApiKeyKind;
use domain::projects::project::Mode;
use serde_json::Value;

use crate::api::{Answer, ApiClient, ApiError};
use crate::config::Config;

/// A project, and the key to call the API with. Paths are those below the project, such as `/events`.
#[derive(Debug)]
pub(crate) struct Project {
    api: ApiClient,
    id: ProjectId,
    key_kind: ApiKeyKind,
}

impl Project {
    /// A project of the configured deployment.
    pub(crate) fn new(config: &Config, id: ProjectId) -> Self {
        Self { api: ApiClient::new(config), id, key_kind: config.key.kind() }
    }

    /// Id of the project.
    pub(crate) fn id(&self) -> ProjectId {
        self.id
    }

    /// Makes a `GET`.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, ApiError> {
        self.api.get(&self.path(path)).await
    }

    /// Makes a `GET` that is not repeated after a temporary failure.
    pub(crate) async fn get_once(&self, path: &str) -> Result<Answer, ApiError> {
        self.api.get_once(&self.path(path)).await
    }

    /// Makes a `POST`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, ApiError> {
        self.api.post(&self.path(path), body).await
    }

    /// Whether the project is a test project. Only an operator key needs a call.
    pub(crate) async fn is_test(&self) -> Result<bool, ApiError> {
        match self.key_kind {
            ApiKeyKind::Test => Ok(true),
            ApiKeyKind::Live => Ok(false),
            ApiKeyKind::Operator => Ok(self.get("").await?.text("mode")? == Mode::Test.as_str()),
        }
    }

    /// Whether the key belongs to a live project.
    pub(crate) fn has_live_key(&self) -> bool {
        self.key_kind == ApiKeyKind::Live
    }

    /// A project of the deployment at `api`, with a new key.
    #[cfg(test)]
    pub(crate) fn of_test(api: &str, kind: ApiKeyKind) -> Self {
        use domain::foundation::clock::{Clock as _, SystemClock};
        use domain::foundation::random::SystemRandom;
        use domain::projects::api_key::ApiKey;

        let config = Config { api: api.parse().unwrap(), key: ApiKey::generate(kind, &SystemRandom), project: None };
        Self::new(&config, ProjectId::new(SystemClock.now(), &SystemRandom))
    }

    fn path(&self, path: &str) -> String {
        format!("/v1/projects/{}{path}", self.id)
    }
}

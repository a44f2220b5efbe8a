//! The person who uses the console: the session, the language, and the api as this session may call it.

use std::str::FromStr;
use std::sync::Arc;

use api::SessionCaller;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::foundation::id::ConsoleSessionId;
use domain::foundation::language::Language;
use domain::foundation::random::Random;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ProductScopes, Scope};
use domain::projects::console::{ConsoleSession, Role};
use url::Url;

use crate::app::App;
use crate::http::api_client::ApiClient;
use crate::http::caller_address;
use crate::http::flash;
use crate::http::pairs::Pairs;
use crate::http::problem::Problem;
use crate::http::session_cache::OpenSession;

/// The header that the script of a live preview sends.
const FRAGMENT: &str = "x-fragment";

/// A person with a valid session. Cloning is cheap. Extract it in a handler.
#[derive(Clone)]
pub(crate) struct Visitor(Arc<Visit>);

struct Visit {
    app: App,
    open: Arc<OpenSession>,
    language: Language,
    api: ApiClient,
    query: Pairs,
    wants_fragment: bool,
}

impl Visitor {
    /// The holder of a session, who sent the request with these `parts`. `browser_language` is used if the session has none.
    pub(crate) fn new(app: &App, open: Arc<OpenSession>, parts: &Parts, browser_language: Language) -> Self {
        let session = &open.session;
        let caller = SessionCaller::new(session.clone(), caller_address::of(parts));
        let api = ApiClient::new(app.api_router(), caller, session.project_id, parts);
        let language = session.language.unwrap_or(browser_language);
        let query = Pairs::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let wants_fragment = parts.headers.contains_key(FRAGMENT);
        Self(Arc::new(Visit { app: app.clone(), open, language, api, query, wants_fragment }))
    }

    /// The api, called by this session.
    pub(crate) fn api(&self) -> &ApiClient {
        &self.0.api
    }

    /// The URL of `path` below the project, for programs of the customer.
    pub(crate) fn public_url(&self, path: &str) -> String {
        format!("{}/v1/projects/{}{path}", self.0.app.config.api.api_base_url, self.session().project_id)
    }

    /// The host of the API, which asks receivers for permission in handshakes.
    pub(crate) fn webhook_origin(&self) -> String {
        let url = Url::parse(&self.0.app.config.api.api_base_url).ok();
        url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
    }

    /// The session.
    pub(crate) fn session(&self) -> &ConsoleSession {
        &self.0.open.session
    }

    /// The session's project and accent.
    pub(crate) fn open_session(&self) -> &OpenSession {
        &self.0.open
    }

    /// What the user may do.
    pub(crate) fn role(&self) -> Role {
        self.session().role
    }

    /// Whether the role has a scope. The api decides; pages only hide what it would refuse.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.role().has(scope)
    }

    /// The scopes of the operator's product, which API keys may carry.
    pub(crate) fn product_scopes(&self) -> &ProductScopes {
        &self.0.app.config.api.product_scopes
    }

    /// The language of the pages.
    pub(crate) fn language(&self) -> Language {
        self.0.language
    }

    /// The query of the page.
    pub(crate) fn query(&self) -> &Pairs {
        &self.0.query
    }

    /// Which notice the page shows, from the closed list `T`.
    pub(crate) fn notice<T: FromStr>(&self) -> Option<T> {
        flash::notice(&self.0.query)
    }

    /// Whether the request comes from the script of a live preview, which replaces only a part of the page.
    pub(crate) fn wants_fragment(&self) -> bool {
        self.0.wants_fragment
    }

    /// Maximum number of attempts of a delivery.
    pub(crate) fn max_attempts(&self) -> usize {
        self.0.app.config.retry_schedule.attempts()
    }

    /// The time of the request.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.app.clock.now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.app.random
    }

    /// Forgets a session that a handler ended, so that its next page reads it again.
    pub(crate) fn forget_session(&self, id: ConsoleSessionId) {
        self.0.app.sessions.forget(id);
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // The session layer adds the visitor to every request that needs a session.
        parts.extensions.get::<Self>().cloned().ok_or(Problem::NoSuchPage)
    }
}

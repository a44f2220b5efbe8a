//! The pages of one project on a fresh database, and their responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws::lambda::proxy::TrustedProxy;
use aws::secrets::KeyRingSecret;
use aws::store::testing::{ACTIVITY, Database};
use aws::store::{ProjectReturnUrl, UsedLinks};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AsHeaderName, LOCATION, REFRESH};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use domain::foundation::clock::{Clock, ManualClock};
use domain::foundation::draft::Draft;
use domain::foundation::id::{ProjectId, SecretKeyId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::project::{NewProject, Project};
use domain::return_urls::return_link::NewReturnLink;
use domain::return_urls::{AppSchemes, KeyIssue, NewReturnUrlSettings, SecretKeys};
use tower::ServiceExt;

use crate::{App, router};

/// The key ring that seals the tokens in `events/`.
const RING: &str = r#"{"current":"k1","k1":"the-ring-of-the-sample-events-only"}"#;

// Return links.

pub(super) const APPROVED: &str =
    r#"{"kycStatus":"approved","userid":"user123","email":"user@example.com","cf1":"<b>&"}"#;
pub(super) const SINGLE_USE: &str = r#"{"kycStatus":"approved","userid":"user123","singleUse":true}"#;
pub(super) const DEVICE_REFUSED: &str = r#"{"errorCode":"DE-20000","userid":"user123"}"#;

// Return URL settings.

pub(super) const RESULT_PAGE: &str =
    r#"{"url":"https://yourapp.com/done","fields":["userid","kycStatus","errorCode"]}"#;
pub(super) const NO_RESULT_PAGE: &str =
    r#"{"url":"https://yourapp.com/done","fields":["userid","kycStatus","errorCode"],"skipResultPage":true}"#;
pub(super) const NO_ERROR_CODE: &str =
    r#"{"url":"https://yourapp.com/done","fields":["kycStatus"],"skipResultPage":true}"#;

/// The pages of one project on a database of their own.
pub(super) struct Site {
    pub(super) database: Database,
    pub(super) clock: Arc<ManualClock>,
    pub(super) project: ProjectId,
    revision: AtomicU64,
    app: App,
    router: Router,
}

impl Site {
    /// A project with these return URL settings.
    pub(super) async fn with(settings: &str) -> Self {
        let site = Self::without_return_url().await;
        site.set(settings).await;
        site
    }

    pub(super) async fn without_return_url() -> Self {
        Self::new(r#"{"name":"아고스 & Sons"}"#).await
    }

    /// A project created from the body of a request, without a return URL.
    pub(super) async fn new(project: &str) -> Self {
        Self::start(project, ACTIVITY).await
    }

    /// A project whose single-use links cannot be claimed, because the table does not exist.
    pub(super) async fn without_activity_table() -> Self {
        let site = Self::start(r#"{"name":"Acme"}"#, "no-such-table").await;
        site.set(NO_RESULT_PAGE).await;
        site
    }

    async fn start(project: &str, activity_table: &str) -> Self {
        let database = Database::start().await;
        let clock = Arc::new(ManualClock::new("2026-11-22T08:30:00Z".parse().unwrap()));
        let new: NewProject = Draft::parse(project.as_bytes()).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(clock.now(), &SystemRandom));
        database.store.projects.put(&project).await.unwrap();
        let key_ring = KeyRingSecret::known(ring());
        let used_links = UsedLinks::new(database.aws(), activity_table);
        let return_urls = database.store.return_urls.clone();
        let app = App::new(return_urls, used_links, key_ring, clock.clone(), Arc::new(SystemRandom));
        let no_proxy = TrustedProxy::read(&|_| None).unwrap();
        Self {
            database,
            clock,
            project: project.id,
            revision: AtomicU64::new(0),
            router: router(app.clone(), no_proxy),
            app,
        }
    }

    /// The same pages, behind a proxy.
    pub(super) fn behind(self, proxy: TrustedProxy) -> Self {
        Self { router: router(self.app.clone(), proxy), ..self }
    }

    /// Changes the settings of the return URL. Like all changes, it raises the project's revision.
    pub(super) async fn set(&self, settings: &str) {
        let new: NewReturnUrlSettings = Draft::parse(settings.as_bytes()).unwrap().try_into().unwrap();
        let accepted = new.accept(true, &AppSchemes::default()).unwrap();
        self.database.store.return_urls.put(self.project, &accepted).await.unwrap();
        self.raise_revision().await;
    }

    /// Issues a `secretKey` that takes over after `overlap_days`.
    pub(super) async fn issue_key(&self, overlap_days: u64) -> SecretKeyId {
        let id = SecretKeyId::new(self.clock.now(), &SystemRandom);
        let issue = KeyIssue { overlap: overlap_days.try_into().unwrap(), secret_key: None };
        self.change_keys(|keys, now| drop(keys.issue(id, issue, now, &ring(), &SystemRandom).unwrap())).await;
        id
    }

    /// Changes the `secretKey`s.
    pub(super) async fn change_keys(&self, change: impl FnOnce(&mut SecretKeys, Timestamp)) {
        let store = &self.database.store.return_urls;
        let mut keys = store.keys_now(self.project).await.unwrap();
        change(&mut keys, self.clock.now());
        store.replace_keys(&keys).await.unwrap();
        self.raise_revision().await;
    }

    /// The project with its return URL as it is stored.
    pub(super) async fn stored(&self) -> ProjectReturnUrl {
        self.database.store.return_urls.get_now(self.project).await.unwrap().unwrap()
    }

    async fn raise_revision(&self) {
        let Project { revision, .. } = self.stored().await.project;
        let project = Project { revision: revision + 1, ..self.stored().await.project };
        self.database.store.projects.put(&project).await.unwrap();
        self.revision.store(project.revision, Ordering::Relaxed);
    }

    /// Mints a return link and returns its path.
    pub(super) fn link(&self, body: &str) -> String {
        self.link_of(self.revision.load(Ordering::Relaxed), body)
    }

    /// Returns the path of a link that was minted when the project had this revision.
    pub(super) fn link_of(&self, revision: u64, body: &str) -> String {
        let new: NewReturnLink = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        let link = new.create(self.project, revision, self.clock.now(), &SystemRandom);
        format!("/r/{}", link.seal(&ring(), &SystemRandom))
    }

    pub(super) async fn get(&self, path: &str) -> PageResponse {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn get_in(&self, language: &str, path: &str) -> PageResponse {
        self.send(Request::get(path).header("accept-language", language).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> PageResponse {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        PageResponse { status: parts.status, headers: parts.headers, html }
    }
}

/// A response whose body was read.
#[derive(Debug)]
pub(super) struct PageResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

impl PageResponse {
    pub(super) fn header(&self, name: impl AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns whether the browser stays where it is: nothing in the response redirects or refreshes.
    pub(super) fn has_no_redirect(&self) -> bool {
        ![LOCATION, REFRESH].iter().any(|name| self.headers.contains_key(name)) && !self.html.contains("http-equiv")
    }
}

pub(super) fn ring() -> KeyRing {
    KeyRing::from_json(RING).unwrap()
}

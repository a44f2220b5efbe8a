//! Changes of settings. A handler decides on the current settings; the change and its entry in the audit log are written together,
//! and only if the settings are still the same. Otherwise the handler decides again.

use std::time::Duration;

use aws::store::{Commit, ProjectWrite, Write, WriteOutcome};
use domain::foundation::id::ProjectId;
use domain::foundation::random;
use domain::projects::audit::{AuditChange, Entry, Fields};
use domain::projects::project::Project;
use serde::Serialize;
use tokio::time::sleep;

use crate::app::App;
use crate::events::subscriptions;
use crate::http::api_error::ApiError;
use crate::http::caller::{Caller, RequestOrigin};
use crate::http::etag::{Preconditions, Tag};
use crate::http::response::{SettingsResponse, StoredResponse};

/// Attempts before answering 409 because of concurrent changes.
const MAX_TRIES: u32 = 8;

/// Maximum wait after the first conflict. The maximum grows by this much with each further conflict.
const MAX_WAIT: Duration = Duration::from_millis(60);

/// A request to change settings.
#[derive(Clone, Copy)]
pub(crate) struct ChangeRequest<'a> {
    /// The project whose settings change.
    pub(crate) project: ProjectId,
    /// Where the request comes from.
    pub(crate) origin: &'a RequestOrigin,
    /// The conditions on the current settings.
    pub(crate) preconditions: &'a Preconditions,
    /// Number of the audit log entry that the change reverts, if it reverts one.
    pub(crate) reverts: Option<u64>,
}

impl<'a> ChangeRequest<'a> {
    /// A request by `caller` that reverts nothing.
    pub(crate) fn by<S>(caller: &'a Caller<S>, preconditions: &'a Preconditions) -> Self {
        Self { project: caller.project_id, origin: &caller.origin, preconditions, reverts: None }
    }
}

/// What a handler decides to do with the current settings.
pub(crate) enum ChangeDecision<T> {
    /// Write nothing, because the settings already are as requested.
    Unchanged(SettingsResponse<T>),
    /// Write the change.
    Change(Box<PlannedChange<T>>),
}

/// A change to be written, and the response after it was written.
pub(crate) struct PlannedChange<T> {
    project: ProjectWrite,
    writes: Vec<Write>,
    change: AuditChange,
    response: SettingsResponse<T>,
}

impl<T> ChangeDecision<T> {
    /// Changes a resource of the project. `seen` is the project on which the decision is based.
    pub(crate) fn resource(
        seen: Project,
        writes: Vec<Write>,
        change: AuditChange,
        response: SettingsResponse<T>,
    ) -> Self {
        Self::project(ProjectWrite::Keep(seen), writes, change, response)
    }

    /// Changes the project itself and resources of it. A change without a changed field becomes [`Self::Unchanged`].
    pub(crate) fn project(
        project: ProjectWrite,
        writes: Vec<Write>,
        change: AuditChange,
        response: SettingsResponse<T>,
    ) -> Self {
        if change.is_empty() {
            return Self::Unchanged(response);
        }
        Self::Change(Box::new(PlannedChange { project, writes, change, response }))
    }

    /// Adds the `ETag` of the resource after the decision. `settings` are its settings after the decision. `changed_in` is the
    /// audit log entry of its previous change, or 0 for a new resource.
    pub(crate) fn with_tag(self, settings: &Fields, changed_in: u64) -> Self {
        match self {
            Self::Unchanged(response) => Self::Unchanged(response.with_tag(Tag::of(settings, changed_in))),
            Self::Change(mut planned) => {
                let tag = Tag::of(settings, planned.project.next_revision());
                planned.response = planned.response.with_tag(tag);
                Self::Change(planned)
            }
        }
    }
}

impl App {
    /// Changes settings of a project as `decide` says. `decide` runs again after a conflict, so it must read all settings that it
    /// depends on, with consistent reads.
    pub(crate) async fn change_settings<T, F>(
        &self,
        origin: &RequestOrigin,
        project: ProjectId,
        decide: impl Fn(Project) -> F,
    ) -> Result<SettingsResponse<T>, ApiError>
    where
        T: Serialize,
        F: Future<Output = Result<ChangeDecision<T>, ApiError>>,
    {
        for tries in 1..=MAX_TRIES {
            let project = self.store.projects.get_now(project).await?.ok_or(ApiError::NotFound("project"))?;
            let change = match decide(project).await? {
                ChangeDecision::Unchanged(response) => return Ok(response),
                ChangeDecision::Change(change) => *change,
            };
            if let Some(response) = self.commit(origin, change).await? {
                return Ok(response);
            }
            // A random wait, so that concurrent requests do not collide again.
            sleep((MAX_WAIT * tries).mul_f64(random::fraction(&*self.random))).await;
        }
        Err(ApiError::ChangedMeanwhile)
    }

    /// Creates a project.
    pub(crate) async fn create_project<T: Serialize>(
        &self,
        origin: &RequestOrigin,
        project: Project,
        change: AuditChange,
        response: SettingsResponse<T>,
    ) -> Result<SettingsResponse<T>, ApiError> {
        let change = PlannedChange { project: ProjectWrite::Create(project), writes: Vec::new(), change, response };
        self.commit(origin, change).await?.ok_or(ApiError::ChangedMeanwhile)
    }

    /// Writes a change with its audit log entry, and the response if the request may be repeated. Returns `None` and writes nothing
    /// if another request changed the project's settings first.
    async fn commit<T: Serialize>(
        &self,
        origin: &RequestOrigin,
        change: PlannedChange<T>,
    ) -> Result<Option<SettingsResponse<T>>, ApiError> {
        let PlannedChange { project, writes, change, response } = change;
        let (now, number) = (self.clock.now(), project.next_revision());
        let entry = Entry { number, at: now, author: origin.author.clone(), change };
        let keeper = match &origin.idempotent_request {
            None => None,
            Some(request) => Some(request.keeper(self, &StoredResponse::of(&response)).await?),
        };
        let nonce = random::letters_and_digits(22, &*self.random);
        let changes_subscriptions = subscriptions::are_changed_by(&entry.change);
        let outcome = self.store.projects.commit(Commit { project, writes, entry, nonce }, keeper).await?;
        if outcome == WriteOutcome::Conflict {
            return Ok(None);
        }
        if let Some(request) = &origin.idempotent_request {
            request.note_stored();
        }
        if changes_subscriptions {
            self.subscriptions.wait_until_known().await;
        }
        Ok(Some(response))
    }
}

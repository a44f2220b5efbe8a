//! How settings are changed: decided on what they are, and written, with the audit log's entry, only if they still are.

use std::time::Duration;

use serde::Serialize;
use shared::audit::{Action, Deed, Entry};
use shared::aws::store::{Commit, ProjectWrite, Write, Written};
use shared::id::ProjectId;
use shared::project::Project;
use shared::random;
use tokio::time::sleep;

use crate::App;
use crate::answer::{Answer, KeptAnswer};
use crate::caller::{Caller, Origin};
use crate::problem::ApiError;
use crate::tag::{IfMatch, Tag};

/// How often a decision is made before the caller is told that others keep coming first.
const MOST_TRIES: u32 = 8;

/// How long somebody who came second waits at most, for each time that they did.
const LONGEST_WAIT: Duration = Duration::from_millis(60);

/// How a change is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The project whose settings are to change.
    pub(crate) project: ProjectId,
    /// Where the request comes from.
    pub(crate) origin: &'a Origin,
    /// What the caller believes the resource to be.
    pub(crate) if_match: &'a IfMatch,
    /// The entry of the audit log that is to be undone, if one is.
    pub(crate) reverts: Option<u64>,
}

impl<'a> Asked<'a> {
    /// Asked for by `caller`, for what `if_match` says.
    pub(crate) fn by<S>(caller: &'a Caller<S>, if_match: &'a IfMatch) -> Self {
        Self { project: caller.project_id, origin: &caller.origin, if_match, reverts: None }
    }
}

/// What a handler has decided.
pub(crate) enum Decision<T> {
    /// All is as it was asked for already.
    Nothing(Answer<T>),
    /// This is to be done.
    Change(Box<Change<T>>),
}

/// A change, and what the caller is answered once it is made.
pub(crate) struct Change<T> {
    project: ProjectWrite,
    writes: Vec<Write>,
    deed: Deed,
    answer: Answer<T>,
}

impl<T> Decision<T> {
    /// Changes what belongs to a project.
    pub(crate) fn change(seen: Project, writes: Vec<Write>, deed: Deed, answer: Answer<T>) -> Self {
        Self::project(ProjectWrite::Keep(seen), writes, deed, answer)
    }

    /// Changes the project itself, and what belongs to it. A change after which everything is as before is none.
    pub(crate) fn project(project: ProjectWrite, writes: Vec<Write>, deed: Deed, answer: Answer<T>) -> Self {
        if deed.action == Action::Changed && deed.changes.is_empty() {
            return Self::Nothing(answer);
        }
        Self::Change(Box::new(Change { project, writes, deed, answer }))
    }
}

impl App {
    /// Changes settings of a project as `decide` says, which is asked again if they were changed meanwhile. It must read all that
    /// it depends on by itself, and as it is now.
    pub(crate) async fn change<T, F>(
        &self,
        origin: &Origin,
        project: ProjectId,
        decide: impl Fn(Project) -> F,
    ) -> Result<Answer<T>, ApiError>
    where
        T: Serialize,
        F: Future<Output = Result<Decision<T>, ApiError>>,
    {
        for tries in 1..=MOST_TRIES {
            let project = self.settings.project_now(project).await?.ok_or(ApiError::NotFound("project"))?;
            let change = match decide(project).await? {
                Decision::Nothing(answer) => return Ok(answer),
                Decision::Change(change) => *change,
            };
            if let Some(answer) = self.commit(origin, change).await? {
                return Ok(answer);
            }
            sleep((LONGEST_WAIT * tries).mul_f64(random::fraction(&*self.random))).await;
        }
        Err(ApiError::ChangedMeanwhile)
    }

    /// Creates a project.
    pub(crate) async fn create_project(
        &self,
        origin: &Origin,
        project: Project,
        deed: Deed,
    ) -> Result<Answer<Project>, ApiError> {
        let shown = Project { revision: 1, ..project.clone() };
        let answer = Answer::created(shown).tagged(Tag::of_view(&project));
        let change = Change { project: ProjectWrite::Create(project), writes: Vec::new(), deed, answer };
        self.commit(origin, change).await?.ok_or(ApiError::ChangedMeanwhile)
    }

    /// Makes a change, if nobody came first.
    async fn commit<T: Serialize>(&self, origin: &Origin, change: Change<T>) -> Result<Option<Answer<T>>, ApiError> {
        let Change { project, writes, deed, answer } = change;
        let (now, number) = (self.clock.now(), project.next_revision());
        let entry = Entry { number, at: now, author: origin.author.clone(), deed };
        let keeper = match &origin.claim {
            None => None,
            Some(claim) => Some(claim.keeper(self, &KeptAnswer::of(&answer)).await?),
        };
        let nonce = random::letters_and_digits(22, &*self.random);
        let written = self.settings.commit(Commit { project, writes, entry, nonce }, keeper).await?;
        if written == Written::Before {
            return Ok(None);
        }
        if let Some(claim) = &origin.claim {
            claim.note_kept();
        }
        Ok(Some(answer))
    }
}

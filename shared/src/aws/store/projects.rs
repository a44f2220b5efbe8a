//! Projects.

use super::table::{self, ListOf, Listed, Row};
use super::{Page, PageToken, Settings, StoreError};
use crate::endpoint::Endpoint;
use crate::id::ProjectId;
use crate::project::Project;

const KIND: &str = "project";
pub(super) const META: &str = "meta";

/// The partition of a project's settings.
pub(super) fn partition(project: ProjectId) -> String {
    format!("project#{project}")
}

pub(super) fn row(project: &Project) -> Row<Listed<&Project>> {
    let content = Listed { kind: KIND.to_owned(), list_key: project.id.to_string(), content: project };
    Row { pk: partition(project.id), sk: META.to_owned(), content }
}

impl Settings {
    /// A project, if there is one with this id.
    pub async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.table.get(&partition(id), META).await
    }

    /// The same as it is now.
    pub async fn project_now(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.table.get_now(&partition(id), META).await
    }

    /// The projects, newest first, at most `limit` from `after` on.
    pub async fn projects(&self, limit: u16, after: Option<&PageToken>) -> Result<Page<Project>, StoreError> {
        let query = self.table.of_kind(KIND).scan_index_forward(false).limit(i32::from(limit));
        table::page(query, ListOf::Kind(KIND), after).await
    }

    /// A project with all its endpoints, in one read; `None` if there is no such project. As they are now: what is published
    /// right after an endpoint was created goes there.
    ///
    /// The sort keys of the endpoints come right before that of the project, so one range holds both.
    pub async fn project_and_endpoints(&self, id: ProjectId) -> Result<Option<(Project, Vec<Endpoint>)>, StoreError> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Either {
            Endpoint(Box<Endpoint>),
            Project(Project),
        }
        let mut endpoints = Vec::new();
        let mut project = None;
        let query = self.table.between(&partition(id), super::endpoints::PREFIX, META).consistent_read(true);
        for row in table::all(query).await? {
            match row {
                Either::Endpoint(endpoint) => endpoints.push(*endpoint),
                Either::Project(found) => project = Some(found),
            }
        }
        Ok(project.map(|project| (project, endpoints)))
    }
}

//! Projects.

use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::table::Table;
use super::table::{self, Listed, Row};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::projects::project::Project;
use domain::webhooks::endpoint::Endpoint;

pub(super) fn row(project: &Project) -> Row<Listed<&Project>> {
    let content = Listed { kind: keys::PROJECT_KIND.to_owned(), list_key: project.id.to_string(), content: project };
    Row { pk: keys::settings(project.id), sk: keys::PROJECT.to_owned(), content }
}

/// Projects.
#[derive(Debug, Clone)]
pub struct ProjectStore {
    pub(super) table: Table,
}

impl ProjectStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns a project (eventually consistent).
    pub async fn get(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.table.get(&keys::settings(id), keys::PROJECT).await
    }

    /// Returns a project (strongly consistent).
    pub async fn get_now(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        self.table.get_now(&keys::settings(id), keys::PROJECT).await
    }

    /// Returns projects, newest first: at most `limit`, starting at `after`.
    pub async fn list(&self, limit: u16, after: Option<&PageToken>) -> Result<Page<Project>, StoreError> {
        let query = self.table.of_kind(keys::PROJECT_KIND).scan_index_forward(false).limit(i32::from(limit));
        page::page(query, ListOf::Projects, after).await
    }

    /// Returns a project with all its endpoints in one read; `None` if there is no such project. The read is strongly
    /// consistent, so that an event published right after an endpoint was created is sent to it.
    ///
    /// The sort keys of endpoints sort right before that of the project, so one range covers both.
    pub async fn with_endpoints(&self, id: ProjectId) -> Result<Option<(Project, Vec<Endpoint>)>, StoreError> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Either {
            Endpoint(Box<Endpoint>),
            Project(Project),
        }
        let mut endpoints = Vec::new();
        let mut project = None;
        let query = self.table.between(&keys::settings(id), keys::ENDPOINT_PREFIX, keys::PROJECT).consistent_read(true);
        for row in table::all(query).await? {
            match row {
                Either::Endpoint(endpoint) => endpoints.push(*endpoint),
                Either::Project(found) => project = Some(found),
            }
        }
        Ok(project.map(|project| (project, endpoints)))
    }
}

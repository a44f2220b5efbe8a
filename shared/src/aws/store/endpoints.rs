//! Endpoints.

use super::projects::partition;
use super::table::{self, Row};
use super::{Settings, StoreError};
use crate::endpoint::Endpoint;
use crate::id::{EndpointId, ProjectId};

pub(super) const PREFIX: &str = "endpoint#";

fn sort_key(id: EndpointId) -> String {
    format!("{PREFIX}{id}")
}

impl Settings {
    /// Stores an endpoint over what was stored of it.
    pub async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let (pk, sk) = (partition(endpoint.project_id), sort_key(endpoint.id));
        self.table.put(&Row { pk, sk, content: endpoint }).await
    }

    /// An endpoint, if the project has one with this id. Read as it is now: a delivery is cancelled when there is none.
    pub async fn endpoint(&self, project: ProjectId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.table.get_now(&partition(project), &sort_key(id)).await
    }

    /// All endpoints of a project, oldest first.
    pub async fn endpoints(&self, project: ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), PREFIX)).await
    }

    /// Deletes an endpoint; its deliveries that are not final will be cancelled when their next attempt is due.
    pub async fn delete_endpoint(&self, project: ProjectId, id: EndpointId) -> Result<(), StoreError> {
        self.table.delete(&partition(project), &sort_key(id)).await
    }
}

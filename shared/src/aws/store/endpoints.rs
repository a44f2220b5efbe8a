//! Endpoints.

use std::borrow::Borrow;

use super::projects::partition;
use super::table::{self, Row, number};
use super::{Settings, StoreError, Write, Written};
use crate::endpoint::Endpoint;
use crate::id::{EndpointId, ProjectId};

pub(super) const PREFIX: &str = "endpoint#";

pub(super) fn sort_key(id: EndpointId) -> String {
    format!("{PREFIX}{id}")
}

pub(super) fn row<T: Borrow<Endpoint>>(endpoint: T) -> Row<T> {
    Row { pk: partition(endpoint.borrow().project_id), sk: sort_key(endpoint.borrow().id), content: endpoint }
}

impl Write {
    /// Stores a new endpoint.
    pub fn new_endpoint(endpoint: &Endpoint) -> Result<Self, StoreError> {
        Ok(Self::put(&row(endpoint))?.where_none_is())
    }

    /// Stores a changed endpoint over the one that was read, as its next version.
    pub fn endpoint(endpoint: &Endpoint) -> Result<Self, StoreError> {
        let next = Endpoint { version: endpoint.version + 1, ..endpoint.clone() };
        Ok(Self::put(&row(&next))?.over_version(endpoint.version))
    }

    /// Deletes an endpoint; its deliveries that are not final will be cancelled when their next attempt is due.
    pub fn endpoint_deleted(project: ProjectId, id: EndpointId) -> Self {
        Self::delete(partition(project), sort_key(id))
    }
}

impl Settings {
    /// Stores a changed endpoint over the one that was read, as its next version. [`Written::Before`] if that one was
    /// changed or deleted meanwhile: nothing happens then.
    pub async fn replace_endpoint(&self, endpoint: &Endpoint) -> Result<Written, StoreError> {
        let next = Endpoint { version: endpoint.version + 1, ..endpoint.clone() };
        let call = self.table.putting(&row(&next))?.condition_expression("#version = :seen");
        let call = call.expression_attribute_names("#version", "version");
        let call = call.expression_attribute_values(":seen", number(endpoint.version.into()));
        match self.table.put_if(call).await? {
            Written::Now => Ok(Written::Now),
            // A call whose answer was lost is repeated, and then finds itself. A secret in it is shown only now.
            Written::Before if self.endpoint(endpoint.project_id, endpoint.id).await? == Some(next) => Ok(Written::Now),
            Written::Before => Ok(Written::Before),
        }
    }

    /// An endpoint, if the project has one with this id. Read as it is now: a delivery is cancelled when there is none.
    pub async fn endpoint(&self, project: ProjectId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.table.get_now(&partition(project), &sort_key(id)).await
    }

    /// All endpoints of a project, oldest first.
    pub async fn endpoints(&self, project: ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), PREFIX)).await
    }

    /// The same as it is now.
    pub async fn endpoints_now(&self, project: ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), PREFIX).consistent_read(true)).await
    }
}

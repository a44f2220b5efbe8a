//! Endpoints.

use std::borrow::Borrow;

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::Table;
use super::table::{self, Row, number};
use crate::client::Aws;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::webhooks::endpoint::Endpoint;

pub(super) fn row<T: Borrow<Endpoint>>(endpoint: T) -> Row<T> {
    Row {
        pk: keys::settings(endpoint.borrow().project_id),
        sk: keys::endpoint(endpoint.borrow().id),
        content: endpoint,
    }
}

impl Write {
    /// Stores a new endpoint.
    pub fn new_endpoint(endpoint: &Endpoint) -> Result<Self, StoreError> {
        Ok(Self::put(&row(endpoint))?.where_none_is())
    }

    /// Stores a changed endpoint as the next version of the one that was read.
    pub fn endpoint(endpoint: &Endpoint) -> Result<Self, StoreError> {
        let next = Endpoint { version: endpoint.version + 1, ..endpoint.clone() };
        Ok(Self::put(&row(&next))?.over_version(endpoint.version))
    }

    /// Deletes an endpoint. Its deliveries are cancelled when their next attempt is due.
    pub fn endpoint_deleted(project: ProjectId, id: EndpointId) -> Self {
        Self::delete(keys::settings(project), keys::endpoint(id))
    }
}

/// Endpoints, and the key pairs that sign for them.
#[derive(Debug, Clone)]
pub struct EndpointStore {
    pub(super) table: Table,
}

impl EndpointStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Stores a changed endpoint as the next version of the one that was read. [`WriteOutcome::Conflict`] if that one was
    /// changed or deleted meanwhile.
    pub async fn replace(&self, endpoint: &Endpoint) -> Result<WriteOutcome, StoreError> {
        let next = Endpoint { version: endpoint.version + 1, ..endpoint.clone() };
        let call = self.table.putting(&row(&next))?.condition_expression("#version = :seen");
        let call = call.expression_attribute_names("#version", "version");
        let call = call.expression_attribute_values(":seen", number(endpoint.version.into()));
        match self.table.put_if(call).await? {
            WriteOutcome::Applied => Ok(WriteOutcome::Applied),
            // If the response was lost, the SDK wrote again and met its own row. A secret in the change is shown only now.
            WriteOutcome::Conflict if self.get(endpoint.project_id, endpoint.id).await? == Some(next) => {
                Ok(WriteOutcome::Applied)
            }
            WriteOutcome::Conflict => Ok(WriteOutcome::Conflict),
        }
    }

    /// Returns an endpoint (strongly consistent, because a delivery to a missing endpoint is cancelled).
    pub async fn get(&self, project: ProjectId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.table.get_now(&keys::settings(project), &keys::endpoint(id)).await
    }

    /// Returns all endpoints of a project, oldest first (eventually consistent).
    pub async fn list(&self, project: ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        table::all(self.table.beginning_with(&keys::settings(project), keys::ENDPOINT_PREFIX)).await
    }

    /// Returns all endpoints of a project, oldest first (strongly consistent).
    pub async fn list_now(&self, project: ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        table::all(self.table.beginning_with(&keys::settings(project), keys::ENDPOINT_PREFIX).consistent_read(true))
            .await
    }
}

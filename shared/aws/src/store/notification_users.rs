//! Notification users.

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::page::{self, ListOf, Page, PageToken};
use super::table::Table;
use super::table::{self, Listed, Row};
use crate::client::Aws;
use domain::foundation::id::{NotificationUserId, ProjectId};
use domain::reports::notification_user::NotificationUser;

pub(super) fn row(user: &NotificationUser) -> Row<Listed<&NotificationUser>> {
    let list_key = keys::user_in_list(user.project_id, user.id);
    let content = Listed { kind: keys::USER_KIND.to_owned(), list_key, content: user };
    Row { pk: keys::settings(user.project_id), sk: keys::user(user.id), content }
}

impl Write {
    /// Stores a notification user, replacing the row.
    pub fn notification_user(user: &NotificationUser) -> Result<Self, StoreError> {
        Self::put(&row(user))
    }

    /// Deletes a notification user.
    pub fn notification_user_deleted(project: ProjectId, id: NotificationUserId) -> Self {
        Self::delete(keys::settings(project), keys::user(id))
    }
}

/// Notification users.
#[derive(Debug, Clone)]
pub struct UserStore {
    pub(super) table: Table,
}

impl UserStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Stores a notification user, replacing the row.
    pub async fn put(&self, user: &NotificationUser) -> Result<(), StoreError> {
        self.table.put(&row(user)).await
    }

    /// Returns a notification user (strongly consistent).
    pub async fn get(
        &self,
        project: ProjectId,
        id: NotificationUserId,
    ) -> Result<Option<NotificationUser>, StoreError> {
        self.table.get_now(&keys::settings(project), &keys::user(id)).await
    }

    /// Returns all notification users of a project, oldest first (strongly consistent).
    pub async fn list(&self, project: ProjectId) -> Result<Vec<NotificationUser>, StoreError> {
        table::all(self.table.beginning_with(&keys::settings(project), keys::USER_PREFIX).consistent_read(true)).await
    }

    /// Returns the projects that have notification users, in the order of their ids and once per page. A project whose users
    /// span two pages is on both.
    pub async fn projects_with_users(&self, after: Option<&PageToken>) -> Result<Page<ProjectId>, StoreError> {
        let Page { items, next } =
            page::page::<NotificationUser>(self.table.of_kind(keys::USER_KIND), ListOf::Users, after).await?;
        let mut projects: Vec<ProjectId> = items.into_iter().map(|user| user.project_id).collect();
        projects.dedup();
        Ok(Page { items: projects, next })
    }
}

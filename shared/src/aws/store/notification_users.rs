//! Notification users.

use super::projects::partition;
use super::table::{self, ListOf, Listed, Row};
use super::{Page, PageToken, Settings, StoreError, Write};
use crate::id::{NotificationUserId, ProjectId};
use crate::notification_user::NotificationUser;

const PREFIX: &str = "user#";
const KIND: &str = "notification-user";

fn sort_key(id: NotificationUserId) -> String {
    format!("{PREFIX}{id}")
}

pub(super) fn row(user: &NotificationUser) -> Row<Listed<&NotificationUser>> {
    // The list key begins with the project, so that the index lists a project's users side by side.
    let list_key = format!("{}#{}", user.project_id, user.id);
    let content = Listed { kind: KIND.to_owned(), list_key, content: user };
    Row { pk: partition(user.project_id), sk: sort_key(user.id), content }
}

impl Write {
    /// Stores a notification user over what was stored of them.
    pub fn notification_user(user: &NotificationUser) -> Result<Self, StoreError> {
        Self::put(&row(user))
    }

    /// Deletes a notification user.
    pub fn notification_user_deleted(project: ProjectId, id: NotificationUserId) -> Self {
        Self::delete(partition(project), sort_key(id))
    }
}

impl Settings {
    /// Stores a notification user over what was stored of them.
    pub async fn put_notification_user(&self, user: &NotificationUser) -> Result<(), StoreError> {
        self.table.put(&row(user)).await
    }

    /// A notification user, if the project has one with this id.
    pub async fn notification_user(
        &self,
        project: ProjectId,
        id: NotificationUserId,
    ) -> Result<Option<NotificationUser>, StoreError> {
        self.table.get_now(&partition(project), &sort_key(id)).await
    }

    /// All notification users of a project as they are now, oldest first.
    pub async fn notification_users(&self, project: ProjectId) -> Result<Vec<NotificationUser>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), PREFIX).consistent_read(true)).await
    }

    /// The projects that have notification users, each once a page, in the order of their ids. A project whose users
    /// lie on two pages is on both.
    pub async fn projects_with_notification_users(
        &self,
        after: Option<&PageToken>,
    ) -> Result<Page<ProjectId>, StoreError> {
        let Page { items, next } =
            table::page::<NotificationUser>(self.table.of_kind(KIND), ListOf::Kind(KIND), after).await?;
        let mut projects: Vec<ProjectId> = items.into_iter().map(|user| user.project_id).collect();
        projects.dedup();
        Ok(Page { items: projects, next })
    }
}

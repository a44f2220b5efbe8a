//! Return URLs: a project's settings, and the keys that encrypt and sign.

use serde::Deserialize;

use super::projects::{META, partition};
use super::table::{self, Row, text};
use super::{Settings, StoreError, Written};
use crate::id::{ProjectId, ReturnUrlKeyId};
use crate::key_ring::Sealed;
use crate::project::Project;
use crate::return_url::{ReturnUrlSettings, StoredReturnUrlKey};

const SETTINGS: &str = "return-url";
const KEY_PREFIX: &str = "return-url-key#";

fn key_sort_key(id: ReturnUrlKeyId) -> String {
    format!("{KEY_PREFIX}{id}")
}

/// All that the way back of a project's people depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectReturnUrl {
    /// The project.
    pub project: Project,
    /// Its return URL, if it has set one.
    pub settings: Option<ReturnUrlSettings>,
    /// Its newest `secretKey`, if it has one.
    pub key: Option<StoredReturnUrlKey>,
}

impl Settings {
    /// A project with its return URL, in one read; `None` if there is no such project. It is as it was a moment ago.
    pub async fn return_url(&self, project: ProjectId) -> Result<Option<ProjectReturnUrl>, StoreError> {
        self.read_return_url(project, false).await
    }

    /// The same as it is now.
    pub async fn return_url_now(&self, project: ProjectId) -> Result<Option<ProjectReturnUrl>, StoreError> {
        self.read_return_url(project, true).await
    }

    /// The sort keys of the return URL and its keys come right after that of the project, so one range holds all.
    async fn read_return_url(&self, id: ProjectId, now: bool) -> Result<Option<ProjectReturnUrl>, StoreError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Settings(ReturnUrlSettings),
            Key(StoredReturnUrlKey),
            Project(Project),
        }
        let (mut project, mut settings, mut key) = (None, None, None);
        // Letters and digits of ids come before `~`.
        let query = self.table.between(&partition(id), META, &format!("{KEY_PREFIX}~")).consistent_read(now);
        for row in table::all(query).await? {
            match row {
                Any::Project(found) => project = Some(found),
                Any::Settings(found) => settings = Some(found),
                // Ids grow with time, so the last is the newest.
                Any::Key(found) => key = Some(found),
            }
        }
        Ok(project.map(|project| ProjectReturnUrl { project, settings, key }))
    }

    /// Stores a project's return URL over the one it had.
    pub async fn put_return_url(&self, project: ProjectId, settings: &ReturnUrlSettings) -> Result<(), StoreError> {
        self.table.put(&Row { pk: partition(project), sk: SETTINGS.to_owned(), content: settings }).await
    }

    /// Deletes a project's return URL; its keys stay.
    pub async fn delete_return_url(&self, project: ProjectId) -> Result<(), StoreError> {
        self.table.delete(&partition(project), SETTINGS).await
    }

    /// Stores a key in place of those the project had. Repeating it with the same key changes nothing.
    ///
    /// The new key is written before older ones are deleted, so that there always is one.
    pub async fn replace_return_url_key(&self, key: &StoredReturnUrlKey) -> Result<(), StoreError> {
        let (pk, sk) = (partition(key.project_id), key_sort_key(key.id));
        self.table.put(&Row { pk: pk.clone(), sk, content: key }).await?;
        let stored: Vec<StoredReturnUrlKey> = table::all(self.table.beginning_with(&pk, KEY_PREFIX)).await?;
        for older in stored.iter().filter(|stored| stored.id < key.id) {
            self.table.delete(&pk, &key_sort_key(older.id)).await?;
        }
        Ok(())
    }
}

impl Settings {
    /// A project's newest `secretKey`, if it has one, as it is now.
    pub async fn return_url_key_now(&self, project: ProjectId) -> Result<Option<StoredReturnUrlKey>, StoreError> {
        let keys = self.table.beginning_with(&partition(project), KEY_PREFIX).consistent_read(true);
        // Ids grow with time, so the last is the newest.
        Ok(table::first(keys.scan_index_forward(false), 1).await?.pop())
    }

    /// All of a project's keys as they are now, oldest first. There is more than one only while one is being replaced.
    pub async fn return_url_keys_now(&self, project: ProjectId) -> Result<Vec<StoredReturnUrlKey>, StoreError> {
        table::all(self.table.beginning_with(&partition(project), KEY_PREFIX).consistent_read(true)).await
    }

    /// Stores a key that was sealed anew. [`Written::Before`] if it is no longer stored as `seen`: nothing happens then.
    pub async fn reseal_return_url_key(&self, key: &StoredReturnUrlKey, seen: &Sealed) -> Result<Written, StoreError> {
        let (pk, sk) = (partition(key.project_id), key_sort_key(key.id));
        let call = self.table.putting(&Row { pk, sk, content: key })?.condition_expression("secretKey = :seen");
        self.table.put_if(call.expression_attribute_values(":seen", text(seen.as_str()))).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aws::store::testing::Database;
    use crate::draft::Draft;
    use crate::key_ring::KeyRing;
    use crate::project::NewProject;
    use crate::random::SystemRandom;
    use crate::return_url::{NewReturnUrlSettings, ReturnUrlKey};
    use crate::time::Timestamp;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000).unwrap()
    }

    async fn stored_project(database: &Database) -> Project {
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(now(), &SystemRandom));
        database.settings.put_project(&project).await.unwrap();
        project
    }

    fn settings(body: &str) -> ReturnUrlSettings {
        let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        new.accept(true).unwrap()
    }

    fn key(project: &Project, issued_at: Timestamp) -> StoredReturnUrlKey {
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let id = ReturnUrlKeyId::new(issued_at, &SystemRandom);
        ReturnUrlKey::generate(&SystemRandom).store(id, project.id, &ring, &SystemRandom)
    }

    #[tokio::test]
    async fn a_project_comes_with_its_return_url_and_newest_key() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let bare = ProjectReturnUrl { project: project.clone(), settings: None, key: None };
        assert_eq!(database.settings.return_url(project.id).await.unwrap(), Some(bare));

        let settings =
            settings(r#"{"url":"https://app.example/done?x=1","fields":["errorCode","userid"],"signed":true}"#);
        let (first, second) = (key(&project, now()), key(&project, now().plus(Duration::from_secs(1))));
        database.settings.put_return_url(project.id, &settings).await.unwrap();
        database.settings.replace_return_url_key(&first).await.unwrap();
        database.settings.replace_return_url_key(&second).await.unwrap();
        let whole = ProjectReturnUrl { project: project.clone(), settings: Some(settings), key: Some(second) };
        assert_eq!(database.settings.return_url_now(project.id).await.unwrap(), Some(whole.clone()));

        database.settings.delete_return_url(project.id).await.unwrap();
        let without = ProjectReturnUrl { settings: None, ..whole };
        assert_eq!(database.settings.return_url(project.id).await.unwrap(), Some(without));
    }

    #[tokio::test]
    async fn a_key_is_sealed_anew_only_as_it_was_seen() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let (older, newer) = (key(&project, now()), key(&project, now().plus(Duration::from_secs(1))));
        database.settings.replace_return_url_key(&older).await.unwrap();
        let resealed = StoredReturnUrlKey { secret_key: newer.secret_key.clone(), ..older.clone() };
        let reseal = |seen| database.settings.reseal_return_url_key(&resealed, seen);
        assert_eq!(reseal(&older.secret_key).await.unwrap(), Written::Now);
        assert_eq!(reseal(&older.secret_key).await.unwrap(), Written::Before);
        database.settings.replace_return_url_key(&newer).await.unwrap();
        assert_eq!(reseal(&resealed.secret_key).await.unwrap(), Written::Before);
        assert_eq!(database.settings.return_url_key_now(project.id).await.unwrap(), Some(newer.clone()));
        assert_eq!(database.settings.return_url_keys_now(project.id).await.unwrap(), [newer]);
    }

    #[tokio::test]
    async fn a_late_older_key_does_not_replace_a_newer_one() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let (older, newer) = (key(&project, now()), key(&project, now().plus(Duration::from_secs(1))));
        database.settings.replace_return_url_key(&newer).await.unwrap();
        database.settings.replace_return_url_key(&older).await.unwrap();
        assert_eq!(database.settings.return_url(project.id).await.unwrap().unwrap().key, Some(newer));
    }

    #[tokio::test]
    async fn a_project_that_does_not_exist_has_no_return_url() {
        let database = Database::start().await;
        let nobody = ProjectId::new(now(), &SystemRandom);
        assert_eq!(database.settings.return_url(nobody).await.unwrap(), None);
    }
}

//! Return URLs: a project's settings, and the keys that encrypt and sign.

use serde::Deserialize;

use super::projects::{META, partition};
use super::table::{self, Row, number};
use super::{Settings, StoreError, Write, Written};
use crate::id::ProjectId;
use crate::project::Project;
use crate::return_url::{ReturnUrlKeys, ReturnUrlSettings};

const SETTINGS: &str = "return-url";
const KEYS: &str = "return-url-keys";

/// All that the way back of a project's people depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectReturnUrl {
    /// The project.
    pub project: Project,
    /// Its return URL, if it has set one.
    pub settings: Option<ReturnUrlSettings>,
    /// Its `secretKey`s.
    pub keys: ReturnUrlKeys,
}

pub(super) fn row(project: ProjectId, settings: &ReturnUrlSettings) -> Row<&ReturnUrlSettings> {
    Row { pk: partition(project), sk: SETTINGS.to_owned(), content: settings }
}

impl Write {
    /// Stores a project's return URL over the one it had.
    pub fn return_url(project: ProjectId, settings: &ReturnUrlSettings) -> Result<Self, StoreError> {
        Self::put(&row(project, settings))
    }

    /// Deletes a project's return URL; its keys stay.
    pub fn return_url_deleted(project: ProjectId) -> Self {
        Self::delete(partition(project), SETTINGS.to_owned())
    }

    /// Stores changed `secretKey`s over those that were read, as their next version. All keys are in one row, so that no moment
    /// finds the project without one.
    pub fn return_url_keys(keys: &ReturnUrlKeys) -> Result<Self, StoreError> {
        let mut next = keys.clone();
        next.version += 1;
        let write = Self::put(&Row { pk: partition(keys.project_id), sk: KEYS.to_owned(), content: &next })?;
        Ok(if keys.version == 0 { write.where_none_is() } else { write.over_version(keys.version) })
    }

    /// Deletes all `secretKey`s of a project.
    pub fn return_url_keys_deleted(project: ProjectId) -> Self {
        Self::delete(partition(project), KEYS.to_owned())
    }
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
            Keys(ReturnUrlKeys),
            Project(Project),
        }
        let (mut project, mut settings, mut keys) = (None, None, ReturnUrlKeys::none(id));
        let query = self.table.between(&partition(id), META, KEYS).consistent_read(now);
        for row in table::all(query).await? {
            match row {
                Any::Project(found) => project = Some(found),
                Any::Settings(found) => settings = Some(found),
                Any::Keys(found) => keys = found,
            }
        }
        Ok(project.map(|project| ProjectReturnUrl { project, settings, keys }))
    }

    /// A project's `secretKey`s as they are now.
    pub async fn return_url_keys_now(&self, project: ProjectId) -> Result<ReturnUrlKeys, StoreError> {
        let found = self.table.get_now(&partition(project), KEYS).await?;
        Ok(found.unwrap_or_else(|| ReturnUrlKeys::none(project)))
    }

    /// Stores changed keys over those that were read, as their next version. [`Written::Before`] if those were changed
    /// meanwhile: nothing happens then. All keys are in one row, so that no moment finds the project without one.
    pub async fn replace_return_url_keys(&self, keys: &ReturnUrlKeys) -> Result<Written, StoreError> {
        let mut next = keys.clone();
        next.version += 1;
        let (pk, sk) = (partition(keys.project_id), KEYS.to_owned());
        let call = self.table.putting(&Row { pk, sk, content: &next })?;
        let call = match keys.version {
            0 => call.condition_expression("attribute_not_exists(pk)"),
            seen => call
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen.into())),
        };
        match self.table.put_if(call).await? {
            Written::Now => Ok(Written::Now),
            // A call whose answer was lost is repeated, and then finds itself. The key in it is shown only now.
            Written::Before if self.return_url_keys_now(keys.project_id).await? == next => Ok(Written::Now),
            Written::Before => Ok(Written::Before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::store::testing::Database;
    use crate::draft::Draft;
    use crate::id::ReturnUrlKeyId;
    use crate::key_ring::KeyRing;
    use crate::overlap::Overlap;
    use crate::project::NewProject;
    use crate::random::SystemRandom;
    use crate::return_url::{KeyIssue, NewReturnUrlSettings, ReturnUrlKey};
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

    /// The keys with one more, in place of the others.
    fn with_new_key(keys: &ReturnUrlKeys) -> ReturnUrlKeys {
        let mut keys = keys.clone();
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let (id, key) = (ReturnUrlKeyId::new(now(), &SystemRandom), ReturnUrlKey::generate(&SystemRandom));
        keys.issue(id, &key, KeyIssue { overlap: Overlap::NONE }, now(), &ring, &SystemRandom).unwrap();
        keys
    }

    fn at_version(version: u32, mut keys: ReturnUrlKeys) -> ReturnUrlKeys {
        keys.version = version;
        keys
    }

    #[tokio::test]
    async fn a_project_comes_with_its_return_url_and_keys() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let none = ReturnUrlKeys::none(project.id);
        let bare = ProjectReturnUrl { project: project.clone(), settings: None, keys: none.clone() };
        assert_eq!(database.settings.return_url(project.id).await.unwrap(), Some(bare));

        let settings =
            settings(r#"{"url":"https://app.example/done?x=1","fields":["errorCode","userid"],"signed":true}"#);
        let keys = with_new_key(&none);
        database.settings.put_return_url(project.id, &settings).await.unwrap();
        assert_eq!(database.settings.replace_return_url_keys(&keys).await.unwrap(), Written::Now);
        let keys = at_version(1, keys);
        let whole = ProjectReturnUrl { project: project.clone(), settings: Some(settings), keys };
        assert_eq!(database.settings.return_url_now(project.id).await.unwrap(), Some(whole));
    }

    #[tokio::test]
    async fn keys_are_stored_only_over_those_that_were_seen() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let none = database.settings.return_url_keys_now(project.id).await.unwrap();
        for seen in [none.clone(), at_version(1, none)] {
            let (faster, slower) = (with_new_key(&seen), with_new_key(&seen));
            assert_eq!(database.settings.replace_return_url_keys(&faster).await.unwrap(), Written::Now);
            assert_eq!(database.settings.replace_return_url_keys(&slower).await.unwrap(), Written::Before);
            // The same once more, as when the answer was lost.
            assert_eq!(database.settings.replace_return_url_keys(&faster).await.unwrap(), Written::Now);
            let stored = database.settings.return_url_keys_now(project.id).await.unwrap();
            assert_eq!(stored, at_version(seen.version + 1, faster));
        }
    }

    #[tokio::test]
    async fn a_project_that_does_not_exist_has_no_return_url() {
        let database = Database::start().await;
        let nobody = ProjectId::new(now(), &SystemRandom);
        assert_eq!(database.settings.return_url(nobody).await.unwrap(), None);
    }
}

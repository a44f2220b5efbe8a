//! Return URLs: a project's settings, and the keys that encrypt and sign.

use serde::Deserialize;

use super::commit::Write;
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{self, ABSENT, Row, Table, number};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::projects::project::Project;
use domain::return_urls::{ReturnUrlSettings, SecretKeys};

/// Everything that a project's return URL depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectReturnUrl {
    /// The project.
    pub project: Project,
    /// The return URL settings, if there are any.
    pub settings: Option<ReturnUrlSettings>,
    /// The `secretKey`s.
    pub keys: SecretKeys,
}

pub(super) fn row(project: ProjectId, settings: &ReturnUrlSettings) -> Row<&ReturnUrlSettings> {
    Row { pk: keys::settings(project), sk: keys::RETURN_URL.to_owned(), content: settings }
}

impl Write {
    /// Stores a project's return URL, replacing the row.
    pub fn return_url(project: ProjectId, settings: &ReturnUrlSettings) -> Result<Self, StoreError> {
        Self::put(&row(project, settings))
    }

    /// Deletes a project's return URL. Its keys stay.
    pub fn return_url_deleted(project: ProjectId) -> Self {
        Self::delete(keys::settings(project), keys::RETURN_URL.to_owned())
    }

    /// Stores changed `secretKey`s as the next version of those that were read. All keys are in one row, so that the project
    /// always has a current one.
    pub fn return_url_keys(keys: &SecretKeys) -> Result<Self, StoreError> {
        let mut next = keys.clone();
        next.version += 1;
        let write =
            Self::put(&Row { pk: keys::settings(keys.project_id), sk: keys::SECRET_KEYS.to_owned(), content: &next })?;
        Ok(if keys.version == 0 { write.where_none_is() } else { write.over_version(keys.version) })
    }

    /// Deletes all `secretKey`s of a project.
    pub fn return_url_keys_deleted(project: ProjectId) -> Self {
        Self::delete(keys::settings(project), keys::SECRET_KEYS.to_owned())
    }
}

/// Return URLs, and the `secretKey`s of projects.
#[derive(Debug, Clone)]
pub struct ReturnUrlStore {
    pub(super) table: Table,
}

impl ReturnUrlStore {
    /// Opens the store in the table `settings` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns a project with its return URL in one read (eventually consistent); `None` if there is no such project.
    pub async fn get(&self, project: ProjectId) -> Result<Option<ProjectReturnUrl>, StoreError> {
        self.read_return_url(project, false).await
    }

    /// Returns a project with its return URL in one read (strongly consistent).
    pub async fn get_now(&self, project: ProjectId) -> Result<Option<ProjectReturnUrl>, StoreError> {
        self.read_return_url(project, true).await
    }

    /// The sort keys of the return URL and its keys sort right after that of the project, so one range covers all.
    async fn read_return_url(&self, id: ProjectId, now: bool) -> Result<Option<ProjectReturnUrl>, StoreError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Settings(ReturnUrlSettings),
            Keys(SecretKeys),
            Project(Project),
        }
        let (mut project, mut settings, mut keys) = (None, None, SecretKeys::none(id));
        let query = self.table.between(&keys::settings(id), keys::PROJECT, keys::SECRET_KEYS).consistent_read(now);
        for row in table::all(query).await? {
            match row {
                Any::Project(found) => project = Some(found),
                Any::Settings(found) => settings = Some(found),
                Any::Keys(found) => keys = found,
            }
        }
        Ok(project.map(|project| ProjectReturnUrl { project, settings, keys }))
    }

    /// Returns a project's `secretKey`s (strongly consistent).
    pub async fn keys_now(&self, project: ProjectId) -> Result<SecretKeys, StoreError> {
        let found = self.table.get_now(&keys::settings(project), keys::SECRET_KEYS).await?;
        Ok(found.unwrap_or_else(|| SecretKeys::none(project)))
    }

    /// Stores changed keys as the next version of those that were read. [`WriteOutcome::Conflict`] if they were changed
    /// meanwhile.
    pub async fn replace_keys(&self, keys: &SecretKeys) -> Result<WriteOutcome, StoreError> {
        let mut next = keys.clone();
        next.version += 1;
        let (pk, sk) = (keys::settings(keys.project_id), keys::SECRET_KEYS.to_owned());
        let call = self.table.putting(&Row { pk, sk, content: &next })?;
        let call = match keys.version {
            0 => call.condition_expression(ABSENT),
            seen => call
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen.into())),
        };
        match self.table.put_if(call).await? {
            WriteOutcome::Applied => Ok(WriteOutcome::Applied),
            // If the response was lost, the SDK wrote again and met its own row. The key in the change is shown only now.
            WriteOutcome::Conflict if self.keys_now(keys.project_id).await? == next => Ok(WriteOutcome::Applied),
            WriteOutcome::Conflict => Ok(WriteOutcome::Conflict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::draft::Draft;
    use domain::foundation::id::SecretKeyId;
    use domain::foundation::key_ring::KeyRing;
    use domain::foundation::overlap::Overlap;
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::projects::project::NewProject;
    use domain::return_urls::{AppSchemes, KeyIssue, NewReturnUrlSettings};

    fn now() -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000).unwrap()
    }

    async fn stored_project(database: &Database) -> Project {
        let new: NewProject = Draft::parse(br#"{"name":"Acme"}"#).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(now(), &SystemRandom));
        database.store.projects.put(&project).await.unwrap();
        project
    }

    fn settings(body: &str) -> ReturnUrlSettings {
        let new: NewReturnUrlSettings = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        new.accept(true, &AppSchemes::default()).unwrap()
    }

    /// Returns the keys with a new one that replaces the others.
    fn with_new_key(keys: &SecretKeys) -> SecretKeys {
        let mut keys = keys.clone();
        let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let (id, request) =
            (SecretKeyId::new(now(), &SystemRandom), KeyIssue { overlap: Overlap::NONE, secret_key: None });
        keys.issue(id, request, now(), &ring, &SystemRandom).unwrap();
        keys
    }

    fn at_version(version: u32, mut keys: SecretKeys) -> SecretKeys {
        keys.version = version;
        keys
    }

    #[tokio::test]
    async fn a_project_is_read_with_its_return_url_and_keys() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let none = SecretKeys::none(project.id);
        let bare = ProjectReturnUrl { project: project.clone(), settings: None, keys: none.clone() };
        assert_eq!(database.store.return_urls.get(project.id).await.unwrap(), Some(bare));

        let settings =
            settings(r#"{"url":"https://app.example/done?x=1","fields":["errorCode","userid"],"signed":true}"#);
        let keys = with_new_key(&none);
        database.store.return_urls.put(project.id, &settings).await.unwrap();
        assert_eq!(database.store.return_urls.replace_keys(&keys).await.unwrap(), WriteOutcome::Applied);
        let keys = at_version(1, keys);
        let whole = ProjectReturnUrl { project: project.clone(), settings: Some(settings), keys };
        assert_eq!(database.store.return_urls.get_now(project.id).await.unwrap(), Some(whole));
    }

    #[tokio::test]
    async fn keys_replace_only_the_version_that_was_read() {
        let database = Database::start().await;
        let project = stored_project(&database).await;
        let none = database.store.return_urls.keys_now(project.id).await.unwrap();
        for seen in [none.clone(), at_version(1, none)] {
            let (faster, slower) = (with_new_key(&seen), with_new_key(&seen));
            assert_eq!(database.store.return_urls.replace_keys(&faster).await.unwrap(), WriteOutcome::Applied);
            assert_eq!(database.store.return_urls.replace_keys(&slower).await.unwrap(), WriteOutcome::Conflict);
            // The same call again, as after a lost response.
            assert_eq!(database.store.return_urls.replace_keys(&faster).await.unwrap(), WriteOutcome::Applied);
            let stored = database.store.return_urls.keys_now(project.id).await.unwrap();
            assert_eq!(stored, at_version(seen.version + 1, faster));
        }
    }

    #[tokio::test]
    async fn a_project_that_does_not_exist_has_no_return_url() {
        let database = Database::start().await;
        let nobody = ProjectId::new(now(), &SystemRandom);
        assert_eq!(database.store.return_urls.get(nobody).await.unwrap(), None);
    }
}

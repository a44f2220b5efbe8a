//! `Idempotency-Key`: a request that is repeated with the same key runs once.

use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{ABSENT, Row, Table, number, text};
use crate::client::Aws;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::ProjectKey;

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// Time after which an unanswered request counts as dead and a repetition takes over. Longer than the API function may run.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a key that was rotated without an overlap can still get the stored response of its rotation.
const ANSWERED_TO_ROTATED_KEY: Duration = Duration::from_mins(5);

/// Condition: this request has the row, and there is no response yet.
const UNANSWERED: &str = "subject = :subject AND attribute_not_exists(answer)";

/// An `Idempotency-Key`: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The value is not an [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Idempotency-Key must have 1 to 255 visible ASCII characters")]
pub struct BadIdempotencyKey;

impl std::str::FromStr for IdempotencyKey {
    type Err = BadIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, BadIdempotencyKey> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=255).contains(&text.len()) && is_visible { Ok(Self(text.to_owned())) } else { Err(BadIdempotencyKey) }
    }
}

/// A request that may be repeated.
#[derive(Debug, Clone)]
pub struct Request {
    partition: String,
    fingerprint: String,
}

impl Request {
    /// Identifies a request by its key within `project` (or without one) and `namespace`, such as method and path. Each key
    /// belongs to one `body`.
    pub fn new(project: Option<ProjectId>, key: &IdempotencyKey, namespace: &[&str], body: &[u8]) -> Self {
        let owner = project.map_or_else(|| "operator".to_owned(), |project| project.to_string());
        let name = namespace.iter().fold(Sha256::new(), |name, text| name.chain_update(text).chain_update([0]));
        let name = BASE64_URL_SAFE_NO_PAD.encode(name.chain_update(&key.0).finalize());
        let partition = keys::idempotency(&owner, &name);
        Self { partition, fingerprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(body)) }
    }
}

/// Stores the response of a request as part of the change that the request makes.
#[derive(Debug, Clone)]
pub struct IdempotencyKeeper(TransactWriteItem);

impl IdempotencyKeeper {
    pub(super) fn into_part(self) -> TransactWriteItem {
        self.0
    }
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyStart {
    /// Run it. `subject` is the id that the first try was given, so that a repetition after a crash creates the same
    /// resource.
    Proceed {
        /// The id of the resource to create.
        subject: String,
    },
    /// It was answered before; this is the stored response.
    Answered(String),
    /// It is running now.
    Running,
    /// The key was used for a different request.
    OtherRequest,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestRow {
    fingerprint: String,
    subject: String,
    started_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// The API key that sent the request, as it was before, if the request replaced this key without an overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotated_key: Option<ProjectKey>,
    expires_at: i64,
}

/// Requests that came with an `Idempotency-Key`, and their responses.
#[derive(Debug, Clone)]
pub struct IdempotencyStore {
    pub(super) table: Table,
}

impl IdempotencyStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Begins a request that creates `subject`, a new id for each call.
    pub async fn begin(
        &self,
        request: &Request,
        subject: String,
        now: Timestamp,
    ) -> Result<IdempotencyStart, StoreError> {
        let row = request.row(subject.clone(), now, None);
        let is_new = format!("{ABSENT} OR expiresAt < :now");
        let call = self.table.putting(&row)?.condition_expression(is_new);
        let call = call.expression_attribute_values(":now", number(now.as_seconds()));
        if self.table.put_if(call).await? == WriteOutcome::Applied {
            return Ok(IdempotencyStart::Proceed { subject });
        }
        let Some(earlier) = self.table.get_now::<RequestRow>(&request.partition, keys::IDEMPOTENCY).await? else {
            // The row was deleted between the two calls. The caller's next repetition starts over.
            return Ok(IdempotencyStart::Running);
        };
        // Each call brings a new subject. If this one is stored, then this call stored it: the response was lost and the SDK
        // wrote again.
        if earlier.subject == subject && earlier.answer.is_none() {
            return Ok(IdempotencyStart::Proceed { subject });
        }
        self.repeat(request, earlier, now).await
    }

    async fn repeat(
        &self,
        request: &Request,
        earlier: RequestRow,
        now: Timestamp,
    ) -> Result<IdempotencyStart, StoreError> {
        if earlier.fingerprint != request.fingerprint {
            return Ok(IdempotencyStart::OtherRequest);
        }
        if let Some(answer) = earlier.answer {
            return Ok(IdempotencyStart::Answered(answer));
        }
        let started_at = Timestamp::from_millis(earlier.started_at).unwrap_or(now);
        if now.since(started_at) < REQUEST_TIMEOUT {
            return Ok(IdempotencyStart::Running);
        }
        let row = request.row(earlier.subject.clone(), now, None);
        let call = self.table.putting(&row)?.condition_expression("startedAt = :seen AND attribute_not_exists(answer)");
        let call = call.expression_attribute_values(":seen", number(earlier.started_at));
        match self.table.put_if(call).await? {
            WriteOutcome::Applied => Ok(IdempotencyStart::Proceed { subject: earlier.subject }),
            WriteOutcome::Conflict => Ok(IdempotencyStart::Running),
        }
    }

    /// Completes a request together with the change that it makes. From then on, repetitions get `answer`. If the request ends its
    /// own API key, `rotated_key` stores this key for [`Self::of_rotated_key`].
    pub fn keeper(
        &self,
        request: &Request,
        subject: &str,
        answer: String,
        rotated_key: Option<ProjectKey>,
        now: Timestamp,
    ) -> Result<IdempotencyKeeper, StoreError> {
        let row = request.row(subject.to_owned(), now, Some(answer));
        let row = Row { content: RequestRow { rotated_key, ..row.content }, ..row };
        let put = Put::builder()
            .table_name(self.table.name())
            .set_item(Some(serde_dynamo::to_item(row).map_err(StoreError::Row)?))
            .condition_expression(UNANSWERED)
            .expression_attribute_values(":subject", text(subject));
        let put = put.build().expect("table and row are set");
        Ok(IdempotencyKeeper(TransactWriteItem::builder().put(put).build()))
    }

    /// Returns an API key and the stored response of the request in which it replaced itself without an overlap in the last five
    /// minutes. The key is returned as it was before. Changes nothing.
    pub async fn of_rotated_key(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Option<(ProjectKey, String)>, StoreError> {
        let row: Option<RequestRow> = self.table.get_now(&request.partition, keys::IDEMPOTENCY).await?;
        let row = row.filter(|row| row.fingerprint == request.fingerprint);
        Ok(row.and_then(|row| {
            let answered_at = Timestamp::from_millis(row.started_at)?;
            let is_recent = now.since(answered_at) < ANSWERED_TO_ROTATED_KEY;
            Some((row.rotated_key.filter(|_| is_recent)?, row.answer?))
        }))
    }

    /// Completes a request. From then on, repetitions get `answer`, unless a response is stored already.
    pub async fn finish(
        &self,
        request: &Request,
        subject: String,
        answer: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.put_unanswered(request.row(subject, now, Some(answer))).await
    }

    /// Releases a failed request, so that it can be repeated at once with the same `subject`. A response that was stored
    /// meanwhile stays.
    pub async fn release(&self, request: &Request, subject: String, now: Timestamp) -> Result<(), StoreError> {
        let mut row = request.row(subject, now, None);
        row.content.started_at = 0;
        self.put_unanswered(row).await
    }

    /// Forgets a rejected request that has changed nothing. Its key may be used for another body.
    pub async fn forget(&self, request: &Request, subject: String, now: Timestamp) -> Result<(), StoreError> {
        let mut row = request.row(subject, now, None);
        row.content.expires_at = now.as_seconds() - 1;
        self.put_unanswered(row).await
    }

    async fn put_unanswered(&self, row: Row<RequestRow>) -> Result<(), StoreError> {
        let call = self.table.putting(&row)?.condition_expression(UNANSWERED);
        let call = call.expression_attribute_values(":subject", text(&row.content.subject));
        self.table.put_if(call).await.map(drop)
    }
}

impl Request {
    fn row(&self, subject: String, now: Timestamp, answer: Option<String>) -> Row<RequestRow> {
        let content = RequestRow {
            fingerprint: self.fingerprint.clone(),
            subject,
            started_at: now.as_millis(),
            answer,
            rotated_key: None,
            expires_at: now.plus(REMEMBERED).as_seconds(),
        };
        Row { pk: self.partition.clone(), sk: keys::IDEMPOTENCY.to_owned(), content }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use domain::foundation::random::SystemRandom;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn request(project: ProjectId, body: &[u8]) -> Request {
        Request::new(Some(project), &"order-7".parse().unwrap(), &["/events"], body)
    }

    fn proceed(subject: &str) -> IdempotencyStart {
        IdempotencyStart::Proceed { subject: subject.to_owned() }
    }

    proptest! {
        #[test]
        fn a_key_is_any_visible_ascii_up_to_its_maximum_length(text in prop_oneof![any::<String>(), "[ -~]{0,300}"]) {
            let is_visible = !text.is_empty() && text.chars().all(|character| character.is_ascii_graphic());
            prop_assert_eq!(text.parse::<IdempotencyKey>().is_ok(), is_visible && text.len() <= 255);
        }
    }

    #[tokio::test]
    async fn a_repeated_request_gets_the_first_response() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let request = request(project, b"{}");

        assert_eq!(store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap(), proceed("a"));
        assert_eq!(store.idempotency.begin(&request, "b".to_owned(), now()).await.unwrap(), IdempotencyStart::Running);
        store.idempotency.finish(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();
        let repeated = store.idempotency.begin(&request, "c".to_owned(), now()).await.unwrap();
        assert_eq!(repeated, IdempotencyStart::Answered("done".to_owned()));
    }

    #[tokio::test]
    async fn a_key_belongs_to_one_request_in_one_project() {
        let store = testing::Database::start().await;
        let (ours, theirs) = (ProjectId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        store.idempotency.begin(&request(ours, b"{}"), "a".to_owned(), now()).await.unwrap();

        let other_body = store.idempotency.begin(&request(ours, b"[]"), "b".to_owned(), now()).await.unwrap();
        let other_project = store.idempotency.begin(&request(theirs, b"[]"), "c".to_owned(), now()).await.unwrap();
        assert_eq!((other_body, other_project), (IdempotencyStart::OtherRequest, proceed("c")));
    }

    #[tokio::test]
    async fn a_dead_request_is_taken_over_with_its_subject() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();

        let later = now().plus(REQUEST_TIMEOUT);
        assert_eq!(store.idempotency.begin(&request, "b".to_owned(), later).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_request_whose_first_response_was_lost_proceeds() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();

        assert_eq!(store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_failed_request_can_be_repeated_at_once() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();
        store.idempotency.release(&request, "a".to_owned(), now()).await.unwrap();

        assert_eq!(store.idempotency.begin(&request, "b".to_owned(), now()).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_request_that_failed_after_its_change_keeps_the_response() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();
        store.idempotency.finish(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();
        store.idempotency.release(&request, "a".to_owned(), now()).await.unwrap();
        store.idempotency.forget(&request, "a".to_owned(), now()).await.unwrap();

        let repeated = store.idempotency.begin(&request, "b".to_owned(), now()).await.unwrap();
        assert_eq!(repeated, IdempotencyStart::Answered("done".to_owned()));
    }

    #[tokio::test]
    async fn the_key_of_a_rejected_request_can_be_used_for_another() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        store.idempotency.begin(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();
        store.idempotency.forget(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();

        let other = store.idempotency.begin(&request(project, b"[]"), "b".to_owned(), now()).await.unwrap();
        assert_eq!(other, proceed("b"));
    }

    #[tokio::test]
    async fn namespaces_do_not_share_keys() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        store.idempotency.begin(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();

        let elsewhere = Request::new(Some(project), &"order-7".parse().unwrap(), &["/replays"], b"[]");
        assert_eq!(store.idempotency.begin(&elsewhere, "b".to_owned(), now()).await.unwrap(), proceed("b"));
    }

    #[tokio::test]
    async fn a_key_is_forgotten_after_a_day() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.idempotency.begin(&request, "a".to_owned(), now()).await.unwrap();
        store.idempotency.finish(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();

        let next_day = now().plus(REMEMBERED + Duration::from_secs(1));
        assert_eq!(store.idempotency.begin(&request, "b".to_owned(), next_day).await.unwrap(), proceed("b"));
    }
}

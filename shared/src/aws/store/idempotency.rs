//! `Idempotency-Key`: a request that is repeated with its key is carried out once.

use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::table::{Row, number, text};
use super::{Activity, StoreError, Written};
use crate::id::ProjectId;
use crate::time::Timestamp;

const SORT_KEY: &str = "idempotency";

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// How long a request may take before it is held for dead, and a repetition takes its place: longer than the API function
/// may run.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// Whether a request is the one that was begun, and has no answer yet.
const UNANSWERED: &str = "subject = :subject AND attribute_not_exists(answer)";

/// What a caller names a request by, so that it can be repeated safely: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A text that is no [`IdempotencyKey`].
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
    /// The request that a caller of `project`, or of none, names `key`. Each of `namespace`, such as its path, has keys of its own;
    /// for one key there is one `body`.
    pub fn new(project: Option<ProjectId>, key: &IdempotencyKey, namespace: &[&str], body: &[u8]) -> Self {
        let owner = project.map_or_else(|| "operator".to_owned(), |project| project.to_string());
        let name = namespace.iter().fold(Sha256::new(), |name, text| name.chain_update(text).chain_update([0]));
        let name = BASE64_URL_SAFE_NO_PAD.encode(name.chain_update(&key.0).finalize());
        let partition = format!("{owner}#idempotency#{name}");
        Self { partition, fingerprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(body)) }
    }
}

/// Keeps the answer of a request, as part of the change that the request makes.
#[derive(Debug, Clone)]
pub struct IdempotencyKeeper(TransactWriteItem);

impl IdempotencyKeeper {
    pub(super) fn into_part(self) -> TransactWriteItem {
        self.0
    }
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Carry it out. `subject` is the id that the first try was given, so that a repetition after a crash goes on with it.
    Proceed {
        /// What the request creates.
        subject: String,
    },
    /// It was carried out before; this was the answer.
    Answered(String),
    /// It is being carried out right now.
    Running,
    /// The key stands for another request.
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
    expires_at: i64,
}

impl Activity {
    /// Begins a request that is to create `subject`, which no other call is ever given.
    pub async fn begin_request(&self, request: &Request, subject: String, now: Timestamp) -> Result<Begun, StoreError> {
        let row = request.row(subject.clone(), now, None);
        let is_new = "attribute_not_exists(pk) OR expiresAt < :now";
        let call = self.table.putting(&row)?.condition_expression(is_new);
        let call = call.expression_attribute_values(":now", number(now.as_seconds()));
        if self.table.put_if(call).await? == Written::Now {
            return Ok(Begun::Proceed { subject });
        }
        let Some(earlier) = self.table.get_now::<RequestRow>(&request.partition, SORT_KEY).await? else {
            // It was forgotten between the two calls; the caller's next repetition starts anew.
            return Ok(Begun::Running);
        };
        // Every call brings a subject of its own. If this one is stored, then by this very call: its answer was lost on the way, and
        // the SDK made it again.
        if earlier.subject == subject && earlier.answer.is_none() {
            return Ok(Begun::Proceed { subject });
        }
        self.repeat(request, earlier, now).await
    }

    async fn repeat(&self, request: &Request, earlier: RequestRow, now: Timestamp) -> Result<Begun, StoreError> {
        if earlier.fingerprint != request.fingerprint {
            return Ok(Begun::OtherRequest);
        }
        if let Some(answer) = earlier.answer {
            return Ok(Begun::Answered(answer));
        }
        let started_at = Timestamp::from_millis(earlier.started_at).unwrap_or(now);
        if now.since(started_at) < LONGEST_REQUEST {
            return Ok(Begun::Running);
        }
        let row = request.row(earlier.subject.clone(), now, None);
        let call = self.table.putting(&row)?.condition_expression("startedAt = :seen AND attribute_not_exists(answer)");
        let call = call.expression_attribute_values(":seen", number(earlier.started_at));
        match self.table.put_if(call).await? {
            Written::Now => Ok(Begun::Proceed { subject: earlier.subject }),
            Written::Before => Ok(Begun::Running),
        }
    }

    /// Ends a request together with the change that it makes, and once: from then on its repetitions get `answer`.
    pub fn keeper(
        &self,
        request: &Request,
        subject: &str,
        answer: String,
        now: Timestamp,
    ) -> Result<IdempotencyKeeper, StoreError> {
        let row = request.row(subject.to_owned(), now, Some(answer));
        let put = Put::builder()
            .table_name(self.table.name())
            .set_item(Some(serde_dynamo::to_item(row).map_err(StoreError::Row)?))
            .condition_expression(UNANSWERED)
            .expression_attribute_values(":subject", text(subject));
        let put = put.build().expect("table and row are set");
        Ok(IdempotencyKeeper(TransactWriteItem::builder().put(put).build()))
    }

    /// Ends a request that was carried out: from now on its repetitions get `answer`, unless one is kept already.
    pub async fn finish_request(
        &self,
        request: &Request,
        subject: String,
        answer: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.put_unanswered(request.row(subject, now, Some(answer))).await
    }

    /// Gives up a request that failed, so that it can be repeated at once; a repetition goes on with the same `subject`. If it was
    /// carried out after all, and its answer is kept, that stays.
    pub async fn release_request(&self, request: &Request, subject: String, now: Timestamp) -> Result<(), StoreError> {
        let mut row = request.row(subject, now, None);
        row.content.started_at = 0;
        self.put_unanswered(row).await
    }

    /// Forgets a request that was refused and has changed nothing: its key may be used for another body.
    pub async fn forget_request(&self, request: &Request, subject: String, now: Timestamp) -> Result<(), StoreError> {
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
            expires_at: now.plus(REMEMBERED).as_seconds(),
        };
        Row { pk: self.partition.clone(), sk: SORT_KEY.to_owned(), content }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn request(project: ProjectId, body: &[u8]) -> Request {
        Request::new(Some(project), &"order-7".parse().unwrap(), &["/events"], body)
    }

    fn proceed(subject: &str) -> Begun {
        Begun::Proceed { subject: subject.to_owned() }
    }

    #[tokio::test]
    async fn a_repeated_request_gets_the_first_answer() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let request = request(project, b"{}");

        assert_eq!(store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap(), proceed("a"));
        assert_eq!(store.activity.begin_request(&request, "b".to_owned(), now()).await.unwrap(), Begun::Running);
        store.activity.finish_request(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();
        let repeated = store.activity.begin_request(&request, "c".to_owned(), now()).await.unwrap();
        assert_eq!(repeated, Begun::Answered("done".to_owned()));
    }

    #[tokio::test]
    async fn a_key_stands_for_one_request_in_one_project() {
        let store = testing::Database::start().await;
        let (ours, theirs) = (ProjectId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        store.activity.begin_request(&request(ours, b"{}"), "a".to_owned(), now()).await.unwrap();

        let other_body = store.activity.begin_request(&request(ours, b"[]"), "b".to_owned(), now()).await.unwrap();
        let other_project = store.activity.begin_request(&request(theirs, b"[]"), "c".to_owned(), now()).await.unwrap();
        assert_eq!((other_body, other_project), (Begun::OtherRequest, proceed("c")));
    }

    #[tokio::test]
    async fn a_request_that_died_is_taken_over_with_its_subject() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();

        let later = now().plus(LONGEST_REQUEST);
        assert_eq!(store.activity.begin_request(&request, "b".to_owned(), later).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_request_whose_beginning_was_answered_to_nobody_proceeds() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();

        assert_eq!(store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_request_that_failed_can_be_repeated_at_once() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();
        store.activity.release_request(&request, "a".to_owned(), now()).await.unwrap();

        assert_eq!(store.activity.begin_request(&request, "b".to_owned(), now()).await.unwrap(), proceed("a"));
    }

    #[tokio::test]
    async fn a_request_that_failed_after_it_was_carried_out_keeps_its_answer() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();
        store.activity.finish_request(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();
        store.activity.release_request(&request, "a".to_owned(), now()).await.unwrap();
        store.activity.forget_request(&request, "a".to_owned(), now()).await.unwrap();

        let repeated = store.activity.begin_request(&request, "b".to_owned(), now()).await.unwrap();
        assert_eq!(repeated, Begun::Answered("done".to_owned()));
    }

    #[tokio::test]
    async fn the_key_of_a_request_that_was_refused_is_free_for_another() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        store.activity.begin_request(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();
        store.activity.forget_request(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();

        let other = store.activity.begin_request(&request(project, b"[]"), "b".to_owned(), now()).await.unwrap();
        assert_eq!(other, proceed("b"));
    }

    #[tokio::test]
    async fn each_namespace_has_keys_of_its_own() {
        let store = testing::Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        store.activity.begin_request(&request(project, b"{}"), "a".to_owned(), now()).await.unwrap();

        let elsewhere = Request::new(Some(project), &"order-7".parse().unwrap(), &["/replays"], b"[]");
        assert_eq!(store.activity.begin_request(&elsewhere, "b".to_owned(), now()).await.unwrap(), proceed("b"));
    }

    #[tokio::test]
    async fn a_key_is_forgotten_after_a_day() {
        let store = testing::Database::start().await;
        let request = request(ProjectId::new(now(), &SystemRandom), b"{}");
        store.activity.begin_request(&request, "a".to_owned(), now()).await.unwrap();
        store.activity.finish_request(&request, "a".to_owned(), "done".to_owned(), now()).await.unwrap();

        let next_day = now().plus(REMEMBERED + Duration::from_secs(1));
        assert_eq!(store.activity.begin_request(&request, "b".to_owned(), next_day).await.unwrap(), proceed("b"));
    }
}

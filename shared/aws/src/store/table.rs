//! A table: reads, conditional writes and queries.

use super::direct_writes::{self, UpdateItem, Updated};
use super::error::StoreError;
use super::outcome::WriteOutcome;
use crate::client::Aws;
use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnValuesOnConditionCheckFailure};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

pub(super) type Item = HashMap<String, AttributeValue>;

/// A table with the keys `pk` and `sk`.
#[derive(Debug, Clone)]
pub(super) struct Table {
    aws: Aws,
    name: String,
}

/// A row: its keys and its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row<T> {
    pub(super) pk: String,
    pub(super) sk: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// The key of a row that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// A row that the index `kind` lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) kind: String,
    #[serde(rename = "listKey")]
    pub(super) list_key: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// The condition that there is no row yet.
pub(super) const ABSENT: &str = "attribute_not_exists(pk)";

/// Maximum number of statements in one call (a DynamoDB limit).
pub(super) const MAX_STATEMENTS: usize = 25;

impl Table {
    pub(super) fn new(aws: &Aws, name: String) -> Self {
        Self { aws: aws.clone(), name }
    }

    pub(super) fn client(&self) -> &Client {
        self.aws.dynamodb()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads a row (eventually consistent, at half the price).
    pub(super) async fn get<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        self.get_with(pk, sk, false).await
    }

    /// Reads a row (strongly consistent).
    pub(super) async fn get_now<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        self.get_with(pk, sk, true).await
    }

    async fn get_with<T: DeserializeOwned>(&self, pk: &str, sk: &str, now: bool) -> Result<Option<T>, StoreError> {
        self.get_item(pk, sk, now).await?.map(read).transpose()
    }

    /// Reads a row as it is stored (strongly consistent).
    pub(super) async fn get_item_now(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.get_item(pk, sk, true).await
    }

    async fn get_item(&self, pk: &str, sk: &str, now: bool) -> Result<Option<Item>, StoreError> {
        let call = self.client().get_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        Ok(call.consistent_read(now).send().await.map_err(unavailable)?.item)
    }

    /// Writes a row unconditionally.
    pub(super) async fn put<T: Serialize>(&self, row: &Row<T>) -> Result<(), StoreError> {
        self.putting(row)?.send().await.map_err(unavailable)?;
        Ok(())
    }

    /// Builds a conditional write for [`Self::put_if`].
    pub(super) fn putting<T: Serialize>(&self, row: &Row<T>) -> Result<PutItemFluentBuilder, StoreError> {
        let item: Item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        Ok(self.client().put_item().table_name(&self.name).set_item(Some(item)))
    }

    /// Runs a conditional write.
    pub(super) async fn put_if(&self, call: PutItemFluentBuilder) -> Result<WriteOutcome, StoreError> {
        match call.send().await {
            Ok(_) => Ok(WriteOutcome::Applied),
            Err(error) if is_condition_failure(&error) => Ok(WriteOutcome::Conflict),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Writes a row if there is none. Costs less processor time than other writes: see [`crate::direct`].
    pub(super) async fn insert<T: Serialize>(&self, row: &Row<T>) -> Result<WriteOutcome, StoreError> {
        let item: Item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        let put = direct_writes::PutItem { table_name: &self.name, item: &item, condition_expression: ABSENT };
        let answer: Option<IgnoredAny> = match self.aws.direct_dynamodb() {
            Some(service) => service.attempt("PutItem", &put).await,
            None => None,
        };
        if answer.is_some() {
            return Ok(WriteOutcome::Applied);
        }
        let call = self.client().put_item().table_name(&self.name).set_item(Some(item));
        self.put_if(call.condition_expression(ABSENT)).await
    }

    /// Writes a row if there is none, and returns the existing row otherwise. This needs no right to read.
    pub(super) async fn put_new<T>(&self, row: &Row<T>) -> Result<Option<T>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        let call = self.putting(row)?.condition_expression(ABSENT);
        let call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = call.send().await else { return Ok(None) };
        match standing_row(&error) {
            Some(item) => read(item.clone()).map(Some),
            None => Err(unavailable(error)),
        }
    }

    /// Writes at most [`MAX_STATEMENTS`] rows where there are none, with one call. Returns which ones were certainly written.
    ///
    /// Each row is a conditional write of its own and costs the same. The others may have an existing row, or DynamoDB was
    /// busy, or the response was lost.
    pub(super) async fn insert_all<T: Serialize>(&self, rows: &[Row<T>]) -> Vec<bool> {
        if rows.is_empty() {
            return Vec::new();
        }
        let statements = rows.iter().map(|row| self.inserting(row)).collect::<Result<Vec<_>, _>>();
        let Ok(statements) = statements else { return vec![false; rows.len()] };
        let answer = self.client().batch_execute_statement().set_statements(Some(statements)).send().await;
        let answers = answer.ok().and_then(|answer| answer.responses).unwrap_or_default();
        let mut written: Vec<bool> = answers.iter().map(|answer| answer.error.is_none()).collect();
        written.resize(rows.len(), false);
        written
    }

    fn inserting<T: Serialize>(&self, row: &Row<T>) -> Result<BatchStatementRequest, StoreError> {
        let item: Item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        let (names, values): (Vec<String>, Vec<AttributeValue>) = item.into_iter().unzip();
        // The names come from our own types and contain no quotes.
        let members: Vec<String> = names.iter().map(|name| format!("'{name}': ?")).collect();
        let statement = format!(r#"INSERT INTO "{}" VALUE {{{}}}"#, self.name, members.join(", "));
        let request = BatchStatementRequest::builder().statement(statement).set_parameters(Some(values));
        Ok(request.build().expect("the statement is set"))
    }

    /// Builds a conditional update for [`Self::update_if`].
    pub(super) fn updating(&self, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
        self.client().update_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Runs an update without the SDK (see [`crate::direct`]). Returns the row after it, or `None` if it did not certainly succeed.
    pub(super) async fn update_directly(&self, update: &UpdateItem<'_>) -> Option<Item> {
        let updated: Updated = self.aws.direct_dynamodb()?.attempt("UpdateItem", update).await?;
        Some(updated.attributes)
    }

    /// Runs a conditional update.
    pub(super) async fn update_if(&self, call: UpdateItemFluentBuilder) -> Result<WriteOutcome, StoreError> {
        match call.send().await {
            Ok(_) => Ok(WriteOutcome::Applied),
            Err(error) if is_condition_failure(&error) => Ok(WriteOutcome::Conflict),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Builds a conditional deletion for [`Self::delete_if`].
    pub(super) fn deleting(&self, pk: &str, sk: &str) -> DeleteItemFluentBuilder {
        self.client().delete_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Runs a conditional deletion.
    pub(super) async fn delete_if(&self, call: DeleteItemFluentBuilder) -> Result<WriteOutcome, StoreError> {
        match call.send().await {
            Ok(_) => Ok(WriteOutcome::Applied),
            Err(error) if is_condition_failure(&error) => Ok(WriteOutcome::Conflict),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Builds a query of one partition for sort keys between two values, both included.
    pub(super) fn between(&self, pk: &str, first_sk: &str, last_sk: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":first", text(first_sk))
            .expression_attribute_values(":last", text(last_sk))
    }

    /// Builds a query of one partition for sort keys with a prefix.
    pub(super) fn beginning_with(&self, pk: &str, sk_prefix: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(sk_prefix))
    }

    /// Builds a query of the index `kind`, in the order of the list key.
    pub(super) fn of_kind(&self, kind: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .index_name("kind")
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", text(kind))
    }
}

/// Returns all rows of a query, across its pages. For queries that the product's limits keep small.
pub(super) async fn all<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, StoreError> {
    all_items(query).await?.into_iter().map(read).collect()
}

/// Returns all rows of a query as they are stored, across its pages. For queries that the product's limits keep small.
pub(super) async fn all_items(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        items.extend(page.map_err(unavailable)?.items.unwrap_or_default());
    }
    Ok(items)
}

/// Returns the first `limit` rows of a query, as they are stored.
pub(super) async fn first_items(query: QueryFluentBuilder, limit: usize) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut pages = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).into_paginator().send();
    while items.len() < limit {
        let Some(page) = pages.next().await else { break };
        let wanted = limit - items.len();
        items.extend(page.map_err(unavailable)?.items.unwrap_or_default().into_iter().take(wanted));
    }
    Ok(items)
}

/// Returns the rows that can be read, and the keys of the others.
pub(super) fn read_each<T: DeserializeOwned>(items: Vec<Item>) -> (Vec<T>, Vec<RowKey>) {
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for item in items {
        let key = RowKey { pk: string(&item, "pk"), sk: string(&item, "sk") };
        match read(item) {
            Ok(row) => rows.push(row),
            Err(_) => unreadable.push(key),
        }
    }
    (rows, unreadable)
}

/// Returns a string attribute, or an empty string if there is none.
pub(super) fn string(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

pub(super) fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::Row)
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn count(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn unavailable<E>(error: SdkError<E>) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    StoreError::Unavailable(error.into())
}

/// Does what [`unavailable`] does, but returns [`StoreError::Overloaded`] if DynamoDB throttled the call.
pub(super) fn throttled_or_unavailable<E>(error: SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded") => {
            StoreError::Overloaded
        }
        _ => unavailable(error),
    }
}

/// Returns the existing row that prevented a write.
fn standing_row(error: &SdkError<PutItemError>) -> Option<&Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failure) => failure.item(),
        _ => None,
    }
}

pub(super) fn is_condition_failure<E>(error: &SdkError<E>) -> bool
where
    E: ProvideErrorMetadata,
{
    error.as_service_error().and_then(|service| service.code()) == Some("ConditionalCheckFailedException")
}

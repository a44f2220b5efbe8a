//! What every row needs: keys, reading, writing, paging.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Aws, Page, PageToken, StoreError, Written};

pub(super) type Item = HashMap<String, AttributeValue>;

/// A table with the keys `pk` and `sk`.
#[derive(Debug, Clone)]
pub(super) struct Table {
    aws: Aws,
    name: String,
}

/// A row: its keys, and what it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row<T> {
    pub(super) pk: String,
    pub(super) sk: String,
    #[serde(flatten)]
    pub(super) content: T,
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

/// How many statements DynamoDB takes in one call.
pub(super) const MOST_STATEMENTS: usize = 25;

/// How long a transaction waits each time it met another that changes the same row.
const CONFLICT_WAITS_MS: [u64; 8] = [10, 20, 40, 80, 160, 320, 640, 0];

/// What a transaction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All of it was written.
    Written,
    /// Nothing was: the condition of this part did not hold.
    Refused { part: usize },
}

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

    /// One row, as it was a moment ago (an eventually consistent read, at half the price).
    pub(super) async fn get<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        self.get_with(pk, sk, false).await
    }

    /// One row, as it is now (a strongly consistent read).
    pub(super) async fn get_now<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        self.get_with(pk, sk, true).await
    }

    async fn get_with<T: DeserializeOwned>(&self, pk: &str, sk: &str, now: bool) -> Result<Option<T>, StoreError> {
        let call = self.client().get_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        let answer = call.consistent_read(now).send().await.map_err(unavailable)?;
        answer.item.map(read).transpose()
    }

    /// Writes a row over whatever was there.
    pub(super) async fn put<T: Serialize>(&self, row: &Row<T>) -> Result<(), StoreError> {
        self.putting(row)?.send().await.map_err(unavailable)?;
        Ok(())
    }

    /// Begins a conditional write; [`Self::put_if`] ends it.
    pub(super) fn putting<T: Serialize>(&self, row: &Row<T>) -> Result<PutItemFluentBuilder, StoreError> {
        let item: Item = serde_dynamo::to_item(row).map_err(StoreError::Row)?;
        Ok(self.client().put_item().table_name(&self.name).set_item(Some(item)))
    }

    /// Carries out a conditional write, and tells whether the condition held.
    pub(super) async fn put_if(&self, call: PutItemFluentBuilder) -> Result<Written, StoreError> {
        match call.send().await {
            Ok(_) => Ok(Written::Now),
            Err(error) if is_condition_failure(&error) => Ok(Written::Before),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Writes a row where there is none; where there is one, it stays, and is given. That takes no right to read.
    pub(super) async fn put_new<T>(&self, row: &Row<T>) -> Result<Option<T>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        let call = self.putting(row)?.condition_expression("attribute_not_exists(pk)");
        let call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = call.send().await else { return Ok(None) };
        match standing_row(&error) {
            Some(item) => read(item.clone()).map(Some),
            None => Err(unavailable(error)),
        }
    }

    /// Writes each of `rows`, [`MOST_STATEMENTS`] at most, where there is none, with one call for all; tells of which it is
    /// known that they were written.
    ///
    /// Each is a conditional write of its own, and costs the same. Of the others nothing is said: there may be a row, the
    /// database may be too busy, or the answer may be lost.
    pub(super) async fn insert_all<T: Serialize>(&self, rows: &[Row<T>]) -> Vec<bool> {
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
        // The names are those of our own types, and have no quotes in them.
        let members: Vec<String> = names.iter().map(|name| format!("'{name}': ?")).collect();
        let statement = format!(r#"INSERT INTO "{}" VALUE {{{}}}"#, self.name, members.join(", "));
        let request = BatchStatementRequest::builder().statement(statement).set_parameters(Some(values));
        Ok(request.build().expect("the statement is set"))
    }

    /// Begins a conditional change of a row; [`Self::update_if`] ends it.
    pub(super) fn updating(&self, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
        self.client().update_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Carries out a conditional change, and tells whether the condition held.
    pub(super) async fn update_if(&self, call: UpdateItemFluentBuilder) -> Result<Written, StoreError> {
        match call.send().await {
            Ok(_) => Ok(Written::Now),
            Err(error) if is_condition_failure(&error) => Ok(Written::Before),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Begins a change of a row that is part of a transaction.
    pub(super) fn updating_with(&self, pk: &str, sk: &str) -> UpdateBuilder {
        Update::builder().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Carries out all of `parts` or none; tells which was the first whose condition did not hold, if one did not. Others that
    /// change the same rows at the same time are waited for a little.
    pub(super) async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<Transacted, StoreError> {
        for wait_ms in CONFLICT_WAITS_MS {
            let call = self.client().transact_write_items().set_transact_items(Some(parts.clone()));
            let Err(error) = call.send().await else { return Ok(Transacted::Written) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => return Err(unavailable(error)),
            };
            let first =
                |codes: &[&str]| reasons.iter().position(|reason| codes.contains(&reason.code().unwrap_or_default()));
            if let Some(part) = first(&["ConditionalCheckFailed"]) {
                return Ok(Transacted::Refused { part });
            }
            if first(&["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]).is_none() {
                return Err(unavailable(error));
            }
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        Err(StoreError::Overloaded)
    }

    /// Begins a conditional deletion; [`Self::delete_if`] ends it.
    pub(super) fn deleting(&self, pk: &str, sk: &str) -> DeleteItemFluentBuilder {
        self.client().delete_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Carries out a conditional deletion, and tells whether the condition held.
    pub(super) async fn delete_if(&self, call: DeleteItemFluentBuilder) -> Result<Written, StoreError> {
        match call.send().await {
            Ok(_) => Ok(Written::Now),
            Err(error) if is_condition_failure(&error) => Ok(Written::Before),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Begins a query of one partition whose sort keys lie between two texts, both included.
    pub(super) fn between(&self, pk: &str, first_sk: &str, last_sk: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":first", text(first_sk))
            .expression_attribute_values(":last", text(last_sk))
    }

    /// Begins a query of one partition whose sort keys begin alike.
    pub(super) fn beginning_with(&self, pk: &str, sk_prefix: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(sk_prefix))
    }

    /// Begins a query of the index `kind`, in the order of the list key.
    pub(super) fn of_kind(&self, kind: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .index_name("kind")
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", text(kind))
    }
}

/// A change of a row as part of a transaction.
pub(super) fn change(update: UpdateBuilder) -> TransactWriteItem {
    TransactWriteItem::builder().update(update.build().expect("table, key and expression are set")).build()
}

/// All rows of a query, however many pages it has. For queries whose rows are few by the product's own limits.
pub(super) async fn all<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        for item in page.map_err(unavailable)?.items.unwrap_or_default() {
            rows.push(read(item)?);
        }
    }
    Ok(rows)
}

/// The first `limit` rows of a query, or all if there are fewer.
pub(super) async fn first<T: DeserializeOwned>(query: QueryFluentBuilder, limit: usize) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let mut pages = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).into_paginator().send();
    while rows.len() < limit {
        let Some(page) = pages.next().await else { break };
        let wanted = limit - rows.len();
        for item in page.map_err(unavailable)?.items.unwrap_or_default().into_iter().take(wanted) {
            rows.push(read(item)?);
        }
    }
    Ok(rows)
}

/// What a list is of. A token that goes on with another list is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum ListOf<'a> {
    /// Rows of this partition.
    Partition(&'a str),
    /// Rows of this kind, whatever their partitions.
    Kind(&'a str),
}

/// One page of a query that begins after `after`.
pub(super) async fn page<T: DeserializeOwned>(
    query: QueryFluentBuilder,
    list: ListOf<'_>,
    after: Option<&PageToken>,
) -> Result<Page<T>, StoreError> {
    let start = after.map(|token| token_keys(token, list).ok_or(StoreError::Token)).transpose()?;
    let answer = query.set_exclusive_start_key(start).send().await.map_err(unavailable)?;
    let items = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, next: answer.last_evaluated_key.as_ref().map(key_token) })
}

/// A row's keys as an opaque text: all keys are texts, so they are written as a JSON object.
fn key_token(keys: &Item) -> PageToken {
    let texts: HashMap<&str, &str> =
        keys.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_s().ok()?.as_str()))).collect();
    PageToken(serde_json::to_string(&texts).expect("texts are JSON"))
}

fn token_keys(token: &PageToken, list: ListOf<'_>) -> Option<Item> {
    let texts: HashMap<String, String> = serde_json::from_str(&token.0).ok()?;
    let (names, (name, value)): (&[&str], _) = match list {
        ListOf::Partition(partition) => (&["pk", "sk"], ("pk", partition)),
        ListOf::Kind(kind) => (&["pk", "sk", "kind", "listKey"], ("kind", kind)),
    };
    let has_just_these = texts.len() == names.len() && names.iter().all(|name| texts.contains_key(*name));
    if !has_just_these || texts[name] != value || texts.values().any(String::is_empty) {
        return None;
    }
    Some(texts.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect())
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

/// The row that stands where another was to be written.
fn standing_row(error: &SdkError<PutItemError>) -> Option<&Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failure) => failure.item(),
        _ => None,
    }
}

fn is_condition_failure<E>(error: &SdkError<E>) -> bool
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    error.as_service_error().and_then(|service| service.code()) == Some("ConditionalCheckFailedException")
}

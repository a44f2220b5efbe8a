//! Transactions: several writes that all succeed or all fail.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::error::StoreError;
use super::table::{Table, text, unavailable};

/// Wait after each conflict with another transaction on the same row, in milliseconds.
const CONFLICT_WAITS_MS: [u64; 8] = [10, 20, 40, 80, 160, 320, 640, 0];

/// The result of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All parts were written.
    Written,
    /// Nothing was written: the condition of this part did not hold.
    Refused { part: usize },
}

impl Table {
    /// Builds an update that is part of a transaction.
    pub(super) fn updating_with(&self, pk: &str, sk: &str) -> UpdateBuilder {
        Update::builder().table_name(self.name()).key("pk", text(pk)).key("sk", text(sk))
    }

    /// Writes all `parts` or none. Returns the first part whose condition did not hold, if there is one. After a conflict with
    /// another transaction, waits briefly and retries.
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
}

/// Wraps an update as part of a transaction.
pub(super) fn change(update: UpdateBuilder) -> TransactWriteItem {
    TransactWriteItem::builder().update(update.build().expect("table, key and expression are set")).build()
}

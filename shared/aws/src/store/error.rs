//! Why the store failed.

use thiserror::Error;

use crate::client::Cause;

/// Why a read or write failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// DynamoDB failed, rejected the call, or did not respond.
    #[error("store is unavailable")]
    Unavailable(#[source] Cause),
    /// This version cannot read a stored row.
    #[error("stored row cannot be read")]
    Row(#[source] serde_dynamo::Error),
    /// The cursor does not belong to this list.
    #[error("cursor does not belong to this list")]
    Token,
    /// DynamoDB throttled the request after several tries, or concurrent writes kept winning.
    #[error("store is overloaded")]
    Overloaded,
}

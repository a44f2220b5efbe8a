//! Calls per caller and time window, which the running instances report to each other.

use super::error::StoreError;
use super::keys;
use super::quotas::QuotaStore;
use super::table::{number, unavailable};
use domain::projects::rate_limit::{WINDOW, Window};

const COUNT: &str = "calls";

impl QuotaStore {
    /// Adds `calls` to the count of a caller in a window and returns the total. `caller` is the id of an API key or of a console
    /// session. If the response is lost and the SDK repeats the call, it counts twice, which is harmless.
    pub async fn add_calls(&self, caller: &str, window: Window, calls: u32) -> Result<u32, StoreError> {
        let expires_at = window.starts_at() + i64::try_from(WINDOW.as_secs()).unwrap_or_default();
        let (pk, sk) = keys::call_count_row(caller, window);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("ADD calls :calls SET expiresAt = :expiresAt")
            .expression_attribute_values(":calls", number(i64::from(calls)))
            .expression_attribute_values(":expiresAt", number(expires_at))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        let updated = call.send().await.map_err(unavailable)?.attributes.unwrap_or_default();
        Ok(updated.get(COUNT).and_then(|count| count.as_n().ok()?.parse().ok()).unwrap_or(calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Database;
    use domain::foundation::time::Timestamp;

    #[tokio::test]
    async fn calls_of_a_window_add_up() {
        let store = Database::start().await;
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let add = async |at, calls| store.quotas.add_calls("caller", Window::at(at), calls).await.unwrap();
        assert_eq!((add(now, 3).await, add(now, 4).await), (3, 7));
        assert_eq!(add(now.plus(WINDOW), 5).await, 5);
    }
}

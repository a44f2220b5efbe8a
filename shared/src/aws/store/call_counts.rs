//! How many calls were made with a key of late: what the functions that take them report to each other.

use super::table::{number, unavailable};
use super::{Activity, StoreError};
use crate::id::ApiKeyId;
use crate::rate_limit::{WINDOW, Window};

const COUNT: &str = "calls";

impl Activity {
    /// Adds `calls` to those made with a key in a window, and answers how many that makes. A call that is made twice, because its
    /// answer was lost, counts twice; nobody is harmed by that.
    pub async fn add_calls(&self, key: ApiKeyId, window: Window, calls: u32) -> Result<u32, StoreError> {
        let expires_at = window.starts_at() + i64::try_from(WINDOW.as_secs()).unwrap_or_default();
        let call = self
            .table
            .updating(&format!("calls#{key}"), &window.starts_at().to_string())
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
    use crate::aws::store::testing::Database;
    use crate::random::SystemRandom;
    use crate::time::Timestamp;

    #[tokio::test]
    async fn calls_of_a_window_add_up() {
        let store = Database::start().await;
        let now: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let key = ApiKeyId::new(now, &SystemRandom);
        let add = async |at, calls| store.activity.add_calls(key, Window::at(at), calls).await.unwrap();
        assert_eq!((add(now, 3).await, add(now, 4).await), (3, 7));
        assert_eq!(add(now.plus(WINDOW), 5).await, 5);
    }
}

//! Erasing the data of a person.

use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::api_client::ApiError;

trials! {
    deliveries_of_an_erased_submission_are_kept_without_data,
}

fn deliveries_of_an_erased_submission_are_kept_without_data() {
    run(async {
        let customer = Customer::new(stack().await, "/erase/one").await;
        customer.receiver().answer(customer.path(), [500]);
        let data = json!({ "name": "Hong Gildong" });
        let publish = async |submission: &str| {
            let event = json!({ "type": "approved", "submissionId": submission, "data": data });
            customer.publish(&event).await
        };
        let (erased, kept) = (publish("sub-1").await, publish("sub-2").await);
        for event in [&erased, &kept] {
            customer.wait_for_state(event, "delivered").await;
        }

        let erasure = customer.post("/erasures", &json!({ "submissionId": "sub-1" })).await;
        assert_eq!(erasure, json!({ "events": 1, "deliveries": 1, "done": true }));
        let delivery = customer.wait_for_state(&erased, "delivered").await;
        let has_responses = |delivery: &Value| delivery["attempts"].to_string().contains("\"response\"");
        assert!(delivery["erasedAt"].is_string() && !has_responses(&delivery), "{delivery}");
        let other = customer.wait_for_state(&kept, "delivered").await;
        assert!(other.get("erasedAt").is_none(), "{other}");
        let again = customer.try_post("/erasures", &json!({ "submissionId": "sub-1" })).await;
        assert!(matches!(again, Err(ApiError::Refused { status: 404, .. })), "nothing is left to erase");
    });
}

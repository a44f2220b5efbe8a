//! The feed, which is a function of its own.

use std::time::{Duration, Instant};

use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::api_client::ApiClient;

trials! {
    a_waiting_call_gets_the_next_event,
    pages_contain_every_event_once,
}

fn cursor(page: &Value) -> &str {
    page["cursor"].as_str().unwrap()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

fn a_waiting_call_gets_the_next_event() {
    run(async {
        let customer = Customer::new(stack().await, "/feed/wait").await;
        for filter in ["", "&submissionId=sub_1"] {
            let latest = customer.get(&format!("/feed?after=latest{filter}")).await;
            let path = format!("/feed?wait=20&after={}{filter}", cursor(&latest));
            let started_at = Instant::now();
            let (page, id) = tokio::join!(customer.get(&path), async {
                tokio::time::sleep(Duration::from_secs(2)).await;
                customer.publish(&json!({"type": "aml", "submissionId": "sub_1", "data": {"n": 1}})).await
            });
            assert_eq!(ids(&page), [id.as_str()]);
            let waited = started_at.elapsed();
            assert!((2..15).contains(&waited.as_secs()), "{waited:?}");
        }
        let path = "/feed?wait=1&after=latest";
        assert!(ids(&customer.get(path).await).is_empty());
    });
}

fn pages_contain_every_event_once() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/feed/pages").await;
        let mut expected = Vec::new();
        for number in 0..12 {
            let mut event = json!({"type": "aml", "data": {"number": number}});
            if number % 2 == 0 {
                event["submissionId"] = "sub_1".into();
            }
            expected.push(customer.publish(&event).await);
        }
        let (mut read, mut page) = (Vec::new(), customer.get("/feed?limit=5").await);
        while !ids(&page).is_empty() {
            read.extend(page["items"].as_array().unwrap().clone());
            page = customer.get(&format!("/feed?limit=5&wait=1&after={}", cursor(&page))).await;
        }
        let mut found: Vec<&str> = read.iter().map(|event| event["id"].as_str().unwrap()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        let sequences: Vec<u64> = read.iter().filter_map(|event| event["sequence"].as_u64()).collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
        // A key that only the feed sees, with enough calls that the function adds them to the shared count.
        let key = customer.post("/api-keys", &json!({"name": "reader", "scopes": ["events:read"]})).await;
        let reader = ApiClient::new(&stack.api_url, key["key"].as_str().unwrap());
        for _ in 0..8 {
            let page = reader.get(&format!("/v1/projects/{}/feed?wait=1", customer.project())).await.unwrap();
            assert_eq!(ids(&page).len(), 12);
        }
        let key = customer.get(&format!("/api-keys/{}", key["id"].as_str().unwrap())).await;
        assert!(key["lastUsedOn"].is_string(), "{key}");
    });
}

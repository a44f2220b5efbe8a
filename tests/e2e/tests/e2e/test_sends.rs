//! Tests of endpoints: what a receiver gets, and what whoever asked is told of it.

use std::time::{Duration, Instant};

use e2e::{Customer, PATIENCE, run, stack};
use serde_json::{Value, json};
use shared::event::EventType;
use tokio::net::TcpListener;

/// Sends a test to an endpoint, and answers what came of it.
async fn test(customer: &Customer, endpoint: &str, event_type: EventType) -> Value {
    let mut test = customer.post(&format!("/endpoints/{endpoint}/test"), &json!({ "type": event_type.as_str() })).await;
    let begun = Instant::now();
    while test["state"] == "pending" {
        assert!(begun.elapsed() <= PATIENCE, "{test}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        test = customer.get(&format!("/endpoints/{endpoint}/tests/{}", test["id"].as_str().unwrap())).await;
    }
    test
}

#[test]
fn tests_of_all_types_arrive_marked_and_signed_even_while_the_endpoint_is_paused() {
    run(async {
        let customer = Customer::new(stack().await, "/test-sends/taken").await;
        customer.act_on_endpoint("pause").await;
        let mut ids = Vec::new();
        for event_type in EventType::ALL {
            let test = test(&customer, customer.endpoint(), event_type).await;
            assert_eq!((&test["state"], &test["attempt"]["status"]), (&json!("done"), &json!(200)), "{test}");
            assert!(test["attempt"]["phases"]["answerMs"].is_u64(), "{test}");
            ids.push(test["id"].as_str().unwrap().to_owned());
        }
        let received = customer.received();
        assert!(received.iter().all(|one| one.verified && one.attempt == 1 && one.headers["webhook-test"] == "true"));
        let came: Vec<_> = received.iter().map(|one| (one.event_type.as_str(), one.id.as_str())).collect();
        let sent: Vec<_> = EventType::ALL.iter().map(|one| one.as_str()).zip(ids.iter().map(String::as_str)).collect();
        assert_eq!(came, sent);
        assert_eq!(customer.deliveries().await.unwrap(), Vec::<Value>::new());
        assert_eq!(customer.read_endpoint().await["state"], "paused");
    });
}

#[test]
fn a_test_of_a_port_where_nobody_listens_says_so_and_is_not_tried_again() {
    run(async {
        let customer = Customer::new(stack().await, "/test-sends/refused").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let endpoint = customer.post("/endpoints", &json!({ "url": url })).await;
        let endpoint = endpoint["id"].as_str().unwrap();

        let test = test(&customer, endpoint, EventType::Token).await;
        assert_eq!((&test["state"], &test["attempt"]["reason"]), (&json!("done"), &json!("refused")), "{test}");
        let health = customer.get(&format!("/endpoints/{endpoint}")).await["health"].clone();
        assert_eq!(health, json!({ "failures": 0 }));
    });
}

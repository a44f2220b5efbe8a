//! Test sends: the webhook that the receiver gets, and the result that the API returns.

use std::time::{Duration, Instant};

use domain::webhooks::endpoint::{Format, Payload};
use domain::webhooks::event::EventType;
use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};
use tokio::net::TcpListener;

trials! {
    tests_of_all_types_are_sent_marked_and_signed_to_a_paused_endpoint,
    tests_of_all_types_match_the_published_schemas_in_every_format_and_payload,
    a_test_send_to_a_closed_port_reports_the_reason_and_is_not_retried,
}

/// Sends a test to an endpoint, and returns its result.
async fn test(customer: &Customer, endpoint: &str, event_type: EventType) -> Value {
    let mut test = customer.post(&format!("/endpoints/{endpoint}/test"), &json!({ "type": event_type.as_str() })).await;
    let started_at = Instant::now();
    while test["state"] == "pending" {
        assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{test}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        test = customer.get(&format!("/endpoints/{endpoint}/tests/{}", test["id"].as_str().unwrap())).await;
    }
    test
}

fn tests_of_all_types_are_sent_marked_and_signed_to_a_paused_endpoint() {
    run(async {
        let customer = Customer::new(stack().await, "/test-sends/accepted").await;
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
        let arrived: Vec<_> = received.iter().map(|one| (one.event_type.as_str(), one.id.as_str())).collect();
        let sent: Vec<_> = EventType::ALL.iter().map(|one| one.as_str()).zip(ids.iter().map(String::as_str)).collect();
        assert_eq!(arrived, sent);
        assert_eq!(customer.deliveries().await.unwrap(), Vec::<Value>::new());
        assert_eq!(customer.read_endpoint().await["state"], "paused");
    });
}

fn tests_of_all_types_match_the_published_schemas_in_every_format_and_payload() {
    run(async {
        let stack = stack().await;
        let published = stack.api().get("/v1/event-types").await.unwrap_or_else(|error| panic!("{error}"));
        let layouts = Format::ALL.into_iter().flat_map(|format| Payload::ALL.map(|payload| (format, payload)));
        for (format, payload) in layouts.filter(|(format, payload)| format.allows(*payload)) {
            // A project may send 30 tests a minute.
            let path = format!("/test-sends/{format}-{payload}");
            let customer = Customer::new(stack, format!("{path}/first")).await;
            let draft = json!({ "url": customer.receiver().url(&path), "format": format, "payload": payload });
            let endpoint = customer.post("/endpoints", &draft).await;
            customer.receiver().expect(&path, endpoint["signingSecret"].as_str().unwrap());
            for item in published["items"].as_array().unwrap() {
                let event_type = item["type"].as_str().unwrap().parse().unwrap();
                let test = test(&customer, endpoint["id"].as_str().unwrap(), event_type).await;
                assert_eq!(test["attempt"]["status"], 200, "{test}");
                let received = customer.receiver().received(&path).pop().unwrap();
                let body: Value = serde_json::from_slice(&received.body).unwrap();
                let described = &item["formats"][format.as_str()];
                let schema = match payload {
                    Payload::Full => &described["schema"],
                    Payload::Thin => &described["thin"]["schema"],
                };
                let schema = jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap();
                let errors: Vec<String> = schema.iter_errors(&body).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{event_type} {format} {payload}: {errors:?}");
                assert_eq!(received.headers["content-type"], described["contentType"].as_str().unwrap());
                assert!(received.headers["content-digest"].to_str().unwrap().starts_with("sha-256=:"));
            }
        }
    });
}

fn a_test_send_to_a_closed_port_reports_the_reason_and_is_not_retried() {
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

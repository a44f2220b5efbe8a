//! The client that `progenitor` generates.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use self::generated::Client;
use self::generated::types::{DeliveryState, EventType, NewEvent};

/// The generated code.
mod generated {
    progenitor::generate_api!("../../functions/api/openapi-3.0.json");
}

/// Publishes an event and waits until it is delivered. Returns the last state of its delivery.
pub(crate) async fn publish_and_read(api_url: &str, key: &str, project: &str) -> DeliveryState {
    let key = HeaderMap::from_iter([("x-api-key".parse().unwrap(), HeaderValue::from_str(key).unwrap())]);
    let http = reqwest::Client::builder().default_headers(key).build().unwrap();
    let (client, project) = (Client::new_with_client(api_url, http), project.parse().unwrap());
    let data = json!({"score": 1.5}).as_object().unwrap().clone();
    let event = NewEvent { data, occurred_at: None, submission_id: None, type_: EventType::Approved };
    let accepted = client.publish_event(&project, None, &event).await.unwrap();

    let started_at = Instant::now();
    loop {
        let (none, id) = (None, Some(&accepted.id));
        let page =
            client.list_deliveries(&project, none, None, id, None, None, None, None, None, None, None).await.unwrap();
        let state = page.items[0].state;
        if state == DeliveryState::Delivered || started_at.elapsed() > Duration::from_mins(1) {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! `signpost deliveries`: lists deliveries, and follows how they change.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use domain::webhooks::delivery::DeliveryState;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{ApiClient, ApiError};
use crate::arguments::DeliveriesOptions;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::output::{self, Output};

/// Pause between two looks while deliveries are followed.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// Deliveries that are followed: as many as a page has.
const FOLLOWED: u16 = 100;

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    cursor: Option<String>,
}

/// Lists deliveries. With `--follow` it ends only after an error that will not go away.
pub(crate) async fn run(config: &Config, options: &DeliveriesOptions, output: Output) -> Result<(), ApiError> {
    let api = ApiClient::new(config);
    let mut seen = Seen::default();
    for delivery in list(&api, options).await? {
        show(seen.changed(delivery)?.as_ref(), output);
    }
    if !options.follow {
        return Ok(());
    }
    // Deliveries that are older than the list are known, so they are not shown as new ones.
    for delivery in first_page(&api, options, FOLLOWED).await?.items {
        seen.changed(delivery)?;
    }
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        match first_page(&api, options, FOLLOWED).await {
            // Oldest first, as they happened.
            Ok(page) => {
                for delivery in page.items.into_iter().rev() {
                    show(seen.changed(delivery)?.as_ref(), output);
                }
            }
            Err(error @ ApiError::Unreachable(_)) => {
                output::write_line(&mut io::stderr(), &format!("{}; trying again", output::chain(&error)));
            }
            Err(error) => return Err(error),
        }
    }
}

/// The latest deliveries, at most as many as the options allow, newest first.
async fn list(api: &ApiClient, options: &DeliveriesOptions) -> Result<Vec<Value>, ApiError> {
    let limit = usize::from(options.limit);
    let (mut deliveries, mut path) = (Vec::new(), path(options, options.limit));
    let first = path.clone();
    loop {
        let page: Page = api.get(&path).await?.read()?;
        deliveries.extend(page.items);
        deliveries.truncate(limit);
        // A page may be short or empty although more follow.
        match page.cursor.filter(|_| deliveries.len() < limit) {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return Ok(deliveries),
        }
    }
}

async fn first_page(api: &ApiClient, options: &DeliveriesOptions, limit: u16) -> Result<Page, ApiError> {
    api.get(&path(options, limit)).await?.read()
}

fn path(options: &DeliveriesOptions, limit: u16) -> String {
    let state = if options.failed { format!("&state={}", DeliveryState::Failed) } else { String::new() };
    format!("/v1/projects/{}/deliveries?limit={limit}{state}", options.project)
}

/// State and number of attempts of each delivery that was seen.
#[derive(Debug, Default)]
struct Seen(HashMap<String, (DeliveryState, usize)>);

impl Seen {
    /// The delivery, if it is new or has changed since it was seen last.
    fn changed(&mut self, value: Value) -> Result<Option<(Delivery, Value)>, ApiError> {
        let delivery = Delivery::deserialize(&value).map_err(|error| ApiError::Unexpected(error.to_string()))?;
        let now = (delivery.state, delivery.attempts.len());
        let before = self.0.insert(delivery.id.clone(), now);
        Ok((before != Some(now)).then_some((delivery, value)))
    }
}

fn show(changed: Option<&(Delivery, Value)>, output: Output) {
    let Some((delivery, value)) = changed else { return };
    output.line(&line(delivery));
    output.json(value);
}

fn line(delivery: &Delivery) -> String {
    let Delivery { id, event_type, state, attempts, .. } = delivery;
    let (at, what) = match attempts.last() {
        Some(last) => (last.at.as_str(), last.sentence()),
        None => ("", "no attempt yet".to_owned()),
    };
    output::printable(&format!("{at:<24}  {:<9}  {event_type:<11}  {id}  {what}", state.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options() -> DeliveriesOptions {
        let project = "019ab0c4-7e38-7a3f-8c65-0123456789ab".parse().unwrap();
        DeliveriesOptions { project, failed: true, limit: 5, follow: false }
    }

    fn delivery(state: &str, attempts: &Value) -> Value {
        json!({ "id": "d", "type": "approved", "state": state, "attempts": attempts })
    }

    #[test]
    fn a_delivery_is_shown_again_only_after_a_change() {
        let mut seen = Seen::default();
        let attempt = json!({ "number": 1, "at": "t", "durationMs": 3, "status": 500, "reason": "status" });
        let steps = [
            (delivery("queued", &json!([])), true),
            (delivery("queued", &json!([])), false),
            (delivery("waiting", &json!([attempt])), true),
            (delivery("waiting", &json!([attempt])), false),
            (delivery("waiting", &json!([attempt, attempt])), true),
        ];
        for (delivery, is_shown) in steps {
            assert_eq!(seen.changed(delivery.clone()).unwrap().is_some(), is_shown, "{delivery}");
        }
    }

    #[test]
    fn the_filter_is_part_of_the_request() {
        assert!(path(&options(), 5).ends_with("/deliveries?limit=5&state=failed"));
        assert!(path(&DeliveriesOptions { failed: false, ..options() }, 5).ends_with("/deliveries?limit=5"));
    }

    #[test]
    fn a_line_ends_with_the_last_attempt() {
        let attempt = json!({ "number": 1, "at": "2026-11-22T08:30:00.000Z", "durationMs": 3, "reason": "refused" });
        let delivery = Delivery::deserialize(&delivery("waiting", &json!([attempt]))).unwrap();
        let expected = "2026-11-22T08:30:00.000Z  waiting    approved     d  attempt 1 failed after 3 ms: refused";
        assert_eq!(line(&delivery), expected);
    }
}

//! `signpost deliveries`: lists deliveries, and follows how they change.

use std::collections::HashMap;
use std::time::Duration;

use domain::webhooks::delivery::DeliveryState;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{Answer, ApiError};
use crate::arguments::DeliveriesOptions;
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::error::CommandError;
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::project::Project;

/// Pause between two looks while deliveries are followed.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// Deliveries that are followed: as many as a page has.
const FOLLOWED: u16 = 100;

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    cursor: Option<String>,
}

/// Lists deliveries. With `--follow` it ends with Ctrl-C, or after an error that will not go away.
///
/// # Panics
///
/// If the process cannot listen for signals.
pub(crate) async fn run(project: &Project, options: &DeliveriesOptions, output: Output) -> Result<bool, CommandError> {
    if !options.follow {
        for delivery in list(project, options).await? {
            show(&delivery, output)?;
        }
        return Ok(true);
    }
    let mut interrupts = Interrupts::listen().expect("a process can listen for signals");
    tokio::select! {
        biased;
        () = interrupts.next() => Ok(true),
        error = follow(project, options, output) => Err(error),
    }
}

/// Lists the latest deliveries, and then those that change. Returns only after an error that will not go away.
async fn follow(project: &Project, options: &DeliveriesOptions, output: Output) -> CommandError {
    let mut seen = Seen::default();
    match first_page(project, options).await.and_then(|page| seen.changed(page.items)) {
        // Newest first, as without `--follow`. Older deliveries of the page are known, so they are not shown as new ones.
        Ok(deliveries) => {
            for delivery in deliveries.iter().take(usize::from(options.limit)) {
                if let Err(error) = show(delivery, output) {
                    return error.into();
                }
            }
        }
        Err(error) => return error.into(),
    }
    let mut connection = Connection::default();
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        let looked = first_page(project, options).await.and_then(|page| seen.changed(page.items));
        // Oldest first, as they happened.
        let shown = looked.and_then(|deliveries| deliveries.iter().rev().try_for_each(|one| show(one, output)));
        match shown {
            Ok(()) => connection.works(),
            Err(error) => {
                if let Err(error) = connection.lost(error).await {
                    return error.into();
                }
            }
        }
    }
}

/// The latest deliveries, at most as many as the options allow, newest first.
async fn list(project: &Project, options: &DeliveriesOptions) -> Result<Vec<Value>, ApiError> {
    let limit = usize::from(options.limit);
    let first = path(options, options.limit);
    let (mut deliveries, mut path) = (Vec::new(), first.clone());
    loop {
        let page: Page = project.get(&path).await?.read()?;
        deliveries.extend(page.items);
        deliveries.truncate(limit);
        // A page may be short or empty although more follow.
        match page.cursor.filter(|_| deliveries.len() < limit) {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return Ok(deliveries),
        }
    }
}

async fn first_page(project: &Project, options: &DeliveriesOptions) -> Result<Page, ApiError> {
    project.get(&path(options, FOLLOWED)).await.and_then(Answer::read)
}

fn path(options: &DeliveriesOptions, limit: u16) -> String {
    let state = if options.failed { format!("&state={}", DeliveryState::Failed) } else { String::new() };
    format!("/deliveries?limit={limit}{state}")
}

/// State and numbers of attempts and replays of each delivery on the page that was seen last.
#[derive(Debug, Default)]
struct Seen(HashMap<String, (DeliveryState, usize, usize)>);

impl Seen {
    /// The deliveries of a page that are new or have changed since the page before.
    fn changed(&mut self, page: Vec<Value>) -> Result<Vec<Value>, ApiError> {
        let before = std::mem::take(&mut self.0);
        let mut changed = Vec::new();
        for value in page {
            let delivery = Delivery::of(&value)?;
            let now = (delivery.state, delivery.attempts.len(), delivery.replays.len());
            if before.get(&delivery.id) != Some(&now) {
                changed.push(value);
            }
            self.0.insert(delivery.id, now);
        }
        Ok(changed)
    }
}

fn show(value: &Value, output: Output) -> Result<(), ApiError> {
    let delivery = Delivery::of(value)?;
    output.record(&delivery.head(), &[&delivery.id, &delivery.last_attempt()]);
    output.json(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use domain::projects::api_key::ApiKeyKind;
    use serde_json::json;

    use super::*;
    use crate::arguments::ProjectOption;
    use crate::testing::FakeServer;

    fn options() -> DeliveriesOptions {
        DeliveriesOptions { project: ProjectOption { id: None }, failed: true, limit: 5, follow: false }
    }

    fn delivery(state: &str, attempts: &Value) -> Value {
        json!({ "id": "d", "type": "approved", "state": state, "attempts": attempts })
    }

    #[test]
    fn a_delivery_is_shown_again_only_after_a_change() {
        let mut seen = Seen::default();
        let attempt = json!({ "number": 1, "at": "t", "durationMs": 3, "status": 500, "reason": "status" });
        let mut replayed = delivery("failed", &json!([attempt]));
        replayed["replays"] = json!([{ "replayId": "r", "number": 2, "at": "t", "durationMs": 3, "status": 500 }]);
        let steps = [
            (delivery("queued", &json!([])), true),
            (delivery("queued", &json!([])), false),
            (delivery("waiting", &json!([attempt])), true),
            (delivery("waiting", &json!([attempt])), false),
            (delivery("failed", &json!([attempt])), true),
            (replayed.clone(), true),
            (replayed, false),
        ];
        for (delivery, is_shown) in steps {
            assert_eq!(seen.changed(vec![delivery.clone()]).unwrap().len(), usize::from(is_shown), "{delivery}");
        }
    }

    #[test]
    fn the_filter_is_part_of_the_request() {
        assert!(path(&options(), 5).ends_with("/deliveries?limit=5&state=failed"));
        assert!(path(&DeliveriesOptions { failed: false, ..options() }, 5).ends_with("/deliveries?limit=5"));
    }

    #[tokio::test]
    async fn pages_are_read_until_the_limit_is_reached() {
        let server = FakeServer::start(|index, _| {
            let items: Vec<Value> = [0, 4, 4][index..=index].iter().flat_map(|count| vec![json!({}); *count]).collect();
            axum::Json(json!({ "items": items, "cursor": format!("c{index}") })).into_response()
        });
        let server = server.await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        assert_eq!(list(&project, &options()).await.unwrap().len(), 5);
        let paths: Vec<_> = server.calls().iter().map(|call| call.path.split_once('?').unwrap().1.to_owned()).collect();
        assert_eq!(paths, ["limit=5&state=failed", "limit=5&state=failed&cursor=c0", "limit=5&state=failed&cursor=c1"]);
    }
}

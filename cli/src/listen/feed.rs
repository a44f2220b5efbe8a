//! The feed of a project: every accepted event once, as the API returns it.

use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::event::{Event, EventData, EventType, Sequence, SubmissionId};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::api::{self, Answer, ApiError};
use crate::connection::Connection;
use crate::project::Project;

/// Seconds that a call waits for events.
const WAIT: u32 = 20;

/// Most events that a call returns.
const LIMIT: u32 = 100;

/// Where the feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With events accepted from now on.
    Now,
    /// With the oldest event that is kept.
    Oldest,
    /// With events accepted at this time.
    At(Timestamp),
}

/// The feed, from a position on.
#[derive(Debug)]
pub(super) struct Feed<'a> {
    project: &'a Project,
    connection: Connection,
    cursor: String,
    /// Events that are read and not yet returned.
    ready: Option<Page>,
    oldest: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    cursor: String,
}

/// An event in the feed: the members of the webhook's standard body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(rename = "type")]
    event_type: EventType,
    timestamp: Timestamp,
    id: EventId,
    project_id: ProjectId,
    submission_id: Option<SubmissionId>,
    sequence: Option<Sequence>,
    data: EventData,
}

impl<'a> Feed<'a> {
    /// Opens the feed. Fails at once if the API cannot be reached or refuses the call.
    pub(super) async fn open(project: &'a Project, start: Start) -> Result<Self, ApiError> {
        let (after, oldest) = match start {
            Start::Now => ("&after=latest", None),
            Start::Oldest => ("", None),
            Start::At(time) => ("", Some(time)),
        };
        // It does not wait, so that nothing is missed between the start and the first cursor.
        let page: Page = project.get(&format!("/feed?limit={LIMIT}{after}")).await?.read()?;
        let cursor = page.cursor.clone();
        Ok(Self { project, connection: Connection::default(), cursor, ready: Some(page), oldest })
    }

    /// The next events, oldest first. Waits for them, also while the API cannot be reached. An event that this version cannot
    /// read is an error in its place.
    pub(super) async fn next(&mut self) -> Result<Vec<Result<Event, ApiError>>, ApiError> {
        let page = match self.ready.take() {
            Some(page) => page,
            None => self.read().await?,
        };
        self.cursor = page.cursor;
        let events = page.items.iter().map(|item| api::parse::<Item>(item).map(Event::from));
        let is_wanted = |event: &Result<Event, ApiError>| match event {
            Ok(event) => self.oldest.is_none_or(|oldest| oldest <= event.id.created_at()),
            Err(_) => true,
        };
        Ok(events.filter(is_wanted).collect())
    }

    async fn read(&mut self) -> Result<Page, ApiError> {
        loop {
            let after: String = form_urlencoded::byte_serialize(self.cursor.as_bytes()).collect();
            let path = format!("/feed?limit={LIMIT}&wait={WAIT}&after={after}");
            match self.project.get_once(&path).await.and_then(Answer::read) {
                Ok(page) => {
                    self.connection.works();
                    return Ok(page);
                }
                Err(error) => self.connection.lost(error).await?,
            }
        }
    }
}

impl From<Item> for Event {
    fn from(item: Item) -> Self {
        Self {
            id: item.id,
            project_id: item.project_id,
            event_type: item.event_type,
            submission_id: item.submission_id,
            sequence: item.sequence,
            occurred_at: item.timestamp,
            data: item.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::random::SystemRandom;
    use domain::projects::api_key::ApiKeyKind;
    use http::StatusCode;

    use super::*;
    use crate::testing::FakeServer;

    const NOW: &str = "2026-11-22T08:30:00.000Z";

    fn item(seconds_ago: u64, data: &str) -> String {
        let now: Timestamp = NOW.parse().unwrap();
        let id = EventId::new(now.minus(std::time::Duration::from_secs(seconds_ago)), &SystemRandom);
        let project = ProjectId::new(SystemClock.now(), &SystemRandom);
        format!(
            r#"{{"type":"approved","timestamp":"{NOW}","id":"{id}","projectId":"{project}","submissionId":"s","sequence":2,"data":{data}}}"#
        )
    }

    /// A feed whose first page is empty and whose next pages are these.
    async fn serve(pages: Vec<String>) -> FakeServer {
        FakeServer::start(move |index, _| {
            let items = index.checked_sub(1).map_or("", |index| &pages[index]);
            format!(r#"{{"items":[{items}],"cursor":"c+{index}"}}"#).into_response()
        })
        .await
    }

    fn queries(server: &FakeServer) -> Vec<String> {
        server.calls().iter().map(|call| call.path.split_once("/feed?").unwrap().1.to_owned()).collect()
    }

    #[tokio::test]
    async fn events_are_read_from_one_position_to_the_next_and_keep_their_bytes() {
        let data = r#"{"b":1.0, "a":12345678901234567890123}"#;
        let server = serve(vec![item(0, data), String::new()]).await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        let mut feed = Feed::open(&project, Start::Now).await.unwrap();
        assert!(feed.next().await.unwrap().is_empty());
        let events = feed.next().await.unwrap();
        let event = events[0].as_ref().unwrap();
        assert_eq!((event.data.get(), event.sequence.unwrap().get()), (data, 2));
        assert_eq!(event.occurred_at.to_string(), NOW);
        feed.next().await.unwrap();
        assert_eq!(
            queries(&server),
            ["limit=100&after=latest", "limit=100&wait=20&after=c%2B0", "limit=100&wait=20&after=c%2B1"]
        );
    }

    #[tokio::test]
    async fn older_events_are_left_out() {
        let server = serve(vec![[item(61, "{}"), item(59, "{}")].join(",")]).await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        let start = Start::At("2026-11-22T08:29:00Z".parse().unwrap());
        let mut feed = Feed::open(&project, start).await.unwrap();
        feed.next().await.unwrap();
        assert_eq!(feed.next().await.unwrap().len(), 1);
        assert_eq!(queries(&server)[0], "limit=100");
    }

    #[tokio::test]
    async fn an_event_of_a_later_version_does_not_hide_the_others() {
        let unknown = item(0, "{}").replace("approved", "renewed");
        let server = serve(vec![[unknown, item(0, "{}")].join(",")]).await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        let mut feed = Feed::open(&project, Start::Oldest).await.unwrap();
        feed.next().await.unwrap();
        let events: Vec<bool> = feed.next().await.unwrap().iter().map(Result::is_ok).collect();
        assert_eq!(events, [false, true]);
    }

    #[tokio::test]
    async fn a_call_that_fails_for_a_while_is_repeated_at_the_same_position() {
        let server = FakeServer::start(|index, _| match index {
            1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            3 => StatusCode::FORBIDDEN.into_response(),
            _ => format!(r#"{{"items":[],"cursor":"c+{index}"}}"#).into_response(),
        });
        let server = server.await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        let mut feed = Feed::open(&project, Start::Now).await.unwrap();
        feed.next().await.unwrap();
        feed.next().await.unwrap();
        assert!(matches!(feed.next().await, Err(ApiError::Refused { status: StatusCode::FORBIDDEN, .. })));
        assert_eq!(
            queries(&server)[1..],
            ["c%2B0", "c%2B0", "c%2B2"].map(|after| format!("limit=100&wait=20&after={after}"))
        );
    }

    #[tokio::test]
    async fn a_feed_that_cannot_be_opened_fails_at_once() {
        let server = serve(Vec::new()).await;
        let project = Project::of_test(&server.url(""), ApiKeyKind::Test);
        server.stop().await;
        assert!(matches!(Feed::open(&project, Start::Now).await, Err(ApiError::Unreachable(_))));
    }
}

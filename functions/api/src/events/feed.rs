//! `GET /v1/projects/{pid}/feed`: every accepted event once, oldest first.
//!
//! The same code runs as a function of its own, `feed`, because a call can wait for events for seconds.

use std::time::Duration;

use aws::store::{FeedEnd, FeedRead, FeedSeen};
use axum::Json;
use axum::extract::State;
use domain::foundation::id::{EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::event::{Event, EventData, EventType, Sequence, SubmissionId};
use domain::webhooks::feed::{FeedCursor, FeedPosition};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::events::feed_cursor::FeedSelection;
use crate::http::api_error::ApiError;
use crate::http::bad_query::BadQuery;
use crate::http::body::CheckedQuery;
use crate::http::caller::{Caller, scope};
use crate::http::deadline::WaitDeadline;
use crate::http::paging;

/// Number of calls that a call of the feed counts as.
const READ_WEIGHT: u32 = 2;

/// Number of calls that a call counts as if it may wait. Each one occupies an instance of the function.
const WAIT_WEIGHT: u32 = 10;

/// Maximum `wait` in seconds. API Gateway waits 30 seconds for a response.
const MAX_WAIT_SECONDS: u16 = 20;

/// How long a call reads on if it has found no event yet, such as in days without events.
const MAX_READING: Duration = Duration::from_secs(5);

/// The value of `after` for the position behind all events.
const LATEST: &str = "latest";

/// An event of the feed: the members of the webhook's standard body.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = FeedEvent))]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedEventView {
    /// Type of the event.
    #[serde(rename = "type")]
    event_type: EventType,
    /// When the event happened, as its publisher states it.
    timestamp: Timestamp,
    /// Id of the event. It is the `webhook-id` of the event's webhooks.
    id: EventId,
    /// Id of the project.
    project_id: ProjectId,
    /// Submission that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    /// Number of the event within its submission: 1, 2, 3 … in the order of acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<Sequence>,
    /// Data of the event, as it was published.
    #[cfg_attr(test, schema(value_type = Object))]
    data: EventData,
}

impl From<Event> for FeedEventView {
    fn from(event: Event) -> Self {
        let Event { id, project_id, event_type, submission_id, sequence, occurred_at, data } = event;
        Self { event_type, timestamp: occurred_at, id, project_id, submission_id, sequence, data }
    }
}

/// A page of the feed.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = FeedPage))]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedPageView {
    /// The events, oldest first. Empty if there is none yet.
    items: Vec<FeedEventView>,
    /// Cursor of the position behind these events. It is always present, and valid for as long as events are kept.
    cursor: String,
    /// Whether the next call may find events at once. `false`: no more events can be returned now. In projects with more than two events a
    /// second, the newest ones follow up to 150 seconds later.
    has_more: bool,
}

/// Position and filter of the feed.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FeedQuery {
    /// The `cursor` of an earlier page, or `latest` for the events that are accepted from now on. Leave it out to begin with the oldest
    /// event that is kept. A cursor is valid only with the `type` and `submissionId` that it was returned for.
    after: Option<String>,
    /// Maximum number of events on the page. A page with much data has fewer.
    #[cfg_attr(test, param(minimum = 1, maximum = 100, default = 20))]
    limit: Option<u16>,
    /// Maximum number of seconds to wait if there is no event yet.
    #[cfg_attr(test, param(minimum = 0, maximum = 20, default = 0))]
    wait: Option<u16>,
    /// Only events of this type.
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    /// Only events about this submission, in the order of their `sequence`.
    submission_id: Option<SubmissionId>,
}

impl FeedQuery {
    fn wait(&self) -> Result<Duration, BadQuery> {
        let seconds = self.wait.unwrap_or(0);
        if seconds <= MAX_WAIT_SECONDS { Ok(Duration::from_secs(seconds.into())) } else { Err(BadQuery::Wait) }
    }
}

/// Events that were read, and the position behind them.
struct ReadEvents {
    events: Vec<Event>,
    cursor: FeedCursor,
    next: Next,
}

/// When more events can follow.
enum Next {
    AtOnce,
    /// When the position can list another event.
    At(Timestamp),
    /// When there are rows that were not seen.
    Unseen(FeedSeen),
    /// When the submission has a number above this one.
    Above(u64),
}

/// Reads the feed: every accepted event of the project, oldest first, with its data. No event is left out, and none is returned twice if
/// each call continues after the cursor of the one before. Events whose data was erased are left out.
///
/// Events that were accepted late come when they are accepted, after newer ones. In a project with more than two events a second, the
/// newest events can come up to 150 seconds later. With `wait`, the call returns as soon as there is an event. It counts as 10 calls
/// of the rate limit then, otherwise as 2.
#[cfg_attr(test, utoipa::path(
    get, path = "/v1/projects/{pid}/feed", operation_id = "readFeed", tag = "Events",
    params(FeedQuery), security(("x-api-key" = ["events:read"])),
    responses((status = 200, description = "A page of the feed.", body = FeedPageView)),
))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::EventsRead>,
    deadline: WaitDeadline,
    CheckedQuery(query): CheckedQuery<FeedQuery>,
) -> Result<Json<FeedPageView>, ApiError> {
    let (started, wait, limit) = (app.clock.now(), query.wait()?, usize::from(paging::limit(query.limit)?));
    let FeedQuery { after, event_type, submission_id, .. } = query;
    let selection = FeedSelection { project: caller.project_id, event_type, submission_id };
    let cursor = start(&app, &selection, after.as_deref()).await?;
    app.existing_project(caller.project_id).await?;
    caller.charge(&app, if wait.is_zero() { READ_WEIGHT } else { WAIT_WEIGHT }).await;
    let read = read_or_wait(
        &app,
        &caller,
        &selection,
        cursor,
        limit,
        [wait, MAX_READING].map(|time| deadline.limit(started.plus(time))),
    )
    .await?;
    Ok(Json(FeedPageView {
        items: read.events.into_iter().map(FeedEventView::from).collect(),
        cursor: selection.seal(&app, &read.cursor).await?,
        has_more: matches!(read.next, Next::AtOnce),
    }))
}

/// Returns the position at which a call begins.
async fn start(app: &App, selection: &FeedSelection, after: Option<&str>) -> Result<FeedCursor, ApiError> {
    let (events, now) = (&app.store.events, app.clock.now());
    Ok(match (after, &selection.submission_id) {
        (Some(LATEST), Some(submission)) => {
            FeedCursor::Submission(events.last_number(selection.project, submission).await?)
        }
        (Some(LATEST), None) => FeedCursor::Project(events.end_of_feed(selection.project, now).await?),
        (Some(cursor), _) => selection.open(app, cursor).await?,
        (None, Some(_)) => FeedCursor::Submission(0),
        // The store begins with the oldest event that it keeps.
        (None, None) => FeedCursor::Project(FeedPosition::before(selection.project.created_at())),
    })
}

/// Reads events, and waits for one until `wait_until` after all were read. Reads on until `read_until` while it finds none.
async fn read_or_wait(
    app: &App,
    caller: &Caller<scope::EventsRead>,
    selection: &FeedSelection,
    mut cursor: FeedCursor,
    limit: usize,
    [wait_until, read_until]: [Timestamp; 2],
) -> Result<ReadEvents, ApiError> {
    loop {
        let read = read_once(app, selection, cursor, limit).await?;
        let (has_events, now) = (!read.events.is_empty(), app.clock.now());
        let goes_on = match &read.next {
            Next::AtOnce => now < read_until,
            next if now < wait_until && !has_events => {
                let has_news =
                    timeout(wait_until.since(now), wait_for(app, selection, next)).await.unwrap_or(Ok(false))?;
                // The key may have been revoked meanwhile.
                caller.check_again(app).await?;
                has_news
            }
            Next::At(_) | Next::Unseen(_) | Next::Above(_) => false,
        };
        if has_events || !goes_on {
            return Ok(read);
        }
        cursor = read.cursor;
    }
}

async fn read_once(
    app: &App,
    selection: &FeedSelection,
    cursor: FeedCursor,
    limit: usize,
) -> Result<ReadEvents, ApiError> {
    let (store, project, event_type) = (&app.store.events, selection.project, selection.event_type);
    match (cursor, &selection.submission_id) {
        (FeedCursor::Submission(after), Some(submission)) => {
            let page = store.submission_feed(project, submission, event_type, after, limit).await?;
            let next = if page.has_more { Next::AtOnce } else { Next::Above(page.after) };
            Ok(ReadEvents { events: page.events, cursor: FeedCursor::Submission(page.after), next })
        }
        (FeedCursor::Project(position), None) => {
            let FeedRead { events, position, end, seen } =
                store.feed(project, event_type, position, limit, app.clock.now()).await?;
            let next = match (end, position.full_until()) {
                (FeedEnd::More, _) => Next::AtOnce,
                (FeedEnd::PositionFull, Some(at)) => Next::At(at),
                (FeedEnd::PositionFull | FeedEnd::CaughtUp, _) => Next::Unseen(seen),
            };
            Ok(ReadEvents { events, cursor: FeedCursor::Project(position), next })
        }
        (FeedCursor::Submission(_), None) | (FeedCursor::Project(_), Some(_)) => Err(BadQuery::After.into()),
    }
}

/// Waits until there can be more events.
async fn wait_for(app: &App, selection: &FeedSelection, next: &Next) -> Result<bool, ApiError> {
    loop {
        sleep(app.feed_poll_interval).await;
        let (store, now) = (&app.store.events, app.clock.now());
        let can_follow = match next {
            Next::AtOnce => true,
            Next::At(at) => now >= *at,
            Next::Unseen(seen) => store.has_news(selection.project, selection.event_type, seen, now).await?,
            Next::Above(number) => match &selection.submission_id {
                Some(submission) => store.last_number(selection.project, submission).await? > *number,
                None => false,
            },
        };
        if can_follow {
            return Ok(true);
        }
    }
}

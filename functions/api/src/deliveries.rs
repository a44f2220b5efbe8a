//! `/v1/projects/{pid}/deliveries`: what became of every event.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::aws::store::DayPage;
use shared::delivery::{Attempt, Delivery, DeliveryState, HoldReason};
use shared::event::{EventType, SubmissionId};
use shared::id::{DeliveryId, EndpointId, EventId, ProjectId};
use shared::time::{Timestamp, UtcDay};

use crate::App;
use crate::body::{CheckedQuery, LastId};
use crate::caller::{Caller, scope};
use crate::paging::{self, List};
use crate::problem::ApiError;
use crate::projects;

/// How many pages of events one request looks through for deliveries that fit its filter. When they are used up, the
/// answer may have fewer items than asked for, but a cursor to go on with.
const PAGES_A_REQUEST: usize = 60;

/// How many events are looked at in one page.
const EVENTS_A_PAGE: u16 = 50;

/// A delivery as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    event_id: EventId,
    endpoint_id: EndpointId,
    #[serde(rename = "type")]
    event_type: EventType,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<SubmissionId>,
    state: DeliveryState,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<HoldReason>,
    attempts: Vec<Attempt>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.id.event,
            endpoint_id: delivery.id.endpoint,
            event_type: delivery.event_type,
            submission_id: delivery.submission_id,
            state: delivery.state,
            next_attempt_at: delivery.next_attempt_at,
            held_because: delivery.held_because,
            attempts: delivery.attempts,
        }
    }
}

/// Which deliveries are asked for. Times are those of their events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    event: Option<EventId>,
    state: Option<DeliveryState>,
    endpoint: Option<EndpointId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<u16>,
    cursor: Option<String>,
}

/// Where a list of deliveries goes on: after this delivery, or with the newest of this day.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Position {
    #[serde(rename = "after")]
    After(DeliveryId),
    #[serde(rename = "before")]
    Before(EventId),
    #[serde(rename = "day")]
    Day(UtcDay),
}

/// Lists deliveries, newest event first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    CheckedQuery(filter): CheckedQuery<Filter>,
) -> Result<Json<List<DeliveryView>>, ApiError> {
    projects::existing(&app, caller.project_id).await?;
    let limit = usize::from(paging::limit(filter.limit)?);
    if let Some(event) = filter.event {
        let deliveries = app.activity.deliveries_of(caller.project_id, event).await?.unwrap_or_default();
        let fitting = deliveries.into_iter().filter(|delivery| filter.fits(delivery));
        return Ok(Json(List::whole(fitting.map(DeliveryView::from).collect())));
    }
    let (deliveries, position) = find(&app, caller.project_id, &filter, limit).await?;
    Ok(Json(List {
        items: deliveries.into_iter().map(DeliveryView::from).collect(),
        cursor: position.map(|position| paging::write_cursor(&position)),
    }))
}

/// Reads one delivery, with all its attempts.
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<scope::DeliveriesRead>,
    LastId(id): LastId<DeliveryId>,
) -> Result<Json<DeliveryView>, ApiError> {
    let deliveries = app.activity.deliveries_of(caller.project_id, id.event).await?.unwrap_or_default();
    let found = deliveries.into_iter().find(|delivery| delivery.id == id);
    Ok(Json(found.ok_or(ApiError::NotFound("delivery"))?.into()))
}

impl Filter {
    fn fits(&self, delivery: &Delivery) -> bool {
        let made_at = delivery.id.event.made_at();
        self.state.is_none_or(|state| state == delivery.state)
            && self.endpoint.is_none_or(|endpoint| endpoint == delivery.id.endpoint)
            && self.from.is_none_or(|from| from <= made_at)
            && self.to.is_none_or(|to| made_at <= to)
    }

    /// Where to begin: where the page before ended, or with the last day that is asked for.
    fn start(&self, now: Timestamp) -> Result<Position, ApiError> {
        let newest = self.to.map_or(now, |to| to.min(now)).day();
        self.cursor.as_deref().map_or(Ok(Position::Day(newest)), paging::read_cursor)
    }
}

/// At most `limit` deliveries that fit, and where to go on, if there may be more.
async fn find(
    app: &App,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Delivery>, Option<Position>), ApiError> {
    let now = app.clock.now();
    let oldest_kept = app.config.retention.oldest_kept(now);
    let oldest_day = filter.from.map_or(oldest_kept, |from| from.max(oldest_kept)).day();
    let mut position = filter.start(now)?;
    let mut found = Vec::new();
    for _ in 0..PAGES_A_REQUEST {
        let (day, page) = read_page(app, project, position).await?;
        for delivery in page.deliveries.into_iter().filter(|delivery| filter.fits(delivery)) {
            found.push(delivery);
            if found.len() == limit {
                let last = found.last().map(|delivery| Position::After(delivery.id));
                return Ok((found, last));
            }
        }
        position = match page.next_before {
            Some(event) => Position::Before(event),
            None if day <= oldest_day => return Ok((found, None)),
            None => Position::Day(day.previous()),
        };
    }
    Ok((found, Some(position)))
}

/// The deliveries that come next at `position`, and the day they are of.
async fn read_page(app: &App, project: ProjectId, position: Position) -> Result<(UtcDay, DayPage), ApiError> {
    let (day, before) = match position {
        Position::After(last) => {
            let deliveries = app.activity.deliveries_of(project, last.event).await?.unwrap_or_default();
            let rest = deliveries.into_iter().skip_while(|delivery| delivery.id != last).skip(1).collect();
            return Ok((last.event.day(), DayPage { deliveries: rest, next_before: Some(last.event) }));
        }
        Position::Before(event) => (event.day(), Some(event)),
        Position::Day(day) => (day, None),
    };
    Ok((day, app.activity.deliveries_on(project, day, before, EVENTS_A_PAGE).await?))
}

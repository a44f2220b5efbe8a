//! One event: what happened, its data, and the deliveries to each endpoint.

use askama::Template;
use axum::routing::get;
use domain::foundation::id::{DeliveryId, EndpointId, EventId};
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::webhooks::delivery::DeliveryState;
use domain::webhooks::event::{EventData, EventType, Sequence};
use serde::Deserialize;

use crate::app::Routes;
use crate::http::api_client::List;
use crate::http::pairs::Pairs;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::endpoint_names::EndpointNames;
use crate::layout::nav::Area;
use crate::layout::shell::Shell;
use crate::layout::{delivery_words, event_types};
use crate::pages::events::pretty::Pretty;
use crate::pages::events::words::Words;

mod pretty;
mod words;

/// The area that these pages belong to. Events are reached from their deliveries.
const AREA: Area = Area::Deliveries;

/// The path of the list of deliveries.
const DELIVERIES: &str = AREA.path();

/// Maximum length of the data on the page, in bytes.
const MAX_DATA_BYTES: usize = 64 * 1024;

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default().route("/events/{id}", get(show))
}

/// An event, as the api returns it to those who may read its data.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "type")]
    kind: EventType,
    #[serde(default)]
    submission_id: Option<String>,
    #[serde(default)]
    sequence: Option<Sequence>,
    occurred_at: Timestamp,
    #[serde(default)]
    erased_at: Option<Timestamp>,
    #[serde(default)]
    data: Option<EventData>,
}

/// A delivery of an event, as far as the page shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    id: DeliveryId,
    endpoint_id: EndpointId,
    #[serde(rename = "type")]
    event_type: EventType,
    #[serde(default)]
    submission_id: Option<String>,
    state: DeliveryState,
}

impl Delivery {
    fn path(&self) -> String {
        format!("{DELIVERIES}/{}", self.id)
    }

    const fn tone(&self) -> &'static str {
        delivery_words::tone(self.state)
    }
}

#[derive(Template)]
#[template(path = "events/event.html")]
struct EventPage {
    shell: Shell,
    words: &'static Words,
    states: &'static delivery_words::Words,
    id: EventId,
    meaning: &'static str,
    submission_id: Option<String>,
    /// Absent if the role may not read it.
    event: Option<Event>,
    /// The data, laid out for people. Absent if it was erased.
    data: Option<Pretty>,
    deliveries: Vec<Delivery>,
    endpoints: EndpointNames,
}

impl EventPage {
    fn endpoint(&self, id: &EndpointId) -> &str {
        self.endpoints.get(*id).map_or(self.shell.words.deleted_endpoint, |endpoint| endpoint.name())
    }

    fn sequence(&self) -> Option<Sequence> {
        self.event.as_ref()?.sequence
    }

    fn accepted_at(&self) -> Timestamp {
        self.id.created_at()
    }

    /// The list of the submission's deliveries.
    fn submission_path(&self) -> String {
        Pairs::default().and("submissionId", self.submission_id.as_deref().unwrap_or_default()).href(DELIVERIES)
    }
}

/// Shows an event.
async fn show(visitor: Visitor, Id(id): Id<EventId>) -> PageResult {
    let (event, deliveries, endpoints) =
        tokio::try_join!(read(&visitor, id), read_deliveries(&visitor, id), EndpointNames::read(&visitor))?;
    let known = event.as_ref().map(|event| (event.kind, event.submission_id.clone()));
    let from_delivery = || deliveries.first().map(|delivery| (delivery.event_type, delivery.submission_id.clone()));
    // Roles that may not read events know an event only by its deliveries.
    let (event_type, submission_id) = known.or_else(from_delivery).ok_or(Problem::NoSuchPage)?;
    let data = event.as_ref().and_then(|event| event.data.as_ref());
    page(&EventPage {
        shell: Shell::new(&visitor, AREA, event_type.as_str()),
        words: Words::of(visitor.language()),
        states: delivery_words::Words::of(visitor.language()),
        id,
        meaning: event_types::Words::of(visitor.language()).meaning(event_type),
        submission_id,
        data: data.map(|data| Pretty::of(data.get(), MAX_DATA_BYTES)),
        event,
        deliveries,
        endpoints,
    })
}

async fn read(visitor: &Visitor, id: EventId) -> Result<Option<Event>, Problem> {
    if !visitor.may(Scope::EventsRead) {
        return Ok(None);
    }
    visitor.api().get(&format!("/events/{id}")).await?.json()
}

async fn read_deliveries(visitor: &Visitor, id: EventId) -> Result<Vec<Delivery>, Problem> {
    let list: List<Delivery> = visitor.api().get("/deliveries").query("event", id).await?.json()?;
    Ok(list.items)
}

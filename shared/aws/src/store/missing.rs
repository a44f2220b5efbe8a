//! Deliveries of earlier events to an endpoint that has none of them.
//!
//! The row of an event names its endpoints. A missing delivery is added in one transaction with the endpoint, so that lists,
//! reports and erasures find it like the others. It has a row from the start: the sweep repairs a lost first message, which the
//! reconciliation does only for recent events.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, Select, TransactWriteItem};

use super::deliveries::DeliveryStore;
use super::error::StoreError;
use super::events::{EventHeading, EventStore, headings};
use super::keys;
use super::outcome::WriteOutcome;
use super::replays::counting;
use super::search::MAX_PAGES;
use super::search_recorded::Count;
use super::table::{self, ABSENT, count, text, unavailable};
use super::transaction::{Transacted, change};
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::replay::{EventPosition, MissingEvents, Progress};
use tracing::warn;

/// Maximum number of deliveries of an event. Project limits keep the number at ten when the event is published. Later replays
/// to new endpoints add more. A page of a list must have room for all of them: 1 MB for rows of at most 27 KB.
const MAX_DELIVERIES: u64 = 30;

/// Number of events read per page.
const PAGE_SIZE: i32 = 500;

/// Events without a delivery to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMissing {
    /// The events, oldest first.
    pub events: Vec<EventHeading>,
    /// Where to continue, if there may be more.
    pub next: Option<EventPosition>,
}

impl EventStore {
    /// Returns at most `limit` events that `missing` describes, from `position` on, with their numbers. Leaves out erased events. Stops
    /// before an event that is still being accepted at `now`.
    pub async fn find_missing(
        &self,
        project: ProjectId,
        missing: &MissingEvents,
        position: EventPosition,
        limit: usize,
        now: Timestamp,
    ) -> Result<FoundMissing, StoreError> {
        let mut found = self.find_unnumbered(project, missing, position, limit).await?;
        self.add_numbers(project, &mut found.events).await?;
        if let Some(index) = found.events.iter().position(|event| !event.is_accepted(now)) {
            found.events.truncate(index);
            found.next = Some(found.events.last().map_or(position, |last| EventPosition::After(last.id)));
        }
        Ok(found)
    }

    async fn find_unnumbered(
        &self,
        project: ProjectId,
        missing: &MissingEvents,
        mut position: EventPosition,
        limit: usize,
    ) -> Result<FoundMissing, StoreError> {
        let mut events: Vec<EventHeading> = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(query) = self.missing(project, missing, position) else {
                return Ok(FoundMissing { events, next: None });
            };
            let answer = headings(query).limit(PAGE_SIZE).send().await.map_err(unavailable)?;
            for item in answer.items.unwrap_or_default() {
                let event: EventHeading = table::read(item)?;
                position = EventPosition::After(event.id);
                events.push(event);
                if events.len() == limit {
                    return Ok(FoundMissing { events, next: Some(position) });
                }
            }
            let last = answer.last_evaluated_key.as_ref().and_then(|key| keys::event_in(&table::string(key, "sk")));
            match position.next(last, missing.to) {
                Some(next) => position = next,
                None => return Ok(FoundMissing { events, next: None }),
            }
        }
        Ok(FoundMissing { events, next: Some(position) })
    }

    /// Counts the events that `missing` describes: exactly, if `has_time` stays true until all are counted.
    pub async fn count_missing(
        &self,
        project: ProjectId,
        missing: &MissingEvents,
        has_time: impl Fn() -> bool,
    ) -> Result<Count, StoreError> {
        let (mut total, mut position) = (0, Some(EventPosition::From(missing.from)));
        while let Some(at) = position {
            if !has_time() {
                return Ok(Count::AtLeast(total));
            }
            let Some(query) = self.missing(project, missing, at) else { break };
            let answer = query.select(Select::Count).send().await.map_err(unavailable)?;
            total += u64::try_from(answer.count).unwrap_or_default();
            let last = answer.last_evaluated_key.as_ref().and_then(|key| keys::event_in(&table::string(key, "sk")));
            position = at.next(last, missing.to);
        }
        Ok(Count::Exactly(total))
    }

    /// Builds a query for the missing events of the day at `position`, oldest first. `None` if there can be none there or later.
    fn missing(
        &self,
        project: ProjectId,
        missing: &MissingEvents,
        position: EventPosition,
    ) -> Option<QueryFluentBuilder> {
        let (first, last) = keys::events_between(position, missing.to)?;
        let mut conditions = vec![ADDABLE.to_owned()];
        let mut query = self
            .table
            .between(&keys::day(project, position.day()), &first, &last)
            .expression_attribute_values(":endpoint", text(missing.endpoint_id.to_string()))
            .expression_attribute_values(":max", count(MAX_DELIVERIES));
        if let Some(types) = &missing.event_types {
            if types.is_empty() {
                return None;
            }
            let names: Vec<String> = (0..types.len()).map(|index| format!(":type{index}")).collect();
            for (name, event_type) in names.iter().zip(types) {
                query = query.expression_attribute_values(name, text(event_type.as_str()));
            }
            conditions.push(format!("#type IN ({})", names.join(", ")));
            query = query.expression_attribute_names("#type", "type");
        }
        Some(query.filter_expression(conditions.join(" AND ")))
    }

    /// Adds a delivery to its event. The sweep checks it at `sweep_at`. [`WriteOutcome::Conflict`] if the event has expired, was
    /// erased, or already has this delivery.
    pub async fn add_delivery(&self, delivery: &Delivery, sweep_at: Timestamp) -> Result<WriteOutcome, StoreError> {
        let endpoint = text(delivery.id.endpoint.to_string());
        let (pk, sk) = keys::event_row(delivery.project_id, delivery.id.event);
        let naming = self
            .table
            .updating_with(&pk, &sk)
            .update_expression("SET endpoints = list_append(endpoints, :added)")
            .condition_expression(format!("attribute_exists(pk) AND {ADDABLE}"))
            .expression_attribute_values(":added", AttributeValue::L(vec![endpoint.clone()]))
            .expression_attribute_values(":endpoint", endpoint)
            .expression_attribute_values(":max", count(MAX_DELIVERIES));
        let row = self.deliveries.row(delivery, Some(sweep_at), None);
        let put = Put::builder()
            .table_name(self.table.name())
            .set_item(Some(serde_dynamo::to_item(row).map_err(StoreError::Row)?))
            .condition_expression(ABSENT)
            .build()
            .expect("table and item are set");
        let parts = vec![change(naming), TransactWriteItem::builder().put(put).build()];
        Ok(match self.table.transact(parts).await? {
            Transacted::Written => WriteOutcome::Applied,
            Transacted::Refused { .. } => WriteOutcome::Conflict,
        })
    }
}

/// The condition under which an event can get a delivery to `:endpoint`.
const ADDABLE: &str =
    "attribute_not_exists(erasedAt) AND NOT contains(endpoints, :endpoint) AND size(endpoints) < :max";

impl DeliveryStore {
    /// Counts the first result of a delivery that a replay added in the progress of the replay. A failure is logged: the replay
    /// then ends later.
    pub(super) async fn count_added(&self, delivery: &Delivery) {
        let (Some(replay), Some(progress)) = (delivery.added_by, Progress::of_added(delivery)) else { return };
        let counted = self.table.transact(vec![counting(&self.table, delivery.project_id, replay, &progress)]).await;
        if let Err(error) = counted {
            let (id, cause) = (delivery.id, crate::lambda::telemetry::chain(&error));
            warn!(delivery.id = %id, cause, "the result of delivery {id} was not counted in the replay that added it");
        }
    }
}

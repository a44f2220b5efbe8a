//! Searches over the stored deliveries of a project. DynamoDB applies the filter, so a page covers many more deliveries than a
//! search over events does.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};

use super::deliveries::{DeliveryRow, DeliveryStore, STORED_EXPIRED};
use super::error::StoreError;
use super::events::EventStore;
use super::keys;
use super::search::Found;
use super::table::{self, text, unavailable};
use domain::foundation::id::ProjectId;
use domain::foundation::time::{Timestamp, UtcDay};
use domain::webhooks::delivery::{Delivery, DeliveryFilter, DeliveryState, Position};
use domain::webhooks::replay::ReplayFilter;

/// How many deliveries match a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Exactly this many.
    Exactly(u64),
    /// At least this many: there was no time to read all of them.
    AtLeast(u64),
}

impl DeliveryStore {
    /// Reads at most `limit` stored deliveries at `position` with one call, and returns those that match. A row that this version
    /// cannot read is left out.
    ///
    /// The last event of the page may have more deliveries on the next one. The next page begins with this event, so that the
    /// deliveries of an event are listed together. `limit` must exceed the deliveries of one event.
    pub(super) async fn recorded_page(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
        position: Position,
        oldest_day: UtcDay,
        limit: u16,
    ) -> Result<Found, StoreError> {
        let Some(query) = self.matching(project, filter, position) else {
            return Ok(Found { deliveries: Vec::new(), next: position.next(None, oldest_day) });
        };
        let query = query.scan_index_forward(false).limit(i32::from(limit));
        let answer = query.send().await.map_err(unavailable)?;
        let last_read = answer.last_evaluated_key.as_ref().and_then(|key| keys::delivery_in(&table::string(key, "sk")));
        let (rows, _unreadable) = table::read_each::<DeliveryRow>(answer.items.unwrap_or_default());
        let is_complete = |delivery: &Delivery| last_read.is_none_or(|last| delivery.id.event > last.event);
        let mut deliveries: Vec<Delivery> = rows.into_iter().map(DeliveryRow::into_delivery).collect();
        deliveries
            .retain(|delivery| is_complete(delivery) && position.reaches(delivery.id) && filter.matches(delivery));
        deliveries.sort_unstable_by_key(|delivery| (std::cmp::Reverse(delivery.id.event), delivery.id.endpoint));
        let next = match last_read {
            Some(last) => Some(Position::Before(last.event.following())),
            None => position.next(None, oldest_day),
        };
        Ok(Found { deliveries, next })
    }

    /// Builds a query for the stored deliveries of one day at `position` that match `filter`. `None` if there can be none.
    fn matching(&self, project: ProjectId, filter: &DeliveryFilter, position: Position) -> Option<QueryFluentBuilder> {
        let (first, last) = keys::delivery_range(filter.from, position)?;
        let mut query = self.table.between(&keys::day(project, position.day()), &first, &last);
        let mut conditions = Vec::new();
        if let Some(state) = filter.state {
            let (stored, condition) = match state {
                DeliveryState::Expired => (STORED_EXPIRED, "#state = :state AND isExpired = :true"),
                DeliveryState::Cancelled => (state, "#state = :state AND NOT isExpired = :true"),
                DeliveryState::Held => (state, "(#state = :state OR (#state = :waiting AND isHeldForOrder = :true))"),
                DeliveryState::Waiting => (state, "#state = :state AND NOT isHeldForOrder = :true"),
                _ => (state, "#state = :state"),
            };
            conditions.push(condition);
            if condition.contains(":true") {
                query = query.expression_attribute_values(":true", AttributeValue::Bool(true));
            }
            if condition.contains(":waiting") {
                query = query.expression_attribute_values(":waiting", text(DeliveryState::Waiting.as_str()));
            }
            query = query
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":state", text(stored.as_str()));
        }
        if let Some(event_type) = filter.event_type {
            conditions.push("#type = :type");
            query = query
                .expression_attribute_names("#type", "type")
                .expression_attribute_values(":type", text(event_type.as_str()));
        }
        if let Some(endpoint) = filter.endpoint {
            // The id of a delivery ends with that of its endpoint.
            conditions.push("contains(id, :endpoint)");
            query = query.expression_attribute_values(":endpoint", text(format!("_{endpoint}")));
        }
        Some(if conditions.is_empty() { query } else { query.filter_expression(conditions.join(" AND ")) })
    }
}

impl EventStore {
    /// Counts the deliveries that a replay would send: exactly, if `has_time` stays true until all are counted.
    pub async fn count_deliveries(
        &self,
        project: ProjectId,
        filter: &ReplayFilter,
        now: Timestamp,
        has_time: impl Fn() -> bool,
    ) -> Result<Count, StoreError> {
        let filter = DeliveryFilter::from(*filter);
        let oldest_day = self.oldest_day(filter.from, now);
        let mut position = Some(Position::first(filter.to, now));
        let mut count = 0;
        let mut start = None;
        while let Some(at) = position {
            if !has_time() {
                return Ok(Count::AtLeast(count));
            }
            if let Some(query) = self.deliveries.matching(project, &filter, at) {
                let query = query.select(Select::Count).set_exclusive_start_key(start.take());
                let answer = query.send().await.map_err(unavailable)?;
                count += u64::try_from(answer.count).unwrap_or_default();
                start = answer.last_evaluated_key;
            }
            if start.is_none() {
                position = at.next(None, oldest_day);
            }
        }
        Ok(Count::Exactly(count))
    }
}

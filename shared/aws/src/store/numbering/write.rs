//! Numbers events, and notes erasures.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::foundation::clock::Clock;
use domain::foundation::id::{EventId, LateEntryId, ProjectId};
use domain::foundation::random::Random;
use domain::foundation::time::Timestamp;
use domain::webhooks::event::{Sequence, SubmissionId};
use domain::webhooks::feed;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{LateEntryRow, NumberingRow, Submission, binary};
use crate::store::direct_writes::UpdateItem;
use crate::store::error::StoreError;
use crate::store::events::EventStore;
use crate::store::keys;
use crate::store::retention::Retention;
use crate::store::table::{Item, Row, count, number, text, unavailable};

/// Maximum number of tries to number events that other calls number at the same time.
const TRIES: usize = 10;

/// Maximum number of ids that one update appends. DynamoDB limits the operators of a condition to 300.
const MAX_APPENDED: usize = 50;

/// Maximum number of submissions that one call numbers concurrently.
const MAX_CONCURRENT: usize = 5;

/// The result of an attempt to append ids.
enum Appended {
    /// The row after it.
    Written(NumberingRow),
    /// Nothing was written: the list has one of the ids, or it was shortened. The row as it is.
    Refused(NumberingRow),
}

impl EventStore {
    /// Does what [`Self::number`] does for the events of each of several submissions.
    pub(in crate::store) async fn number_all<'a>(
        &self,
        project: ProjectId,
        groups: HashMap<&'a SubmissionId, Vec<EventId>>,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<HashMap<&'a SubmissionId, Submission>, StoreError> {
        let numbering = groups.into_iter().map(|(submission, ids)| async move {
            Ok::<_, StoreError>((submission, self.number(project, submission, &ids, clock, random).await?))
        });
        stream::iter(numbering.collect::<Vec<_>>()).buffer_unordered(MAX_CONCURRENT).try_collect().await
    }

    /// Numbers stored events of a submission, in the order given. An event that has a number keeps it. Returns the submission with
    /// these events.
    pub(in crate::store) async fn number(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        ids: &[EventId],
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Submission, StoreError> {
        let pk = keys::submission(project, submission);
        // The number of an event that was accepted long ago may be in an archive row.
        let is_old = ids.iter().any(|id| feed::is_settled(id.created_at(), clock.now()));
        let mut known = if is_old { self.submission(project, submission).await? } else { Submission::default() };
        for _ in 0..TRIES {
            let numbered: HashSet<EventId> = known.events.iter().map(|(id, _)| *id).collect();
            let missing = ids.iter().filter(|id| !numbered.contains(id)).copied().take(MAX_APPENDED);
            let missing: Vec<EventId> = missing.collect();
            if missing.is_empty() {
                return Ok(known);
            }
            let now = clock.now();
            let late = self.write_late_entries(project, &missing, now, random).await?;
            known = match self.append(&pk, &missing, &late, is_old.then_some(known.archived_count), now).await? {
                Appended::Written(row) => {
                    self.shorten(&pk, &row, now).await;
                    row.into_latest()
                }
                Appended::Refused(row) => row.into_latest(),
            };
            if is_old {
                known = self.submission(project, submission).await?;
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Writes an entry of the lane `late` for each of `ids` that is late at `now`. An entry counts only if the write that accepts the
    /// event names it.
    pub(in crate::store) async fn write_late_entries(
        &self,
        project: ProjectId,
        ids: &[EventId],
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Vec<(EventId, LateEntryId)>, StoreError> {
        let late = ids.iter().filter(|id| feed::is_late(**id, now));
        let entries: Vec<_> = late.map(|id| (*id, LateEntryId::new(now, random))).collect();
        for (event_id, entry) in &entries {
            let (pk, sk) = keys::late_entry_row(project, *entry);
            let content = LateEntryRow { event_id: *event_id, expires_at: self.retention.expiry_of(now) };
            self.table.put(&Row { pk, sk, content }).await?;
        }
        Ok(entries)
    }

    /// Appends ids to the list, unless it has one of them or it was shortened.
    async fn append(
        &self,
        pk: &str,
        ids: &[EventId],
        late: &[(EventId, LateEntryId)],
        expected_count: Option<u64>,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        let values = ids.iter().map(|id| binary(id.as_bytes()));
        let mut expression = "SET ids = list_append(if_not_exists(ids, :none), :ids), expiresAt = :expiry".to_owned();
        let mut attributes = Item::from([
            (":none".to_owned(), AttributeValue::L(Vec::new())),
            (":ids".to_owned(), AttributeValue::L(values.clone().collect())),
            (":expiry".to_owned(), number(Retention::expiry_of_numbers(now))),
        ]);
        let mut conditions: Vec<String> =
            (0..ids.len()).map(|index| format!("NOT contains(ids, :id{index})")).collect();
        attributes.extend((0..).zip(values).map(|(index, id): (usize, _)| (format!(":id{index}"), id)));
        if !late.is_empty() {
            expression.push_str(", late = list_append(if_not_exists(late, :none), :late)");
            let pair = |(id, entry): &(EventId, LateEntryId)| binary(&[*id.as_bytes(), *entry.as_bytes()].concat());
            attributes.insert(":late".to_owned(), AttributeValue::L(late.iter().map(pair).collect()));
        }
        match expected_count {
            Some(0) => conditions.push("attribute_not_exists(archivedCount)".to_owned()),
            Some(archived_count) => {
                conditions.push("archivedCount = :count".to_owned());
                attributes.insert(":count".to_owned(), count(archived_count));
            }
            None => {}
        }
        self.update_numbers(pk, &expression, &conditions.join(" AND "), attributes).await
    }

    /// Runs an update of a submission's row. Costs less processor time than other writes: see [`crate::direct`]. A repetition finds
    /// the ids in the list.
    async fn update_numbers(
        &self,
        pk: &str,
        expression: &str,
        condition: &str,
        attributes: Item,
    ) -> Result<Appended, StoreError> {
        let key = Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(keys::NUMBERING))]);
        let update = UpdateItem::new(self.table.name(), &key, expression, condition, &attributes);
        if let Some(row) = self.table.update_directly(&update).await {
            return Ok(Appended::Written(NumberingRow::read(&row)));
        }
        let call = self.table.updating(pk, keys::NUMBERING).update_expression(expression);
        let call = call.condition_expression(condition).set_expression_attribute_values(Some(attributes));
        let call = call.return_values(ReturnValue::AllNew);
        let call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(answer) => Ok(Appended::Written(NumberingRow::read(&answer.attributes.unwrap_or_default()))),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    Ok(Appended::Refused(NumberingRow::read(&failure.item().cloned().unwrap_or_default())))
                }
                _ => Err(unavailable(error)),
            },
        }
    }

    /// Notes that a submission is erased from `now` on. Events that were accepted earlier and get their number later are erased then,
    /// also the first one of the submission.
    pub(in crate::store) async fn note_erasure(&self, pk: &str, now: Timestamp) -> Result<(), StoreError> {
        let call = self
            .table
            .updating(pk, keys::NUMBERING)
            .update_expression("SET erasedAt = :now, expiresAt = :expiry")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":expiry", number(Retention::expiry_of_numbers(now)));
        self.table.update_if(call).await.map(drop)
    }

    /// Notes that the events up to number `through` are completely erased.
    pub(in crate::store) async fn note_erased(&self, pk: &str, through: Sequence) -> Result<(), StoreError> {
        let call = self
            .table
            .updating(pk, keys::NUMBERING)
            .update_expression("SET erasedThrough = :through")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(erasedThrough) OR erasedThrough < :through)",
            )
            .expression_attribute_values(":through", count(through.get()));
        self.table.update_if(call).await.map(drop)
    }
}

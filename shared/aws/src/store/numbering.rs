//! Rows of submissions, which number their events (`docs/decisions/sequence-numbers.md`).
//!
//! The row lists the ids of the events in the order of their numbers. Its oldest ids are moved into archive rows, [`ARCHIVED`] in
//! each, so that the row stays small. `archivedCount` is the number of events in archive rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::foundation::clock::Clock;
use domain::foundation::id::{EventId, LateEntryId, ProjectId};
use domain::foundation::random::Random;
use domain::foundation::time::Timestamp;
use domain::webhooks::event::{Sequence, SubmissionId};
use domain::webhooks::feed;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::batch_get::{Consistency, MAX_KEYS};
use super::direct_writes::UpdateItem;
use super::error::StoreError;
use super::events::EventStore;
use super::keys;
use super::retention::Retention;
use super::table::{self, Item, Row, count, number, text, unavailable};
use crate::lambda::telemetry;

/// Length of a list at which its oldest ids are moved: the row then has about one KiB, which is one write unit.
const LONG: usize = 2 * ARCHIVED;

/// Number of ids in an archive row.
const ARCHIVED: usize = 16;

/// Maximum number of tries to number events that other calls number at the same time.
const TRIES: usize = 10;

/// Maximum number of ids that one update appends. DynamoDB limits the operators of a condition to 300.
const MAX_APPENDED: usize = 50;

/// Age of an event whose id may be moved: twice the age at which a process looks for an event's number in archive rows, so that the
/// clocks of both may differ.
const ARCHIVED_AFTER: Duration = Duration::from_secs(2 * feed::SETTLED_AFTER.as_secs());

/// Maximum number of submissions that one call numbers concurrently.
const MAX_CONCURRENT: usize = 5;

/// The place of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// Its number within its submission.
    pub sequence: Sequence,
    /// Its entry in the lane `late` of the feed. `None`: it is in the lane `prompt`.
    pub late_entry: Option<LateEntryId>,
}

/// The events of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submission {
    /// The events in the order of their numbers, also those that are no longer kept.
    pub events: Vec<(EventId, Numbered)>,
    /// When the submission was erased most recently.
    pub(super) erased_at: Option<Timestamp>,
    /// Number of the last event that is completely erased; 0 if there is none.
    pub(super) erased_through: u64,
    /// Number of events in archive rows.
    archived_count: u64,
}

impl Submission {
    /// The events that are not completely erased.
    pub(super) fn left(&self) -> impl Iterator<Item = (EventId, Sequence)> {
        let is_left = |numbered: &Numbered| numbered.sequence.get() > self.erased_through;
        self.events.iter().filter(move |(_, numbered)| is_left(numbered)).map(|(id, place)| (*id, place.sequence))
    }

    /// Whether an event that gets its number now was accepted before the submission was erased.
    pub(super) fn was_erased_after(&self, id: EventId) -> bool {
        self.erased_at.is_some_and(|erased_at| id.created_at() <= erased_at)
    }

    /// The number of an event; `None` if it has none.
    pub(super) fn sequence_of(&self, id: EventId) -> Option<Sequence> {
        self.place_of(id).map(|place| place.sequence)
    }

    fn place_of(&self, id: EventId) -> Option<Numbered> {
        self.events.iter().rev().find(|(listed, _)| *listed == id).map(|(_, numbered)| *numbered)
    }
}

/// The row of a submission.
#[derive(Debug, Clone, Default)]
struct NumberingRow {
    archived_count: u64,
    ids: Vec<EventId>,
    late: HashMap<EventId, LateEntryId>,
    erased_at: Option<Timestamp>,
    erased_through: u64,
}

impl NumberingRow {
    fn read(item: &Item) -> Self {
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
        let late = binaries(item, "late").filter_map(|pair: [u8; 32]| {
            let (event, entry) = pair.split_at(16);
            Some((
                EventId::from_bytes(event.try_into().ok()?).ok()?,
                LateEntryId::from_bytes(entry.try_into().ok()?).ok()?,
            ))
        });
        Self {
            archived_count: number("archivedCount").unwrap_or(0),
            ids: ids_in(item),
            late: late.collect(),
            erased_at: table::string(item, "erasedAt").parse().ok(),
            erased_through: number("erasedThrough").unwrap_or(0),
        }
    }

    /// The submission as this row shows it, with ids of archive rows by the number of events before them.
    fn into_submission(self, archived: BTreeMap<u64, EventId>) -> Submission {
        let Self { archived_count, ids, late, erased_at, erased_through } = self;
        let place = |(number, id)| {
            let late_entry = late.get(&id).copied();
            (id, Numbered { sequence: Sequence::after(number), late_entry })
        };
        let events = archived.into_iter().chain((archived_count..).zip(ids)).map(place).collect();
        Submission { events, erased_at, erased_through, archived_count }
    }

    /// The submission as this row alone shows it.
    fn into_latest(self) -> Submission {
        self.into_submission(BTreeMap::new())
    }
}

/// Reads the list of ids of a row. All were written by this store.
fn ids_in(item: &Item) -> Vec<EventId> {
    binaries(item, "ids").filter_map(|bytes| EventId::from_bytes(bytes).ok()).collect()
}

fn binaries<const N: usize>(item: &Item, name: &str) -> impl Iterator<Item = [u8; N]> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_b().ok()?.as_ref().try_into().ok())
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// An entry of the lane `late` of the feed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LateEntryRow {
    pub(super) event_id: EventId,
    expires_at: i64,
}

/// The result of an attempt to append ids.
enum Appended {
    /// The row after it.
    Written(NumberingRow),
    /// Nothing was written: the list has one of the ids, or it was shortened. The row as it is.
    Refused(NumberingRow),
}

impl EventStore {
    /// Returns the events of a submission (strongly consistent).
    pub async fn submission(&self, project: ProjectId, submission: &SubmissionId) -> Result<Submission, StoreError> {
        let pk = keys::submission(project, submission);
        let row = self.table.get_item_now(&pk, keys::NUMBERING).await?;
        self.with_archived(&pk, row.as_ref().map(NumberingRow::read).unwrap_or_default(), None).await
    }

    /// Returns the places of events (strongly consistent). An event is absent if it has no number.
    pub async fn numbers_of(
        &self,
        project: ProjectId,
        wanted: &[(SubmissionId, EventId)],
    ) -> Result<HashMap<EventId, Numbered>, StoreError> {
        let by_row = wanted.iter().map(|(submission, id)| (keys::submission(project, submission), *id));
        let mut wanted: HashMap<String, Vec<EventId>> = HashMap::new();
        by_row.for_each(|(pk, id)| wanted.entry(pk).or_default().push(id));
        let row_keys: Vec<_> = wanted.keys().map(|pk| (pk.clone(), keys::NUMBERING.to_owned())).collect();
        let mut places = HashMap::new();
        for item in self.table.get_all(&row_keys, Consistency::Strong).await? {
            let (pk, row) = (table::string(&item, "pk"), NumberingRow::read(&item));
            let ids = wanted.remove(&pk).unwrap_or_default();
            let submission = self.with_archived(&pk, row, Some(&ids)).await?;
            places.extend(ids.into_iter().filter_map(|id| Some((id, submission.place_of(id)?))));
        }
        Ok(places)
    }

    /// Returns the number of the submission's last event; 0 if it has none (strongly consistent).
    pub async fn last_number(&self, project: ProjectId, submission: &SubmissionId) -> Result<u64, StoreError> {
        let row = self.table.get_item_now(&keys::submission(project, submission), keys::NUMBERING).await?;
        let row = row.as_ref().map(NumberingRow::read).unwrap_or_default();
        Ok(row.archived_count + row.ids.len() as u64)
    }

    /// Adds the ids in archive rows to those of a submission's row: all of them, or the newest ones that include all of `wanted`.
    async fn with_archived(
        &self,
        pk: &str,
        row: NumberingRow,
        wanted: Option<&[EventId]>,
    ) -> Result<Submission, StoreError> {
        let mut archived = BTreeMap::new();
        let mut missing: HashSet<EventId> = wanted.into_iter().flatten().copied().collect();
        missing.retain(|id| !row.ids.contains(id));
        let starts: Vec<u64> = (0..row.archived_count).step_by(ARCHIVED).collect();
        for chunk in starts.rchunks(MAX_KEYS) {
            if wanted.is_some() && missing.is_empty() {
                break;
            }
            let row_keys: Vec<_> = chunk.iter().map(|start| (pk.to_owned(), keys::archived_numbers(*start))).collect();
            for item in self.table.get_all(&row_keys, Consistency::Strong).await? {
                let Some(start) = keys::archived_count_in(&table::string(&item, "sk")) else { continue };
                for (number, id) in (start..).zip(ids_in(&item)) {
                    missing.remove(&id);
                    archived.insert(number, id);
                }
            }
        }
        Ok(row.into_submission(archived))
    }

    /// Does what [`Self::number`] does for the events of each of several submissions.
    pub(super) async fn number_all<'a>(
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
    pub(super) async fn number(
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
    pub(super) async fn write_late_entries(
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

    /// Moves the oldest ids of a long list into archive rows, so that the next update costs one write unit again. An archive row
    /// always gets the same ids, whoever writes it. A failure is logged: the next call tries again.
    async fn shorten(&self, pk: &str, row: &NumberingRow, now: Timestamp) {
        let mut left = row.ids.as_slice();
        let mut archived_count = row.archived_count;
        while let Some((oldest, rest)) = left.split_at_checked(ARCHIVED).filter(|_| left.len() >= LONG) {
            // A process that is still accepting an event must find its id in the list.
            if oldest.iter().any(|id| now.since(id.created_at()) <= ARCHIVED_AFTER) {
                return;
            }
            if let Err(error) = self.archive(pk, archived_count, oldest, now).await {
                warn!(cause = telemetry::chain(&error), "the list of a submission's events was not shortened");
                return;
            }
            (left, archived_count) = (rest, archived_count + ARCHIVED as u64);
        }
    }

    async fn archive(&self, pk: &str, archived_count: u64, ids: &[EventId], now: Timestamp) -> Result<(), StoreError> {
        let item = Item::from([
            ("pk".to_owned(), text(pk)),
            ("sk".to_owned(), text(keys::archived_numbers(archived_count))),
            ("ids".to_owned(), AttributeValue::L(ids.iter().map(|id| binary(id.as_bytes())).collect())),
            ("expiresAt".to_owned(), number(Retention::expiry_of_numbers(now))),
        ]);
        let put = self.table.client().put_item().table_name(self.table.name()).set_item(Some(item));
        put.send().await.map_err(unavailable)?;
        let removed: Vec<String> = (0..ids.len()).map(|index| format!("ids[{index}]")).collect();
        let call = self
            .table
            .updating(pk, keys::NUMBERING)
            .update_expression(format!("SET archivedCount = :next REMOVE {}", removed.join(", ")))
            .condition_expression(if archived_count == 0 {
                "attribute_not_exists(archivedCount)"
            } else {
                "archivedCount = :count"
            })
            .expression_attribute_values(":next", count(archived_count + ids.len() as u64));
        let call =
            if archived_count == 0 { call } else { call.expression_attribute_values(":count", count(archived_count)) };
        self.table.update_if(call).await.map(drop)
    }

    /// Notes that a submission is erased from `now` on. Events that were accepted earlier and get their number later are erased then,
    /// also the first one of the submission.
    pub(super) async fn note_erasure(&self, pk: &str, now: Timestamp) -> Result<(), StoreError> {
        let call = self
            .table
            .updating(pk, keys::NUMBERING)
            .update_expression("SET erasedAt = :now, expiresAt = :expiry")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":expiry", number(Retention::expiry_of_numbers(now)));
        self.table.update_if(call).await.map(drop)
    }

    /// Notes that the events up to number `through` are completely erased.
    pub(super) async fn note_erased(&self, pk: &str, through: Sequence) -> Result<(), StoreError> {
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

#[cfg(all(test, feature = "queue"))]
mod tests;

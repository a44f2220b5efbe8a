//! Replays by filter, and which of a project's runs. One that runs is in the index `due`, beside deliveries and endpoints.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::sweep::{DueReplay, SweepKeys};
use super::table::{self, ListOf, Row, Transacted, change, number, text};
use super::{Activity, Page, PageToken, StoreError, Written};
use crate::delivery::Position;
use crate::id::{ProjectId, ReplayId};
use crate::replay::{Progress, Replay, ReplayState};
use crate::time::Timestamp;

const PREFIX: &str = "replay#";

/// The sort key of the row that says which replay runs.
const RUNNING: &str = "running";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplayRow {
    #[serde(flatten)]
    replay: Replay,
    /// Counts the leases, so that only the latest moves the replay on.
    leases: u64,
    #[serde(flatten)]
    sweep: Option<SweepKeys>,
    expires_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunningRow {
    running_id: ReplayId,
    expires_at: i64,
}

/// A replay that one run of the sweep has to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedReplay {
    /// The replay.
    pub replay: Replay,
    lease: u64,
}

/// Whether a replay goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// It does.
    Now,
    /// Another one of the project runs.
    OtherRuns,
    /// It was not cancelled, or is not any more.
    NotCancelled,
}

fn partition(project: ProjectId) -> String {
    format!("{project}#replays")
}

fn sort_key(id: ReplayId) -> String {
    format!("{PREFIX}{id}")
}

impl Activity {
    /// Stores a new replay, to be carried on by the sweep from `now` on. [`Written::Before`] if another one of the project runs, or if
    /// this one was stored before: it is not begun anew.
    pub async fn start_replay(&self, replay: &Replay, now: Timestamp) -> Result<Written, StoreError> {
        let content = ReplayRow {
            replay: replay.clone(),
            leases: 0,
            sweep: Some(SweepKeys::new(replay.replay_id.as_bytes(), now)),
            expires_at: self.retention.expiry_of(replay.replay_id.made_at()),
        };
        let row = Row { pk: partition(replay.project_id), sk: sort_key(replay.replay_id), content };
        let item = serde_dynamo::to_item(&row).map_err(StoreError::Row)?;
        let put = Put::builder().table_name(self.table.name()).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build().expect("item is set");
        let parts = vec![self.taking_turn(replay)?, TransactWriteItem::builder().put(put).build()];
        Ok(match self.table.transact(parts).await? {
            Transacted::Written => Written::Now,
            Transacted::Refused { .. } => Written::Before,
        })
    }

    /// A replay as it is now, if the project has one with this id.
    pub async fn replay(&self, project: ProjectId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        let row: Option<ReplayRow> = self.table.get_now(&partition(project), &sort_key(id)).await?;
        Ok(row.map(|row| row.replay))
    }

    /// A project's replays, newest first, at most `limit` from `after` on.
    pub async fn replays(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
    ) -> Result<Page<Replay>, StoreError> {
        let query = self.table.beginning_with(&partition(project), PREFIX).scan_index_forward(false);
        let page: Page<ReplayRow> =
            table::page(query.limit(i32::from(limit)), ListOf::Partition(&partition(project)), after).await?;
        Ok(Page { items: page.items.into_iter().map(|row| row.replay).collect(), next: page.next })
    }

    /// Ends a running replay, as cancelled or done; another may run then. [`Written::Before`] if it does not run.
    pub async fn end_replay(&self, replay: &Replay, state: ReplayState) -> Result<Written, StoreError> {
        let ending = self
            .updating_replay(replay)
            .update_expression("SET #state = :state REMOVE dueShard, sweepAt")
            .condition_expression("#state = :running")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":running", text(ReplayState::Running.as_str()));
        let leaving_turn = Delete::builder()
            .table_name(self.table.name())
            .key("pk", text(partition(replay.project_id)))
            .key("sk", text(RUNNING))
            .build()
            .expect("table and key are set");
        let parts = vec![change(ending), TransactWriteItem::builder().delete(leaving_turn).build()];
        Ok(match self.table.transact(parts).await? {
            Transacted::Written => Written::Now,
            Transacted::Refused { .. } => Written::Before,
        })
    }

    /// Has a cancelled replay go on, from `now` on.
    pub async fn resume_replay(&self, replay: &Replay, now: Timestamp) -> Result<Resumed, StoreError> {
        let sweep = SweepKeys::new(replay.replay_id.as_bytes(), now);
        let resuming = self
            .updating_replay(replay)
            .update_expression("SET #state = :running, dueShard = :shard, sweepAt = :now")
            .condition_expression("#state = :cancelled")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":cancelled", text(ReplayState::Cancelled.as_str()))
            .expression_attribute_values(":running", text(ReplayState::Running.as_str()))
            .expression_attribute_values(":shard", text(sweep.due_shard))
            .expression_attribute_values(":now", number(sweep.sweep_at));
        Ok(match self.table.transact(vec![change(resuming), self.taking_turn(replay)?]).await? {
            Transacted::Written => Resumed::Now,
            Transacted::Refused { part: 0 } => Resumed::NotCancelled,
            Transacted::Refused { .. } => Resumed::OtherRuns,
        })
    }

    /// Takes a due replay until `until`; `None` if another run came first, or it does not run any more.
    pub async fn lease_replay(&self, due: &DueReplay, until: Timestamp) -> Result<Option<LeasedReplay>, StoreError> {
        let (pk, sk) = (partition(due.project_id), sort_key(due.replay_id));
        let leasing = self
            .table
            .updating_with(&pk, &sk)
            .update_expression("SET sweepAt = :until ADD leases :one")
            .condition_expression("sweepAt = :seen AND #state = :running")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", text(ReplayState::Running.as_str()))
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":seen", number(due.sweep_at))
            .expression_attribute_values(":one", number(1));
        if self.change_replay(leasing).await? == Written::Before {
            return Ok(None);
        }
        let row: Option<ReplayRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(|row| LeasedReplay { replay: row.replay, lease: row.leases }))
    }

    /// Moves a leased replay on to `next`, after `queued` of its deliveries were queued for the time up to `sent_until`; the
    /// sweep goes on with it at `look_at`, unless it was cancelled meanwhile. Changes nothing if the lease is another's by now.
    pub async fn advance_replay(
        &self,
        leased: &LeasedReplay,
        queued: u64,
        next: Option<Position>,
        sent_until: Timestamp,
        look_at: Timestamp,
    ) -> Result<(), StoreError> {
        let next: Option<AttributeValue> =
            next.map(|next| serde_dynamo::to_attribute_value(next).map_err(StoreError::Row)).transpose()?;
        let moving = |planning: &str, condition: &str| {
            let (set_next, remove_next) = if next.is_some() { (", #next = :next", "") } else { ("", " REMOVE #next") };
            let update = self
                .updating_replay(&leased.replay)
                .update_expression(format!("SET sentUntil = :sent{set_next}{planning}{remove_next} ADD queued :queued"))
                .condition_expression(format!("leases = :lease{condition}"))
                .expression_attribute_names("#next", "next")
                .expression_attribute_values(":lease", table::count(leased.lease))
                .expression_attribute_values(":queued", table::count(queued))
                .expression_attribute_values(":sent", text(sent_until.to_string()));
            next.iter().fold(update, |update, next| update.expression_attribute_values(":next", next.clone()))
        };
        let running = moving(", sweepAt = :look", " AND attribute_exists(sweepAt)")
            .expression_attribute_values(":look", number(look_at.as_millis()));
        if self.change_replay(running).await? == Written::Before {
            // It was cancelled. What was queued is noted all the same, so that it goes on behind that.
            self.change_replay(moving("", "")).await?;
        }
        Ok(())
    }

    /// Adds to a replay's progress, as part of a transaction; refused if there is no such replay any more.
    pub(super) fn counting(&self, project: ProjectId, id: ReplayId, progress: &Progress) -> TransactWriteItem {
        let write = self
            .table
            .updating_with(&partition(project), &sort_key(id))
            .update_expression("ADD delivered :delivered, failed :failed, skipped :skipped")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":delivered", table::count(progress.delivered))
            .expression_attribute_values(":failed", table::count(progress.failed))
            .expression_attribute_values(":skipped", table::count(progress.skipped));
        change(write)
    }

    /// Changes a replay's row. As a transaction: others count on that row all the time, and are waited for only so.
    async fn change_replay(&self, update: UpdateBuilder) -> Result<Written, StoreError> {
        Ok(match self.table.transact(vec![change(update)]).await? {
            Transacted::Written => Written::Now,
            Transacted::Refused { .. } => Written::Before,
        })
    }

    fn updating_replay(&self, replay: &Replay) -> UpdateBuilder {
        self.table.updating_with(&partition(replay.project_id), &sort_key(replay.replay_id))
    }

    /// Makes a replay the one that runs, as part of a transaction; refused if another does.
    fn taking_turn(&self, replay: &Replay) -> Result<TransactWriteItem, StoreError> {
        let expires_at = self.retention.expiry_of(replay.replay_id.made_at());
        let content = RunningRow { running_id: replay.replay_id, expires_at };
        let row = Row { pk: partition(replay.project_id), sk: RUNNING.to_owned(), content };
        let put = Put::builder()
            .table_name(self.table.name())
            .set_item(Some(serde_dynamo::to_item(&row).map_err(StoreError::Row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        Ok(TransactWriteItem::builder().put(put.expect("table and item are set")).build())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::super::{Due, SHARDS};
    use super::*;
    use crate::delivery::{Attempt, Delivery, DeliveryState, FailureReason, Phases, ReplayOutcome, Replayed};
    use crate::draft::Draft;
    use crate::event::{Event, EventData, EventType};
    use crate::id::{EndpointId, EventId};
    use crate::random::SystemRandom;
    use crate::replay::NewReplay;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn replay_of(project: ProjectId) -> Replay {
        let body = br#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T08:00:00Z"}"#;
        let new = NewReplay::check(Draft::parse(body).unwrap(), now(), now().minus(Duration::from_hours(72))).unwrap();
        new.start(ReplayId::new(now(), &SystemRandom), project)
    }

    async fn running(store: &Database) -> Replay {
        let replay = replay_of(ProjectId::new(now(), &SystemRandom));
        assert_eq!(store.activity.start_replay(&replay, now()).await.unwrap(), Written::Now);
        replay
    }

    async fn due(store: &Database, replay: &Replay, until: Timestamp) -> Option<DueReplay> {
        let shard = replay.replay_id.as_bytes()[15] % SHARDS;
        match store.activity.due_in_shard(shard, until, 10).await.unwrap().pop() {
            Some(Due::Replay(due)) => Some(due),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    async fn stored(store: &Database, replay: &Replay) -> Replay {
        store.activity.replay(replay.project_id, replay.replay_id).await.unwrap().unwrap()
    }

    async fn failed(store: &Database, project_id: ProjectId) -> Delivery {
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id,
            event_type: EventType::Aml,
            submission_id: None,
            occurred_at: now(),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        let failed = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).after(attempt(1, false), None);
        store.activity.record(&failed, None).await.unwrap();
        failed
    }

    fn attempt(number: u8, is_taken: bool) -> Attempt {
        let reason = (!is_taken).then_some(FailureReason::Status);
        Attempt { number, at: now(), duration_ms: 9, phases: Phases::default(), status: None, reason, response: None }
    }

    fn sent(replay_id: ReplayId, is_taken: bool) -> Replayed {
        Replayed { replay_id, outcome: ReplayOutcome::Sent(attempt(2, is_taken)) }
    }

    #[tokio::test]
    async fn a_replay_is_begun_once() {
        let store = Database::start().await;
        let replay = running(&store).await;
        store.activity.end_replay(&replay, ReplayState::Done).await.unwrap();
        assert_eq!(store.activity.start_replay(&replay, now()).await.unwrap(), Written::Before);
        assert_eq!(stored(&store, &replay).await.state, ReplayState::Done);
    }

    #[tokio::test]
    async fn a_project_has_one_running_replay() {
        let store = Database::start().await;
        let first = running(&store).await;
        let second = replay_of(first.project_id);
        assert_eq!(store.activity.start_replay(&second, now()).await.unwrap(), Written::Before);
        assert_eq!(store.activity.replay(second.project_id, second.replay_id).await.unwrap(), None);

        assert_eq!(store.activity.end_replay(&first, ReplayState::Cancelled).await.unwrap(), Written::Now);
        assert_eq!(store.activity.start_replay(&second, now()).await.unwrap(), Written::Now);
        assert_eq!(store.activity.resume_replay(&first, now()).await.unwrap(), Resumed::OtherRuns);
        assert_eq!(store.activity.end_replay(&second, ReplayState::Done).await.unwrap(), Written::Now);
        assert_eq!(store.activity.resume_replay(&second, now()).await.unwrap(), Resumed::NotCancelled);
        assert_eq!(store.activity.resume_replay(&first, now()).await.unwrap(), Resumed::Now);
        let listed = store.activity.replays(first.project_id, 10, None).await.unwrap().items;
        let states: Vec<_> = listed.iter().map(|replay| (replay.replay_id, replay.state)).collect();
        let expected = [(second.replay_id, ReplayState::Done), (first.replay_id, ReplayState::Running)];
        assert_eq!((states.len(), states.iter().all(|one| expected.contains(one))), (2, true), "{states:?}");
    }

    #[tokio::test]
    async fn of_two_runs_one_gets_the_replay_and_only_the_latest_moves_it_on() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let seen = due(&store, &replay, now()).await.unwrap();
        let until = now().plus(Duration::from_secs(90));
        let died = store.activity.lease_replay(&seen, until).await.unwrap().unwrap();
        assert_eq!(store.activity.lease_replay(&seen, until).await.unwrap(), None);

        let seen = due(&store, &replay, until).await.unwrap();
        let latest = store.activity.lease_replay(&seen, until.plus(Duration::from_secs(90))).await.unwrap().unwrap();
        store.activity.advance_replay(&died, 5, None, until, until).await.unwrap();
        assert_eq!(stored(&store, &replay).await, replay);
        let next = Some(Position::Day(now().day().previous()));
        store.activity.advance_replay(&latest, 7, next, until, until).await.unwrap();
        let moved = stored(&store, &replay).await;
        assert_eq!((moved.next, moved.progress.queued, moved.sent_until), (next, 7, until));
    }

    #[tokio::test]
    async fn a_replay_that_is_cancelled_while_deliveries_are_queued_goes_on_behind_them() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let seen = due(&store, &replay, now()).await.unwrap();
        let leased = store.activity.lease_replay(&seen, now().plus(Duration::from_secs(90))).await.unwrap().unwrap();
        store.activity.end_replay(&replay, ReplayState::Cancelled).await.unwrap();
        store.activity.advance_replay(&leased, 3, None, now(), now()).await.unwrap();

        let cancelled = stored(&store, &replay).await;
        assert_eq!((cancelled.state, cancelled.next, cancelled.progress.queued), (ReplayState::Cancelled, None, 3));
        assert_eq!(due(&store, &replay, now().plus(Duration::from_hours(1))).await, None);
    }

    #[tokio::test]
    async fn an_outcome_is_counted_once_with_its_record() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let (one, other) = (failed(&store, replay.project_id).await, failed(&store, replay.project_id).await);
        for _ in 0..2 {
            store.activity.add_replay(one.clone(), &sent(replay.replay_id, true), true).await.unwrap();
        }
        store.activity.add_replay(other.clone(), &sent(replay.replay_id, false), true).await.unwrap();
        // A replay of its own, by somebody who saw the delivery before the others were recorded.
        let own = sent(ReplayId::new(now(), &SystemRandom), false);
        let (delivery, written) = store.activity.add_replay(one.clone(), &own, false).await.unwrap();

        let delivery = delivery.unwrap();
        assert_eq!((delivery.state, delivery.replays.len(), written), (DeliveryState::Delivered, 2, Written::Now));
        assert_eq!(store.activity.recorded_now(one.project_id, one.id).await.unwrap(), Some(delivery));
        let progress = stored(&store, &replay).await.progress;
        assert_eq!(progress, Progress { queued: 0, delivered: 1, failed: 1, skipped: 0 });
    }

    #[tokio::test]
    async fn outcomes_that_come_at_once_are_all_counted() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let mut recording = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (activity, delivery) = (store.activity.clone(), failed(&store, replay.project_id).await);
            let replayed = sent(replay.replay_id, true);
            recording.spawn(async move { activity.add_replay(delivery, &replayed, true).await.unwrap().1 });
        }
        assert_eq!(recording.join_all().await, [Written::Now; 20]);
        assert_eq!(stored(&store, &replay).await.progress.delivered, 20);
    }

    #[tokio::test]
    async fn a_delivery_that_is_gone_takes_no_record() {
        let store = Database::start().await;
        let gone = failed(&store, ProjectId::new(now(), &SystemRandom)).await;
        let elsewhere = Delivery { project_id: ProjectId::new(now(), &SystemRandom), ..gone };
        let replayed = sent(ReplayId::new(now(), &SystemRandom), true);
        let added = store.activity.add_replay(elsewhere, &replayed, false).await.unwrap();
        assert_eq!(added, (None, Written::Before));
    }
}

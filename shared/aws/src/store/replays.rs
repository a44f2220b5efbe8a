//! Replays by filter, and which of them runs. A running replay is in the index `due`, like deliveries and endpoints.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::keys::SweepKeys;
use super::outcome::{ReplayStart, WriteOutcome};
use super::page::{self, ListOf, Page, PageToken};
use super::retention::Retention;
use super::sweep::DueReplay;
use super::table::{self, ABSENT, Item, Row, Table, number, text};
use super::transaction::{Transacted, change};
use crate::client::Aws;
use domain::foundation::id::{ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::replay::{Progress, Replay, ReplayPosition, ReplayState};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplayRow {
    #[serde(flatten)]
    replay: Replay,
    /// Number of leases. Only the holder of the latest one may advance the replay.
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

/// The attributes of a [`ReplayPosition`]. At least one of them is absent.
const POSITION: [&str; 2] = ["next", "nextEvent"];

/// A replay that one run of the sweep has leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedReplay {
    /// The replay.
    pub replay: Replay,
    lease: u64,
}

/// Whether a cancelled replay was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The replay runs again.
    Now,
    /// Another replay of the project runs.
    OtherRuns,
    /// The replay was not cancelled.
    NotCancelled,
}

/// Replays by filter.
#[derive(Debug, Clone)]
pub struct ReplayStore {
    pub(super) table: Table,
    pub(super) retention: Retention,
}

impl ReplayStore {
    /// Opens the store in the table `activity` with this name. Rows expire after `retention`.
    pub fn new(aws: &Aws, table: impl Into<String>, retention: Retention) -> Self {
        Self { table: Table::new(aws, table.into()), retention }
    }

    /// Starts a replay; the sweep continues it from `now` on. [`ReplayStart::AlreadyRunning`] if another replay of the
    /// project runs, or if this one was started before.
    pub async fn start(&self, replay: &Replay, now: Timestamp) -> Result<ReplayStart, StoreError> {
        let content = ReplayRow {
            replay: replay.clone(),
            leases: 0,
            sweep: Some(SweepKeys::new(replay.replay_id.as_bytes(), now)),
            expires_at: self.retention.expiry_of(replay.replay_id.created_at()),
        };
        let row = Row { pk: keys::replays(replay.project_id), sk: keys::replay(replay.replay_id), content };
        let item = serde_dynamo::to_item(&row).map_err(StoreError::Row)?;
        let put = Put::builder().table_name(self.table.name()).set_item(Some(item));
        let put = put.condition_expression(ABSENT).build().expect("item is set");
        let parts = vec![self.taking_turn(replay)?, TransactWriteItem::builder().put(put).build()];
        Ok(match self.table.transact(parts).await? {
            Transacted::Written => ReplayStart::Started,
            Transacted::Refused { .. } => ReplayStart::AlreadyRunning,
        })
    }

    /// Returns a replay (strongly consistent).
    pub async fn get(&self, project: ProjectId, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        let row: Option<ReplayRow> = self.table.get_now(&keys::replays(project), &keys::replay(id)).await?;
        Ok(row.map(|row| row.replay))
    }

    /// Returns a project's replays, newest first: at most `limit`, starting at `after`.
    pub async fn list(
        &self,
        project: ProjectId,
        limit: u16,
        after: Option<&PageToken>,
    ) -> Result<Page<Replay>, StoreError> {
        let query = self.table.beginning_with(&keys::replays(project), keys::REPLAY_PREFIX).scan_index_forward(false);
        let page: Page<ReplayRow> = page::page(query.limit(i32::from(limit)), ListOf::Replays(project), after).await?;
        Ok(Page { items: page.items.into_iter().map(|row| row.replay).collect(), next: page.next })
    }

    /// Ends a running replay as cancelled or done, so that another can start. [`WriteOutcome::Conflict`] if it does not run.
    pub async fn end(&self, replay: &Replay, state: ReplayState) -> Result<WriteOutcome, StoreError> {
        let ending = self
            .updating_replay(replay)
            .update_expression("SET #state = :state REMOVE dueShard, sweepAt")
            .condition_expression("#state = :running")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":running", text(ReplayState::Running.as_str()));
        let leaving_turn = Delete::builder()
            .table_name(self.table.name())
            .key("pk", text(keys::replays(replay.project_id)))
            .key("sk", text(keys::RUNNING_REPLAY))
            .build()
            .expect("table and key are set");
        let parts = vec![change(ending), TransactWriteItem::builder().delete(leaving_turn).build()];
        Ok(match self.table.transact(parts).await? {
            Transacted::Written => WriteOutcome::Applied,
            Transacted::Refused { .. } => WriteOutcome::Conflict,
        })
    }

    /// Resumes a cancelled replay from `now` on.
    pub async fn resume(&self, replay: &Replay, now: Timestamp) -> Result<Resumed, StoreError> {
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

    /// Leases a due replay until `until`; `None` if another run was first, or the replay no longer runs.
    pub async fn lease(&self, due: &DueReplay, until: Timestamp) -> Result<Option<LeasedReplay>, StoreError> {
        let (pk, sk) = (keys::replays(due.project_id), keys::replay(due.replay_id));
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
        if self.change_replay(leasing).await? == WriteOutcome::Conflict {
            return Ok(None);
        }
        let row: Option<ReplayRow> = self.table.get_now(&pk, &sk).await?;
        Ok(row.map(|row| LeasedReplay { replay: row.replay, lease: row.leases }))
    }

    /// Advances a leased replay to `position`, after `queued` of its deliveries were enqueued for the time up to `sent_until`.
    /// The sweep continues at `look_at`, unless the replay was cancelled meanwhile. Changes nothing if another run holds the
    /// lease by now.
    pub async fn advance(
        &self,
        leased: &LeasedReplay,
        queued: u64,
        position: ReplayPosition,
        sent_until: Timestamp,
        look_at: Timestamp,
    ) -> Result<(), StoreError> {
        let position: Item = serde_dynamo::to_item(position).map_err(StoreError::Row)?;
        let (set, left): (Vec<_>, Vec<_>) = POSITION.into_iter().partition(|name| position.contains_key(*name));
        let setting: Vec<String> = set.iter().map(|name| format!(", #{name} = :{name}")).collect();
        let setting = setting.concat();
        let removing: Vec<String> = left.iter().map(|name| format!("#{name}")).collect();
        let moving = |planning: &str, condition: &str| {
            let removing = removing.join(", ");
            let update = self
                .updating_replay(&leased.replay)
                .update_expression(format!(
                    "SET sentUntil = :sent{setting}{planning} REMOVE {removing} ADD queued :queued"
                ))
                .condition_expression(format!("leases = :lease{condition}"))
                .expression_attribute_values(":lease", table::count(leased.lease))
                .expression_attribute_values(":queued", table::count(queued))
                .expression_attribute_values(":sent", text(sent_until.to_string()));
            let update = POSITION
                .into_iter()
                .fold(update, |update, name| update.expression_attribute_names(format!("#{name}"), name));
            position.iter().fold(update, |update, (name, value)| {
                update.expression_attribute_values(format!(":{name}"), value.clone())
            })
        };
        let running = moving(", sweepAt = :look", " AND attribute_exists(sweepAt)")
            .expression_attribute_values(":look", number(look_at.as_millis()));
        if self.change_replay(running).await? == WriteOutcome::Conflict {
            // The replay was cancelled. The progress is stored all the same, so that a resumed replay continues after it.
            self.change_replay(moving("", "")).await?;
        }
        Ok(())
    }

    /// Counts a replay as skipped because its delivery has expired, so there is no row to record it with.
    pub async fn count_lost(&self, project: ProjectId, replay: ReplayId) -> Result<(), StoreError> {
        let skipped = Progress { skipped: 1, ..Progress::default() };
        self.table.transact(vec![counting(&self.table, project, replay, &skipped)]).await?;
        Ok(())
    }

    /// Changes a replay's row in a transaction. Other writers count on the same row all the time, and only a transaction
    /// waits for them.
    async fn change_replay(&self, update: UpdateBuilder) -> Result<WriteOutcome, StoreError> {
        Ok(match self.table.transact(vec![change(update)]).await? {
            Transacted::Written => WriteOutcome::Applied,
            Transacted::Refused { .. } => WriteOutcome::Conflict,
        })
    }

    fn updating_replay(&self, replay: &Replay) -> UpdateBuilder {
        self.table.updating_with(&keys::replays(replay.project_id), &keys::replay(replay.replay_id))
    }

    /// Makes this the project's running replay, as part of a transaction. Refused if another runs.
    fn taking_turn(&self, replay: &Replay) -> Result<TransactWriteItem, StoreError> {
        let expires_at = self.retention.expiry_of(replay.replay_id.created_at());
        let content = RunningRow { running_id: replay.replay_id, expires_at };
        let row = Row { pk: keys::replays(replay.project_id), sk: keys::RUNNING_REPLAY.to_owned(), content };
        let put = Put::builder()
            .table_name(self.table.name())
            .set_item(Some(serde_dynamo::to_item(&row).map_err(StoreError::Row)?))
            .condition_expression(ABSENT)
            .build();
        Ok(TransactWriteItem::builder().put(put.expect("table and item are set")).build())
    }
}

/// Adds to a replay's progress, as part of a transaction. Refused if the replay has expired.
pub(super) fn counting(table: &Table, project: ProjectId, id: ReplayId, progress: &Progress) -> TransactWriteItem {
    let write = table
        .updating_with(&keys::replays(project), &keys::replay(id))
        .update_expression("ADD delivered :delivered, failed :failed, skipped :skipped")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":delivered", table::count(progress.delivered))
        .expression_attribute_values(":failed", table::count(progress.failed))
        .expression_attribute_values(":skipped", table::count(progress.skipped));
    change(write)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Database;
    use super::super::{Due, DueSelection, SHARDS};
    use super::*;
    use domain::foundation::draft::Draft;
    use domain::foundation::id::{EndpointId, EventId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
    use domain::webhooks::delivery::{Delivery, DeliveryState, Position, ReplayOutcome, Replayed};
    use domain::webhooks::event::{Event, EventData, EventType};
    use domain::webhooks::replay::{EventPosition, NewReplay};

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
        assert_eq!(store.replays.start(&replay, now()).await.unwrap(), ReplayStart::Started);
        replay
    }

    async fn due(store: &Database, replay: &Replay, until: Timestamp) -> Option<DueReplay> {
        let shard = replay.replay_id.as_bytes()[15] % SHARDS;
        match store.sweep.due_in_shard(shard, until, None, DueSelection::ALL).await.unwrap().due.pop() {
            Some(Due::Replay(due)) => Some(due),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    async fn stored(store: &Database, replay: &Replay) -> Replay {
        store.replays.get(replay.project_id, replay.replay_id).await.unwrap().unwrap()
    }

    async fn failed(store: &Database, project_id: ProjectId) -> Delivery {
        let event = Event {
            id: EventId::new(now(), &SystemRandom),
            project_id,
            event_type: EventType::Aml,
            submission_id: None,
            sequence: None,
            occurred_at: now(),
            data: EventData::try_from("{}".to_owned()).unwrap(),
        };
        let failed = Delivery::queued(&event, EndpointId::new(now(), &SystemRandom)).after(attempt(1, false), None);
        store.deliveries.record(&failed, None).await.unwrap();
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
        store.replays.end(&replay, ReplayState::Done).await.unwrap();
        assert_eq!(store.replays.start(&replay, now()).await.unwrap(), ReplayStart::AlreadyRunning);
        assert_eq!(stored(&store, &replay).await.state, ReplayState::Done);
    }

    #[tokio::test]
    async fn a_project_has_one_running_replay() {
        let store = Database::start().await;
        let first = running(&store).await;
        let second = replay_of(first.project_id);
        assert_eq!(store.replays.start(&second, now()).await.unwrap(), ReplayStart::AlreadyRunning);
        assert_eq!(store.replays.get(second.project_id, second.replay_id).await.unwrap(), None);

        assert_eq!(store.replays.end(&first, ReplayState::Cancelled).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.replays.start(&second, now()).await.unwrap(), ReplayStart::Started);
        assert_eq!(store.replays.resume(&first, now()).await.unwrap(), Resumed::OtherRuns);
        assert_eq!(store.replays.end(&second, ReplayState::Done).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.replays.resume(&second, now()).await.unwrap(), Resumed::NotCancelled);
        assert_eq!(store.replays.resume(&first, now()).await.unwrap(), Resumed::Now);
        let listed = store.replays.list(first.project_id, 10, None).await.unwrap().items;
        let states: Vec<_> = listed.iter().map(|replay| (replay.replay_id, replay.state)).collect();
        let expected = [(second.replay_id, ReplayState::Done), (first.replay_id, ReplayState::Running)];
        assert_eq!((states.len(), states.iter().all(|one| expected.contains(one))), (2, true), "{states:?}");
    }

    #[tokio::test]
    async fn of_two_runs_one_leases_the_replay_and_only_the_latest_lease_advances_it() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let seen = due(&store, &replay, now()).await.unwrap();
        let until = now().plus(Duration::from_secs(90));
        let died = store.replays.lease(&seen, until).await.unwrap().unwrap();
        assert_eq!(store.replays.lease(&seen, until).await.unwrap(), None);

        let seen = due(&store, &replay, until).await.unwrap();
        let latest = store.replays.lease(&seen, until.plus(Duration::from_secs(90))).await.unwrap().unwrap();
        store.replays.advance(&died, 5, ReplayPosition::default(), until, until).await.unwrap();
        assert_eq!(stored(&store, &replay).await, replay);
        let next = Some(Position::Day(now().day().previous()));
        let next_event = Some(EventPosition::From(now()));
        for (times, position) in [
            ReplayPosition { next, next_event: None },
            ReplayPosition { next: None, next_event },
            ReplayPosition::default(),
        ]
        .into_iter()
        .enumerate()
        {
            store.replays.advance(&latest, 7, position, until, until).await.unwrap();
            let moved = stored(&store, &replay).await;
            let queued = 7 * (times as u64 + 1);
            assert_eq!((moved.position, moved.progress.queued, moved.sent_until), (position, queued, until));
        }
    }

    #[tokio::test]
    async fn a_replay_cancelled_while_deliveries_are_enqueued_resumes_after_them() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let seen = due(&store, &replay, now()).await.unwrap();
        let leased = store.replays.lease(&seen, now().plus(Duration::from_secs(90))).await.unwrap().unwrap();
        store.replays.end(&replay, ReplayState::Cancelled).await.unwrap();
        store.replays.advance(&leased, 3, ReplayPosition::default(), now(), now()).await.unwrap();

        let cancelled = stored(&store, &replay).await;
        assert_eq!((cancelled.state, cancelled.progress.queued), (ReplayState::Cancelled, 3));
        assert!(cancelled.position.is_end());
        assert_eq!(due(&store, &replay, now().plus(Duration::from_hours(1))).await, None);
    }

    #[tokio::test]
    async fn an_outcome_is_counted_once_with_its_record() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let (one, other) = (failed(&store, replay.project_id).await, failed(&store, replay.project_id).await);
        for _ in 0..2 {
            store.deliveries.add_replay(one.clone(), &sent(replay.replay_id, true), true).await.unwrap();
        }
        store.deliveries.add_replay(other.clone(), &sent(replay.replay_id, false), true).await.unwrap();
        // An independent replay by a caller who read the delivery before the others were recorded.
        let own = sent(ReplayId::new(now(), &SystemRandom), false);
        let (delivery, written) = store.deliveries.add_replay(one.clone(), &own, false).await.unwrap();

        let delivery = delivery.unwrap();
        assert_eq!(
            (delivery.state, delivery.replays.len(), written),
            (DeliveryState::Delivered, 2, WriteOutcome::Applied)
        );
        assert_eq!(store.deliveries.recorded_now(one.project_id, one.id).await.unwrap(), Some(delivery));
        let progress = stored(&store, &replay).await.progress;
        assert_eq!(progress, Progress { queued: 0, delivered: 1, failed: 1, skipped: 0 });
    }

    #[tokio::test]
    async fn concurrent_outcomes_are_all_counted() {
        let store = Database::start().await;
        let replay = running(&store).await;
        let mut recording = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (deliveries, delivery) = (store.deliveries.clone(), failed(&store, replay.project_id).await);
            let replayed = sent(replay.replay_id, true);
            recording.spawn(async move { deliveries.add_replay(delivery, &replayed, true).await.unwrap().1 });
        }
        assert_eq!(recording.join_all().await, [WriteOutcome::Applied; 20]);
        assert_eq!(stored(&store, &replay).await.progress.delivered, 20);
    }

    #[tokio::test]
    async fn an_expired_delivery_is_not_recorded() {
        let store = Database::start().await;
        let gone = failed(&store, ProjectId::new(now(), &SystemRandom)).await;
        let elsewhere = Delivery { project_id: ProjectId::new(now(), &SystemRandom), ..gone };
        let replayed = sent(ReplayId::new(now(), &SystemRandom), true);
        let added = store.deliveries.add_replay(elsewhere, &replayed, false).await.unwrap();
        assert_eq!(added, (None, WriteOutcome::Conflict));
    }
}

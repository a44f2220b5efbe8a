//! The sparse index `due`: deliveries, endpoints and replays that the sweep has to check, spread over 16 shards by id.

use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::Table;
use super::table::{self, Item, RowKey, number, text};
use crate::client::Aws;
use domain::foundation::id::{DeliveryId, EndpointId, ProjectId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::AttemptTask;

/// Number of rows of a page. A shard that has more is swept by an invocation of its own.
const PAGE_SIZE: i32 = 100;

/// Number of rows read for a page of a backlog. If a run dies between queueing a page and storing its position, so many messages
/// are sent twice.
const BACKLOG_PAGE_SIZE: i32 = 1000;

/// Maximum number of projects that a read can leave out (a DynamoDB limit).
const MAX_LEFT_OUT: usize = 100;

/// How long a row that cannot be read stays out of the way of the others.
pub(super) const SET_ASIDE_FOR: Duration = Duration::from_hours(1);

/// A row that the sweep has to check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Due {
    /// A delivery whose next attempt is due.
    Delivery(DueDelivery),
    /// An endpoint with held deliveries or with notices to send.
    Endpoint(DueEndpoint),
    /// A running replay by filter.
    Replay(DueReplay),
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueDelivery {
    /// The project of the event.
    pub project_id: ProjectId,
    /// The delivery's id.
    pub id: DeliveryId,
    /// When the next attempt is due.
    pub next_attempt_at: Timestamp,
    /// Number of attempts made.
    pub attempt_count: u8,
    sweep_at: i64,
}

/// An endpoint that is due for a check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueEndpoint {
    /// The project of the endpoint.
    pub project_id: ProjectId,
    /// The endpoint's id.
    pub endpoint_id: EndpointId,
}

/// A replay by filter that is due for its next step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueReplay {
    /// The project of the replay.
    pub project_id: ProjectId,
    /// The replay's id.
    pub replay_id: ReplayId,
    pub(super) sweep_at: i64,
}

/// Which rows of a shard a page contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueSelection<'a> {
    /// All rows, except deliveries of these projects.
    Without(&'a [ProjectId]),
    /// Deliveries of this project.
    Only(ProjectId),
}

/// A page of a shard, most overdue row first.
#[derive(Debug)]
pub struct DuePage {
    /// The rows.
    pub due: Vec<Due>,
    /// Rows that this version cannot read.
    pub unreadable: Vec<RowKey>,
    /// The position behind the page; `None` if nothing was read.
    pub last: Option<DuePosition>,
    /// Whether the shard has no more rows that are due.
    pub is_end: bool,
}

/// A position in a shard: the keys of a row in the index and in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DuePosition {
    due_shard: String,
    sweep_at: i64,
    pk: String,
    sk: String,
}

impl DueSelection<'_> {
    /// All rows.
    pub const ALL: Self = Self::Without(&[]);

    fn apply(self, query: QueryFluentBuilder) -> QueryFluentBuilder {
        match self {
            Self::Without([]) => query.limit(PAGE_SIZE),
            // Without a limit, a page covers 1 MB of rows. A limit would count the rows that are left out, so the read of a
            // backlog would take many calls. Only deliveries have a next attempt: endpoints and replays are not left out.
            Self::Without(projects) => {
                let projects = projects.iter().take(MAX_LEFT_OUT).enumerate();
                let named: Vec<_> = projects.map(|(index, project)| (format!(":without{index}"), project)).collect();
                let listed = named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
                let filter = format!("attribute_not_exists(nextAttemptAt) OR NOT (projectId IN ({listed}))");
                named.into_iter().fold(query.filter_expression(filter), |query, (name, project)| {
                    query.expression_attribute_values(name, text(project.to_string()))
                })
            }
            Self::Only(project) => query
                .limit(BACKLOG_PAGE_SIZE)
                .filter_expression("attribute_exists(nextAttemptAt) AND projectId = :project")
                .expression_attribute_values(":project", text(project.to_string())),
        }
    }
}

impl DueEndpoint {
    /// Returns the key of the endpoint's health.
    pub fn key(&self) -> RowKey {
        let (pk, sk) = keys::health_row(self.project_id, self.endpoint_id);
        RowKey { pk, sk }
    }
}

impl DueReplay {
    /// Returns the key of the replay.
    pub fn key(&self) -> RowKey {
        RowKey { pk: keys::replays(self.project_id), sk: keys::replay(self.replay_id) }
    }
}

impl DueDelivery {
    /// Returns how long the row has been due at `now`.
    pub fn overdue(&self, now: Timestamp) -> Duration {
        Timestamp::from_millis(self.sweep_at).map_or(Duration::ZERO, |sweep_at| now.since(sweep_at))
    }

    /// Returns the task for the next attempt.
    pub fn task(&self) -> AttemptTask {
        AttemptTask::again(self.project_id, self.id, self.attempt_count + 1)
    }
}

/// Rows that the sweep has to check.
#[derive(Debug, Clone)]
pub struct SweepStore {
    pub(super) table: Table,
}

impl SweepStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Returns a page of a shard (0 to 15): rows that are due by `until`, from `after` on. A page may be empty although more
    /// follow, because DynamoDB reads and bills rows that the selection leaves out.
    pub async fn due_in_shard(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<DuePosition>,
        selection: DueSelection<'_>,
    ) -> Result<DuePage, StoreError> {
        let after: Option<Item> = after.map(serde_dynamo::to_item).transpose().map_err(StoreError::Row)?;
        let query = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("due")
            .key_condition_expression("dueShard = :shard AND sweepAt <= :until")
            .expression_attribute_values(":shard", text(keys::shard(shard)))
            .expression_attribute_values(":until", number(until.as_millis()))
            .set_exclusive_start_key(after);
        let page = selection.apply(query).send().await.map_err(table::unavailable)?;
        let items = page.items.unwrap_or_default();
        let is_end = page.last_evaluated_key.is_none();
        let last = page.last_evaluated_key.or_else(|| items.last().cloned()).map(table::read).transpose()?;
        let (due, unreadable) = table::read_each(items);
        Ok(DuePage { due, unreadable, last, is_end })
    }

    /// Postpones the sweep's check of `due` to `sweep_at`. [`WriteOutcome::Conflict`] if another run or an attempt came
    /// first.
    pub async fn postpone(&self, due: &DueDelivery, sweep_at: Timestamp) -> Result<WriteOutcome, StoreError> {
        let (pk, sk) = keys::delivery_row(due.project_id, due.id);
        let call = self
            .table
            .updating(&pk, &sk)
            .update_expression("SET sweepAt = :next")
            .condition_expression("sweepAt = :seen")
            .expression_attribute_values(":next", number(sweep_at.as_millis()))
            .expression_attribute_values(":seen", number(due.sweep_at));
        self.table.update_if(call).await
    }

    /// Postpones a row that cannot be read by an hour, so that it is not in front of the others. A version that can read it
    /// handles it then. [`WriteOutcome::Conflict`] if it has left the index.
    pub async fn set_aside(&self, row: &RowKey, now: Timestamp) -> Result<WriteOutcome, StoreError> {
        let call = self
            .table
            .updating(&row.pk, &row.sk)
            .update_expression("SET sweepAt = :later")
            .condition_expression("attribute_exists(dueShard)")
            .expression_attribute_values(":later", number(now.plus(SET_ASIDE_FOR).as_millis()));
        self.table.update_if(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::*;
    use domain::foundation::id::{EndpointId, EventId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
    use domain::webhooks::delivery::Delivery;
    use domain::webhooks::event::EventType;
    use domain::webhooks::sweep::Pass;

    const SHARD: u8 = 3;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    /// Stores a delivery in the shard that is due `second` seconds after [`now`].
    async fn due(store: &Database, project: ProjectId, second: u64) -> DeliveryId {
        let event = std::iter::repeat_with(|| EventId::new(now(), &SystemRandom))
            .find(|id| id.as_bytes()[15] % super::super::SHARDS == SHARD)
            .unwrap();
        let id = DeliveryId { event, endpoint: EndpointId::new(now(), &SystemRandom) };
        let reason = Some(FailureReason::Tls);
        let (number, phases) = (1, Phases::default());
        let attempt = Attempt { number, at: now(), duration_ms: 0, phases, status: None, reason, response: None };
        let delivery = Delivery::unattempted(project, id, EventType::Aml, None).after(attempt, Some(Duration::ZERO));
        let sweep_at = now().plus(Duration::from_secs(second));
        store.deliveries.record(&delivery, Some(sweep_at)).await.unwrap();
        id
    }

    async fn page(store: &Database, after: Option<DuePosition>, selection: DueSelection<'_>) -> DuePage {
        let until = now().plus(Duration::from_hours(1));
        store.sweep.due_in_shard(SHARD, until, after, selection).await.unwrap()
    }

    fn ids(page: &DuePage) -> Vec<DeliveryId> {
        let id = |due: &Due| if let Due::Delivery(due) = due { Some(due.id) } else { None };
        page.due.iter().filter_map(id).collect()
    }

    #[tokio::test]
    async fn the_pages_of_a_shard_contain_each_row_once_with_or_without_a_project() {
        let store = Database::start().await;
        let [large, small] = [(); 2].map(|()| ProjectId::new(now(), &SystemRandom));
        let mut of_large = Vec::new();
        for second in 0..120 {
            of_large.push(due(&store, large, second).await);
        }
        let of_small = due(&store, small, 200).await;

        let first = page(&store, None, DueSelection::ALL).await;
        assert_eq!((ids(&first), first.is_end), (of_large[..100].to_vec(), false));
        let second = page(&store, first.last.clone(), DueSelection::ALL).await;
        assert_eq!((ids(&second), second.is_end), ([&of_large[100..], &[of_small]].concat(), true));
        let others = page(&store, first.last, DueSelection::Without(&[large])).await;
        assert_eq!((ids(&others), others.is_end), (vec![of_small], true));

        let backlog = page(&store, None, DueSelection::Only(large)).await;
        assert_eq!((ids(&backlog), backlog.is_end), (of_large, true));
        let nothing = page(&store, backlog.last, DueSelection::Only(large)).await;
        assert_eq!((ids(&nothing), nothing.is_end), (Vec::new(), true));
    }

    #[tokio::test]
    async fn of_two_runs_one_stores_the_next_state_of_a_pass() {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        due(&store, project, 0).await;
        let last = page(&store, None, DueSelection::ALL).await.last;
        let new = super::super::StoredPass::new(project);
        let next = Pass::new(project).after_page(last, true, now());

        let stored = store.sweep.put_pass(SHARD, &new, next.clone(), now()).await.unwrap().unwrap();
        assert_eq!(store.sweep.put_pass(SHARD, &new, next.clone(), now()).await.unwrap(), None);
        assert_eq!(store.sweep.passes(SHARD).await.unwrap(), std::slice::from_ref(&stored));
        assert_eq!((stored.pass == next, store.sweep.passes(SHARD + 1).await.unwrap()), (true, vec![]));
        assert_eq!(store.sweep.forget_pass(SHARD, &new).await.unwrap(), WriteOutcome::Conflict);
        assert_eq!(store.sweep.forget_pass(SHARD, &stored).await.unwrap(), WriteOutcome::Applied);
        assert_eq!(store.sweep.passes(SHARD).await.unwrap(), []);
    }
}

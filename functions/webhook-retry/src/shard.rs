//! A run through one shard: its due deliveries, its endpoints and its replays.

use aws::ServiceError;
use aws::store::{Due, DueDelivery, DueEndpoint, DuePage, DuePosition, DueReplay, DueSelection, StoredPass};
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::webhooks::sweep::Pass;
use futures::future::join3;

use crate::deliveries::QueuedDue;
use crate::first_error::FirstError;
use crate::rounds::{self, DueDeliveries, Page};
use crate::sweeper::Sweeper;
use crate::task::Shard;

/// What a run did in a shard, and the first error if something failed.
#[derive(Default)]
pub(crate) struct ShardSummary {
    pub(crate) queued: usize,
    pub(crate) released: usize,
    pub(crate) replayed: u64,
    pub(crate) expired: usize,
    pub(crate) failed: FirstError,
}

/// A run through one shard.
pub(crate) struct ShardRun<'a> {
    sweeper: &'a Sweeper,
    shard: Shard,
    /// The first page, until it is used.
    first_page: Option<DuePage>,
    horizon: Timestamp,
    last_start: Timestamp,
    endpoints: Vec<DueEndpoint>,
    replays: Vec<DueReplay>,
    summary: ShardSummary,
}

impl<'a> ShardRun<'a> {
    /// A run that begins with a page that was read already. It starts nothing after `last_start`.
    pub(crate) fn new(
        sweeper: &'a Sweeper,
        shard: Shard,
        first_page: DuePage,
        horizon: Timestamp,
        last_start: Timestamp,
    ) -> Self {
        let (endpoints, replays, summary) = (Vec::new(), Vec::new(), ShardSummary::default());
        Self { sweeper, shard, first_page: Some(first_page), horizon, last_start, endpoints, replays, summary }
    }

    /// Sweeps the shard. Due attempts go first because a late one delays a webhook.
    pub(crate) async fn sweep(mut self) -> ShardSummary {
        let (sweeper, horizon, last_start) = (self.sweeper, self.horizon, self.last_start);
        let passes = self.serve_all().await;
        let passes = self.summary.failed.or_default(passes);
        let (endpoints, replays) = (std::mem::take(&mut self.endpoints), std::mem::take(&mut self.replays));
        let (continued, released, replayed) = join3(
            rounds::continue_passes(&mut self, passes, last_start),
            sweeper.check_endpoints(&endpoints, horizon, last_start),
            sweeper.continue_replays(&replays, last_start),
        )
        .await;
        let failed = &mut self.summary.failed;
        failed.or_default(continued);
        let (released, replayed) = (failed.or_default(released), failed.or_default(replayed));
        ShardSummary { released, replayed, ..self.summary }
    }

    /// Serves every project, and returns the passes through the backlogs that are left.
    async fn serve_all(&mut self) -> Result<Vec<StoredPass>, ServiceError> {
        let page = self.first_page.as_ref();
        // An idle shard needs no read. In all others, an earlier run may have queued deliveries without claims: they are due
        // until their attempts are recorded, and the position of the pass says which ones.
        let has_deliveries = page.is_some_and(|page| page.due.iter().any(|due| matches!(due, Due::Delivery(_))));
        // The first round can serve a whole page. Only a shard with more leaves a backlog.
        let is_small = page.is_some_and(|page| page.is_end);
        let known = if has_deliveries || !is_small { self.known_passes().await } else { Ok(Vec::new()) };
        // Without the positions, every project still gets its share. The backlogs wait for the next run.
        let leaves_backlogs = !is_small && known.is_ok();
        let known = self.summary.failed.or_default(known);
        let projects: Vec<ProjectId> = known.iter().map(|stored| stored.pass.project_id).collect();
        let more = rounds::first_round(self, &projects, self.last_start).await?;
        let new = more.into_iter().filter(|_| leaves_backlogs).map(StoredPass::new);
        Ok(known.into_iter().chain(new).collect())
    }

    /// The passes that earlier runs began. Forgets those that are over.
    async fn known_passes(&self) -> Result<Vec<StoredPass>, ServiceError> {
        let (shard, now) = (self.shard.number(), self.sweeper.clock.now());
        let (over, open): (Vec<_>, Vec<_>) =
            self.sweeper.store.sweep.passes(shard).await?.into_iter().partition(|stored| stored.pass.is_over(now));
        for stored in over {
            self.sweeper.store.sweep.forget_pass(shard, &stored).await?;
        }
        Ok(open)
    }

    /// Reads a page, keeps its endpoints and replays, and sets aside what cannot be read. Returns the deliveries.
    async fn sort(&mut self, page: DuePage) -> Page<DueDelivery, DuePosition> {
        for row in page.unreadable {
            let set_aside = self.sweeper.set_aside(&row).await;
            self.summary.failed.or_default(set_aside);
        }
        let mut rows = Vec::new();
        for due in page.due {
            match due {
                Due::Delivery(delivery) => rows.push(delivery),
                Due::Endpoint(endpoint) => self.endpoints.push(endpoint),
                Due::Replay(replay) => self.replays.push(replay),
            }
        }
        Page { rows, last: page.last, is_end: page.is_end }
    }

    async fn read_from(
        &mut self,
        after: Option<DuePosition>,
        selection: DueSelection<'_>,
    ) -> Result<Page<DueDelivery, DuePosition>, ServiceError> {
        let shard = self.shard.number();
        let page = self.sweeper.store.sweep.due_in_shard(shard, self.horizon, after, selection).await?;
        Ok(self.sort(page).await)
    }

    /// Counts deliveries that were queued or ended.
    fn count(&mut self, done: &QueuedDue) {
        self.summary.queued += done.queued;
        self.summary.expired += done.expired;
    }
}

impl DueDeliveries for ShardRun<'_> {
    type Row = DueDelivery;
    type Position = DuePosition;
    type StoredPass = StoredPass;

    fn project(row: &DueDelivery) -> ProjectId {
        row.project_id
    }

    fn pass(stored: &StoredPass) -> &Pass<DuePosition> {
        &stored.pass
    }

    fn now(&self) -> Timestamp {
        self.sweeper.clock.now()
    }

    async fn read(
        &mut self,
        after: Option<DuePosition>,
        without: &[ProjectId],
    ) -> Result<Page<DueDelivery, DuePosition>, ServiceError> {
        match self.first_page.take() {
            Some(page) => Ok(self.sort(page).await),
            None => self.read_from(after, DueSelection::Without(without)).await,
        }
    }

    async fn claim(&mut self, rows: &[DueDelivery]) {
        let done = self.sweeper.claim_due(rows, &mut self.summary.failed).await;
        self.count(&done);
    }

    async fn read_backlog(&mut self, pass: &Pass<DuePosition>) -> Result<Page<DueDelivery, DuePosition>, ServiceError> {
        self.read_from(pass.position.clone(), DueSelection::Only(pass.project_id)).await
    }

    async fn queue(&mut self, rows: &[DueDelivery]) -> Result<(), ServiceError> {
        let done = self.sweeper.queue_due(rows).await?;
        self.count(&done);
        Ok(())
    }

    async fn store(&mut self, known: StoredPass, next: Pass<DuePosition>) -> Result<Option<StoredPass>, ServiceError> {
        if next == known.pass {
            return Ok(Some(known));
        }
        Ok(self.sweeper.store.sweep.put_pass(self.shard.number(), &known, next, self.now()).await?)
    }

    async fn waiting_messages(&mut self) -> Result<u64, ServiceError> {
        Ok(self.sweeper.queue.waiting().await?)
    }
}

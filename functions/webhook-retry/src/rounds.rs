//! A run through the due deliveries of one shard: which are read and queued, in which order, and when the run stops.

use std::collections::VecDeque;

use aws::ServiceError;
use domain::foundation::id::ProjectId;
use domain::foundation::time::Timestamp;
use domain::webhooks::sweep::{FirstRound, Pass};

/// Number of deliveries that are claimed and queued together.
const BATCH_SIZE: usize = 50;

/// Maximum number of waiting messages at which a backlog is still queued. Senders make 2,500 attempts a second to receivers that
/// answer in 200 ms, so these messages take five minutes. Events of the project that are accepted now wait behind them.
pub(crate) const MAX_WAITING: u64 = 750_000;

/// The due deliveries of one shard.
pub(crate) trait DueDeliveries {
    /// A due delivery.
    type Row;
    /// A position among them.
    type Position: Clone;
    /// A pass as it is stored.
    type StoredPass;

    /// The project of a delivery.
    fn project(row: &Self::Row) -> ProjectId;

    /// The pass.
    fn pass(stored: &Self::StoredPass) -> &Pass<Self::Position>;

    /// The current time.
    fn now(&self) -> Timestamp;

    /// Reads a page from `after` on, most overdue first, with all projects but `without`. It may contain those nevertheless.
    async fn read(
        &mut self,
        after: Option<Self::Position>,
        without: &[ProjectId],
    ) -> Result<Page<Self::Row, Self::Position>, ServiceError>;

    /// Claims deliveries and queues them. Failures are recorded.
    async fn claim(&mut self, rows: &[Self::Row]);

    /// Reads a page of a backlog, from the position of the pass on.
    async fn read_backlog(
        &mut self,
        pass: &Pass<Self::Position>,
    ) -> Result<Page<Self::Row, Self::Position>, ServiceError>;

    /// Queues deliveries without claims.
    async fn queue(&mut self, rows: &[Self::Row]) -> Result<(), ServiceError>;

    /// Stores the next state of a pass. `None` if another run did meanwhile.
    async fn store(
        &mut self,
        known: Self::StoredPass,
        next: Pass<Self::Position>,
    ) -> Result<Option<Self::StoredPass>, ServiceError>;

    /// The number of messages that wait for a sender.
    async fn waiting_messages(&mut self) -> Result<u64, ServiceError>;
}

/// Due deliveries of a shard.
pub(crate) struct Page<R, P> {
    pub(crate) rows: Vec<R>,
    /// The position behind the page; `None` if nothing was read.
    pub(crate) last: Option<P>,
    /// Whether the shard has no more due deliveries.
    pub(crate) is_end: bool,
}

/// Serves every project up to its share, except those `without`. Starts no further batch after `last_start`. Returns the
/// projects that have used up their share.
pub(crate) async fn first_round<D: DueDeliveries>(
    due: &mut D,
    without: &[ProjectId],
    last_start: Timestamp,
) -> Result<Vec<ProjectId>, ServiceError> {
    let (mut round, mut after) = (FirstRound::default(), None);
    loop {
        let page = due.read(after, &[without, round.used_up()].concat()).await?;
        let mut is_served = |project| !without.contains(&project) && round.admit(project);
        let rows: Vec<D::Row> = page.rows.into_iter().filter(|row| is_served(D::project(row))).collect();
        for batch in rows.chunks(BATCH_SIZE) {
            due.claim(batch).await;
            if due.now() >= last_start {
                return Ok(Vec::new());
            }
        }
        if page.is_end || due.now() >= last_start {
            return Ok(round.used_up().to_vec());
        }
        after = page.last;
    }
}

/// Continues the passes in turns, a page each, until `last_start` or until enough messages wait.
pub(crate) async fn continue_passes<D: DueDeliveries>(
    due: &mut D,
    passes: Vec<D::StoredPass>,
    last_start: Timestamp,
) -> Result<(), ServiceError> {
    let mut passes = VecDeque::from(passes);
    while let Some(stored) = passes.pop_front() {
        if due.now() >= last_start || due.waiting_messages().await? >= MAX_WAITING {
            break;
        }
        let page = due.read_backlog(D::pass(&stored)).await?;
        due.queue(&page.rows).await?;
        let next = D::pass(&stored).clone().after_page(page.last, page.is_end, due.now());
        if let Some(stored) = due.store(stored, next).await?
            && !page.is_end
        {
            passes.push_back(stored);
        }
    }
    Ok(())
}

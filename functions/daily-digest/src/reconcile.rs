//! Reconciliation: once a day, a look through the latest events for deliveries that were lost sight of.
//!
//! A delivery has no row before its first attempt was recorded, so nothing but its message brings that about. Messages that
//! failed for an hour are in the dead-letter queue; here they are sent anew. The same look finds endpoints that deliveries are
//! held for and that nobody has planned to look after.

use std::collections::HashSet;
use std::time::Duration;

use shared::aws::store::{DigestProgress, DigestStage, PageToken, StoredHealth};
use shared::delivery::{Delivery, DeliveryState, Nudge};
use shared::digest::{DigestJob, ReconcileJob};
use shared::id::{EndpointId, EventId, ProjectId};
use shared::time::{Timestamp, UtcDay};
use tracing::{info, warn};

use crate::{Digest, DigestError, DigestMailer, DigestQueue, JobError};

/// How old an event is before a delivery without a row counts as lost: longer than a message takes when all is well.
const LOST_AFTER: Duration = Duration::from_mins(10);

/// How many days before today are looked through: yesterday, and one more in case a run was missed.
const DAYS_BACK: u32 = 2;

/// How many projects are queued at once.
const PROJECTS_A_PAGE: u16 = 100;

/// How many events are read at once, and how many pages of them one message is worth; another goes on from there.
const EVENTS_A_PAGE: u16 = 100;
const PAGES_A_MESSAGE: usize = 300;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues a look at each project, from a page on; notes each page as part of the daily run of `run`, and at last that this is
    /// done.
    pub(crate) async fn queue_reconciliations(&self, run: UtcDay, after: Option<PageToken>) -> Result<(), DigestError> {
        let now = self.clock.now();
        let (day, oldest_day) = (now.day(), now.minus(Duration::from_hours(24) * DAYS_BACK).day());
        let job = |project_id| DigestJob::Reconcile(ReconcileJob { project_id, day, before: None, oldest_day });
        let (mut projects, mut next) = (0, after);
        loop {
            let page = self.settings.projects(PROJECTS_A_PAGE, next.as_ref()).await?;
            let jobs: Vec<DigestJob> = page.items.iter().map(|project| job(project.id)).collect();
            self.queue.send(&jobs).await?;
            projects += jobs.len();
            next = page.next;
            let stage = if next.is_none() { DigestStage::Done } else { DigestStage::Reconciliation };
            let progress = DigestProgress { day: run, stage, after: next.clone() };
            self.activity.note_digest_progress(&progress).await?;
            if next.is_none() {
                info!(projects, "{projects} projects will be looked through for lost deliveries");
                return Ok(());
            }
        }
    }

    /// Looks through a project's events, and leaves the rest to another message when there are many; tells how many deliveries were
    /// lost.
    pub(crate) async fn reconcile(&self, job: &ReconcileJob) -> Result<usize, JobError> {
        let mut next = Some(*job);
        let mut endpoints = HashSet::new();
        let mut lost = 0;
        for _ in 0..PAGES_A_MESSAGE {
            let Some(at) = next else { break };
            let page = self.activity.deliveries_on(at.project_id, at.day, at.before, EVENTS_A_PAGE).await?;
            lost += self.send_lost(&page.deliveries).await?;
            endpoints.extend(held_for(&page.deliveries));
            next = following(at, page.next_before);
        }
        self.look_after(job.project_id, endpoints).await?;
        if let Some(rest) = next {
            self.queue.send(&[DigestJob::Reconcile(rest)]).await?;
        }
        let project_id = job.project_id;
        if lost > 0 {
            warn!(project.id = %project_id, lost, "{lost} deliveries of project {project_id} were lost, and are sent anew");
        } else {
            info!(project.id = %project_id, "nothing of project {project_id} was lost");
        }
        Ok(lost)
    }

    /// Sends the messages of first attempts anew that ought to have been made long ago; tells how many. If one was not lost but is
    /// late, one of the two finds nothing left to do.
    async fn send_lost(&self, deliveries: &[Delivery]) -> Result<usize, JobError> {
        let now = self.clock.now();
        let lost = deliveries.iter().filter(|delivery| is_lost(delivery, now));
        let nudges: Vec<Nudge> = lost.map(Delivery::next_nudge).collect();
        let count = nudges.len();
        self.queue.nudge(nudges).await?;
        Ok(count)
    }

    /// Has the sweep look after endpoints that it would not look after otherwise. Those that are paused or disabled are among
    /// them; it finds that there is nothing to do.
    async fn look_after(&self, project: ProjectId, endpoints: HashSet<EndpointId>) -> Result<(), JobError> {
        let now = self.clock.now();
        for endpoint in endpoints {
            let known = self.activity.health_now(project, endpoint).await?;
            if known.sweep_at.is_none() {
                let plan = |stored: &StoredHealth| {
                    stored.sweep_at.is_none().then(|| stored.next(stored.health.clone().holding(now), Some(now)))
                };
                self.activity.change_health(known, plan).await?;
            }
        }
        Ok(())
    }
}

fn is_lost(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.state == DeliveryState::Queued && delivery.id.event.made_at().plus(LOST_AFTER) <= now
}

fn held_for(deliveries: &[Delivery]) -> impl Iterator<Item = EndpointId> {
    deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Held).map(|delivery| delivery.id.endpoint)
}

/// Where to look next, after a page that ended before `before`; `None` when all was looked through.
fn following(at: ReconcileJob, before: Option<EventId>) -> Option<ReconcileJob> {
    match before {
        Some(_) => Some(ReconcileJob { before, ..at }),
        None if at.day <= at.oldest_day => None,
        None => Some(ReconcileJob { day: at.day.previous(), before: None, ..at }),
    }
}

//! Reconciliation: once a day, the deliveries of recent events are searched for lost ones, which are queued again.
//!
//! A delivery has no row until its first attempt is recorded, so the sweep cannot repair a lost first message. Messages that
//! failed for an hour are in the dead-letter queue; reconciliation sends them again. On the last day that it covers, it also
//! stores lost deliveries, so that the sweep repeats them and ends them before their event is deleted. Reconciliation also
//! schedules a check of each endpoint that has held deliveries and no scheduled check.

use std::collections::HashSet;
use std::time::Duration;

use aws::store::{DigestProgress, DigestStage, WriteOutcome};
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::reports::digest::{DigestJob, ReconcileJob};
use domain::reports::schedule;
use domain::webhooks::delivery::{AttemptTask, Delivery, DeliveryState, remind};
use domain::webhooks::event::SubmissionId;
use tracing::{info, warn};

use crate::digest::{Digest, DigestError, JobError};
use crate::ports::{DigestMailer, DigestQueue};
use crate::schedule::PROJECTS_PER_PAGE;

/// Minimum age of an event at which a delivery without a row counts as lost. Longer than a message takes in normal operation.
const LOST_AFTER: Duration = Duration::from_mins(10);

/// Maximum number of events read at once.
const EVENTS_PER_PAGE: u16 = 100;

/// Maximum number of pages reconciled for one message. Another message continues after them.
const PAGES_PER_MESSAGE: usize = 300;

impl<Q: DigestQueue, M: DigestMailer> Digest<Q, M> {
    /// Queues the reconciliation of each project, starting at the current page of the run. Stores the progress after each page,
    /// so that a later run can continue if this one dies.
    pub(crate) async fn queue_reconciliations(&self, run: &DigestProgress) -> Result<(), DigestError> {
        let now = self.clock.now();
        let (day, oldest_day) = (now.day(), schedule::oldest_day(now.day()));
        let job = |project_id| DigestJob::Reconcile(ReconcileJob { project_id, day, before: None, oldest_day });
        let (mut projects, mut next) = (0, run.after.clone());
        loop {
            let page = self.store.projects.list(PROJECTS_PER_PAGE, next.as_ref()).await?;
            let jobs: Vec<DigestJob> = page.items.iter().map(|project| job(project.id)).collect();
            self.queue.send_jobs(&jobs).await?;
            projects += jobs.len();
            next = page.next;
            let stage = if next.is_none() { DigestStage::Done } else { DigestStage::Reconciliation };
            let progress = DigestProgress { stage, after: next.clone(), ..run.clone() };
            self.store.digest.note_progress(&progress).await?;
            if next.is_none() {
                info!(projects, "reconciliations of {projects} projects were queued");
                return Ok(());
            }
        }
    }

    /// Queues the lost deliveries of a project again, and returns their number. After [`PAGES_PER_MESSAGE`] pages the rest is left
    /// to another message.
    pub(crate) async fn reconcile(&self, job: &ReconcileJob) -> Result<usize, JobError> {
        let mut next = Some(*job);
        let mut endpoints = HashSet::new();
        let mut lost = 0;
        for _ in 0..PAGES_PER_MESSAGE {
            let Some(at) = next else { break };
            let page = self.store.events.deliveries_on(at.project_id, at.day, at.before, EVENTS_PER_PAGE).await?;
            if at.day >= job.day.previous() {
                self.complete_events(at.project_id, page.of_submissions).await?;
            }
            let is_last_chance = at.day <= at.oldest_day;
            lost += if is_last_chance {
                self.store_lost(&page.deliveries).await?
            } else {
                self.queue_lost(&page.deliveries).await?
            };
            endpoints.extend(held_for(&page.deliveries));
            next = next_page(at, page.next_before);
        }
        // These include paused and disabled endpoints, for which the sweep then does nothing.
        for endpoint in endpoints {
            self.store.health.schedule_missing_check(job.project_id, endpoint, self.clock.now()).await?;
        }
        if let Some(rest) = next {
            self.queue.send_jobs(&[DigestJob::Reconcile(rest)]).await?;
        }
        let project_id = job.project_id;
        if lost > 0 {
            warn!(project.id = %project_id, lost, "{lost} lost deliveries of project {project_id} were queued again");
        } else {
            info!(project.id = %project_id, "project {project_id} has no lost deliveries");
        }
        Ok(lost)
    }

    /// Queues the first attempts of lost deliveries again, and returns their number. If a first message was only late, webhook-sender
    /// drops the second one.
    async fn queue_lost(&self, deliveries: &[Delivery]) -> Result<usize, JobError> {
        let tasks: Vec<AttemptTask> = self.lost(deliveries).await?.into_iter().map(Delivery::next_task).collect();
        let count = tasks.len();
        self.queue.send_tasks(tasks).await?;
        Ok(count)
    }

    /// Numbers the events whose calls died before they did. This is checked for today and yesterday only, because it reads the rows of
    /// all submissions. Older ones are numbered if one of their deliveries is lost.
    async fn complete_events(&self, project: ProjectId, events: Vec<(SubmissionId, EventId)>) -> Result<(), JobError> {
        let now = self.clock.now();
        let old: Vec<_> = events.into_iter().filter(|(_, id)| id.created_at().plus(LOST_AFTER) <= now).collect();
        let numbered = self.store.events.numbers_of(project, &old).await?;
        for (submission, id) in old.iter().filter(|(_, id)| !numbered.contains_key(id)) {
            self.store.events.complete(project, submission, *id, &*self.clock, &*self.random).await?;
        }
        Ok(())
    }

    /// Returns the lost ones among `deliveries`. If the call that published their event died before it numbered the event, this
    /// numbers it. Deliveries of a submission that was erased meanwhile are left out.
    async fn lost<'a>(&self, deliveries: &'a [Delivery]) -> Result<Vec<&'a Delivery>, JobError> {
        let now = self.clock.now();
        let mut lost = Vec::new();
        for delivery in deliveries.iter().filter(|delivery| is_lost(delivery, now)) {
            let is_open = match &delivery.submission_id {
                Some(submission) => {
                    let (project, event) = (delivery.project_id, delivery.id.event);
                    self.store.events.complete(project, submission, event, &*self.clock, &*self.random).await?
                }
                None => true,
            };
            lost.extend(is_open.then_some(delivery));
        }
        Ok(lost)
    }

    /// Stores lost deliveries as due now, queues them, and returns their number.
    async fn store_lost(&self, deliveries: &[Delivery]) -> Result<usize, JobError> {
        let now = self.clock.now();
        let mut tasks = Vec::new();
        for delivery in self.lost(deliveries).await? {
            let due = delivery.clone().released(now);
            if self.store.deliveries.record_lost(&due, remind(now, now).sweep_at).await? == WriteOutcome::Applied {
                tasks.push(due.next_task());
            }
        }
        let count = tasks.len();
        self.queue.send_tasks(tasks).await?;
        Ok(count)
    }
}

fn is_lost(delivery: &Delivery, now: Timestamp) -> bool {
    delivery.state == DeliveryState::Queued && delivery.id.event.created_at().plus(LOST_AFTER) <= now
}

fn held_for(deliveries: &[Delivery]) -> impl Iterator<Item = EndpointId> {
    deliveries.iter().filter(|delivery| delivery.is_held_for_endpoint()).map(|delivery| delivery.id.endpoint)
}

/// The page after `at`: continues before the event `before`, or with the previous day if that day has no more events. `None` after
/// the last page.
fn next_page(at: ReconcileJob, before: Option<EventId>) -> Option<ReconcileJob> {
    match before {
        Some(_) => Some(ReconcileJob { before, ..at }),
        None if at.day <= at.oldest_day => None,
        None => Some(ReconcileJob { day: at.day.previous(), before: None, ..at }),
    }
}

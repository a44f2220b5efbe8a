//! Accepts events: stores them, and numbers those of a submission.
//!
//! An event is accepted by the last write: by its number, or by its row if it has no submission. A crash before that write leaves an
//! event that is not accepted yet. Repeating the call accepts it.

use std::collections::HashMap;

use domain::foundation::clock::Clock;
use domain::foundation::id::{EndpointId, EventId, ProjectId};
use domain::foundation::random::Random;
use domain::webhooks::event::{Event, Sequence, SubmissionId};

use super::error::StoreError;
use super::events::EventStore;
use super::outcome::WriteOutcome;

/// An accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Whether this call stored the event. [`WriteOutcome::Conflict`]: an earlier call did.
    pub outcome: WriteOutcome,
    /// The endpoints that the event goes to: those of the call that stored it.
    pub endpoints: Vec<EndpointId>,
    /// Its number within its submission.
    pub sequence: Option<Sequence>,
    /// Whether the submission was erased after the event's time. The event and its deliveries are erased as well.
    pub is_erased: bool,
}

impl EventStore {
    /// Accepts events of one project with their endpoints, and returns the results in the same order. Accepting an event again
    /// changes nothing and returns the same number.
    pub async fn accept_all(
        &self,
        events: &[(Event, Vec<EndpointId>)],
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Vec<Accepted>, StoreError> {
        let Some((Event { project_id: project, .. }, _)) = events.first() else { return Ok(Vec::new()) };
        let unnumbered = events.iter().filter(|(event, _)| event.submission_id.is_none()).map(|(event, _)| event.id);
        let late = self.write_late_entries(*project, &unnumbered.collect::<Vec<_>>(), clock.now(), random).await?;
        let stored = self.put_all(events, &late.into_iter().collect()).await?;
        let numbered = self.number_all(*project, by_submission(events), clock, random).await?;
        let mut accepted = Vec::with_capacity(events.len());
        for ((Event { id, submission_id, .. }, _), (outcome, endpoints)) in events.iter().zip(stored) {
            let submission = submission_id.as_ref().and_then(|submission| numbered.get(submission));
            let is_erased = match submission {
                Some(submission) if submission.was_erased_after(*id) => {
                    self.erase_event(*project, *id, clock.now()).await?.is_some()
                }
                _ => false,
            };
            let sequence = submission.and_then(|submission| submission.sequence_of(*id));
            accepted.push(Accepted { outcome, endpoints, sequence, is_erased });
        }
        Ok(accepted)
    }

    /// Numbers an event whose call died before it did, and returns whether it may be delivered: not if its submission was erased.
    pub async fn complete(
        &self,
        project: ProjectId,
        submission: &SubmissionId,
        id: EventId,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<bool, StoreError> {
        if !self.number(project, submission, &[id], clock, random).await?.was_erased_after(id) {
            return Ok(true);
        }
        self.erase_event(project, id, clock.now()).await.map(|_| false)
    }
}

/// The ids of the events of each submission, in the order of the events.
fn by_submission(events: &[(Event, Vec<EndpointId>)]) -> HashMap<&SubmissionId, Vec<EventId>> {
    let mut groups: HashMap<_, Vec<EventId>> = HashMap::new();
    for (event, _) in events {
        if let Some(submission) = &event.submission_id {
            groups.entry(submission).or_default().push(event.id);
        }
    }
    groups
}

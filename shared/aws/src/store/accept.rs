//! Accepts events: stores them, and numbers those of a submission.
//!
//! An event is accepted by the last write: by its number, or by its row if it has no submission. A crash before that write leaves an
//! event that is not accepted yet. Repeating the call accepts it.

use std::collections::HashMap;

use domain::foundation::clock::Clock;
use domain::foundation::id::{EndpointId, EventId, LateEntryId, ProjectId};
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
        let unnumbered: Vec<EventId> =
            events.iter().filter(|(event, _)| event.submission_id.is_none()).map(|(event, _)| event.id).collect();
        let late = self.write_late_entries(*project, &unnumbered, clock.now(), random).await?;
        let late: HashMap<EventId, LateEntryId> = late.into_iter().collect();
        let stored = self.put_all(events, &late).await?;
        let mut accepted: Vec<Accepted> = stored
            .into_iter()
            .map(|(outcome, endpoints)| Accepted { outcome, endpoints, sequence: None, is_erased: false })
            .collect();
        let listed = events
            .iter()
            .zip(0..)
            .filter_map(|((event, _), index)| Some((event.submission_id.as_ref()?, event.id, index)));
        let mut groups: Vec<(&SubmissionId, Vec<(EventId, usize)>)> = Vec::new();
        for (submission, id, index) in listed {
            match groups.iter_mut().find(|(grouped, _)| *grouped == submission) {
                Some((_, ids)) => ids.push((id, index)),
                None => groups.push((submission, vec![(id, index)])),
            }
        }
        let ids = |members: &[(EventId, usize)]| members.iter().map(|(id, _)| *id).collect();
        let numbering = groups.iter().map(|(submission, members)| (*submission, ids(members))).collect();
        let numbered = self.number_all(*project, numbering, clock, random).await?;
        for ((_, members), submission) in groups.into_iter().zip(numbered) {
            for (id, index) in members {
                accepted[index].sequence = submission.sequence_of(id);
                if submission.was_erased_after(id) {
                    accepted[index].is_erased = self.erase_event(*project, id, clock.now()).await?.is_some();
                }
            }
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
        let numbered = self.number_all(project, vec![(submission, vec![id])], clock, random).await?;
        if !numbered.iter().any(|numbered| numbered.was_erased_after(id)) {
            return Ok(true);
        }
        self.erase_event(project, id, clock.now()).await.map(|_| false)
    }
}

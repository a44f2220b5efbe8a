//! Fair sweeps: in which order one run handles the due deliveries of a shard, so that no project's backlog delays the others.
//!
//! A run first serves every project up to [`FIRST_SHARE`], most overdue delivery first. It claims each of these deliveries with
//! a write. A project with more deliveries has a backlog. The run then passes through the backlogs page by page, in turns, and
//! queues their deliveries without claims: the position of the [`Pass`] is stored instead. A claim would cost a write to the
//! partition of the delivery's day, which takes 1,000 a second and is needed to record attempts.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::id::ProjectId;
use crate::foundation::time::Timestamp;

/// Maximum number of deliveries of a project in one shard that a run handles before it has served the other projects.
pub const FIRST_SHARE: usize = 100;

/// How long after a pass has reached the end its position is kept. A delivery that is still due after that is handled again,
/// because its message was lost.
const REPEAT_AFTER: Duration = Duration::from_mins(20);

/// The part of a run that serves every project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstRound {
    served: HashMap<ProjectId, usize>,
    used_up: Vec<ProjectId>,
}

impl FirstRound {
    /// Whether the round handles another delivery of `project`, and counts it if so.
    pub fn admit(&mut self, project: ProjectId) -> bool {
        let served = self.served.entry(project).or_default();
        let is_admitted = *served < FIRST_SHARE;
        *served += usize::from(is_admitted);
        if is_admitted && *served == FIRST_SHARE {
            self.used_up.push(project);
        }
        is_admitted
    }

    /// The projects that have used up their share, in this order. The round need not read their further deliveries.
    pub fn used_up(&self) -> &[ProjectId] {
        &self.used_up
    }
}

/// A pass through the backlog of a project in one shard, over several runs. New due deliveries come after its position, because
/// a delivery enters the index minutes before it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pass<P> {
    /// The project with the backlog.
    pub project_id: ProjectId,
    /// The last delivery that was queued; `None` before the first.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub position: Option<P>,
    /// When the pass reached the end of the shard for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// `Option` has a default for every type, but the derived code would require one of `P`.
const fn none<P>() -> Option<P> {
    None
}

impl<P> Pass<P> {
    /// A pass that has not begun.
    pub fn new(project_id: ProjectId) -> Self {
        Self { project_id, position: None, ended_at: None }
    }

    /// The pass after a page was queued. `last` is the last delivery read, if any, and `is_end` whether the shard has no more.
    #[must_use]
    pub fn after_page(self, last: Option<P>, is_end: bool, now: Timestamp) -> Self {
        let ended_at = self.ended_at.or(is_end.then_some(now));
        Self { position: last.or(self.position), ended_at, ..self }
    }

    /// Whether the position has to be forgotten, so that deliveries whose message was lost are handled again.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ended_at.is_some_and(|ended_at| now.since(ended_at) >= REPEAT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn projects(count: usize) -> Vec<ProjectId> {
        (0..count).map(|_| ProjectId::new(now(), &SystemRandom)).collect()
    }

    #[test]
    fn a_pass_remembers_its_position_until_twenty_minutes_after_its_first_end() {
        let minute = |minute: u64| now().plus(Duration::from_mins(minute));
        let pass = Pass::new(projects(1)[0]).after_page(Some(7), false, minute(0));
        assert_eq!((pass.position, pass.ended_at, pass.is_over(minute(600))), (Some(7), None, false));
        let ended = pass.after_page(None, true, minute(1)).after_page(Some(9), true, minute(5));
        assert_eq!((ended.position, ended.ended_at), (Some(9), Some(minute(1))));
        assert_eq!((ended.is_over(minute(20)), ended.is_over(minute(21))), (false, true));
    }

    #[test]
    fn a_stored_pass_is_read_again() {
        for pass in [Pass::new(projects(1)[0]), Pass::new(projects(1)[0]).after_page(Some(7), true, now())] {
            let json = serde_json::to_string(&pass).unwrap();
            assert_eq!(serde_json::from_str::<Pass<u8>>(&json).unwrap(), pass);
        }
    }

    proptest! {
        #[test]
        fn the_first_round_serves_every_project_up_to_its_share(
            backlogs in proptest::collection::vec(1_usize..300, 1..12),
        ) {
            let projects = projects(backlogs.len());
            let mut round = FirstRound::default();
            // The deliveries of the first project are in front of all others, and so on.
            for (project, backlog) in projects.iter().zip(&backlogs) {
                let admitted = (0..*backlog).filter(|_| round.admit(*project)).count();
                prop_assert_eq!(admitted, (*backlog).min(FIRST_SHARE));
                prop_assert_eq!(round.used_up().contains(project), *backlog >= FIRST_SHARE);
            }
        }
    }
}

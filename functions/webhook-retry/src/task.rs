//! What an invocation does. The schedules and the function itself choose it by their event.

use aws::store::SHARDS;
use serde::{Deserialize, Serialize};

/// Part of the work that has an invocation of its own. In JSON its kind is the only member: `{"shard": 3}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Sweep one shard of the index of due rows, because it has too much for the run that sweeps them all.
    Shard(Shard),
    /// End the held deliveries that expire.
    Expire {
        /// Number of earlier invocations that did not finish.
        #[serde(default)]
        after_runs: u8,
    },
}

/// Number of a shard, from 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Shard(u8);

impl Shard {
    /// All shards.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// The number of the shard.
    pub(crate) fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Shard {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        if number < SHARDS { Ok(Self(number)) } else { Err("no shard has this number") }
    }
}

impl From<Shard> for u8 {
    fn from(shard: Shard) -> Self {
        shard.0
    }
}

/// The event of an invocation. The event of the schedule that sweeps every minute has no task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The task; `None` to sweep all shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
}

impl From<Task> for Event {
    fn from(task: Task) -> Self {
        Self { task: Some(task) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Event> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn the_sample_events_are_tasks() {
        let sweep = read(include_str!("../../../events/webhook-retry-schedule.json"));
        assert_eq!(sweep, Some(Event { task: None }));
        let shard = read(include_str!("../../../events/webhook-retry-shard.json"));
        assert_eq!(shard, Some(Task::Shard(Shard(3)).into()));
        let expire = read(include_str!("../../../events/webhook-retry-expire.json"));
        assert_eq!(expire, Some(Task::Expire { after_runs: 0 }.into()));
    }

    #[test]
    fn a_task_survives_a_round_trip_through_json() {
        for task in [Task::Shard(Shard(15)), Task::Expire { after_runs: 2 }] {
            let json = serde_json::to_string(&Event::from(task)).unwrap();
            assert_eq!(read(&json), Some(task.into()));
        }
    }

    #[test]
    fn a_shard_that_does_not_exist_is_rejected() {
        assert_eq!(read(r#"{"task":{"shard":16}}"#), None);
        assert_eq!(read(r#"{"task":"everything"}"#), None);
    }
}

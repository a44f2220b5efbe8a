//! Why the function runs: a morning, somebody who asks for a day, or a message of its own queue.

use aws_lambda_events::sqs::SqsEvent;
use serde_json::Value;
use shared::time::{BadDay, Timestamp, UtcDay};
use thiserror::Error;

/// What starts a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Reports are due: of this day, or of those that are over and were not reported yet.
    Day(Option<UtcDay>),
    /// Messages came, one report or notice each.
    Messages(SqsEvent),
}

/// An event that is none of them.
#[derive(Debug, Error)]
pub enum BadTrigger {
    /// It is no JSON object.
    #[error("event is not a JSON object")]
    NotAnObject,
    /// It has records, but not those of a queue.
    #[error("event has records that are no messages")]
    Records(#[source] serde_json::Error),
    /// Its day is none.
    #[error("event's day cannot be read")]
    Day(#[source] BadDay),
    /// Its day has not begun, or so long ago that its deliveries are no longer kept.
    #[error("event's day {0} has no report: it is to come, or no longer kept")]
    NoReport(UtcDay),
}

impl TryFrom<Value> for Trigger {
    type Error = BadTrigger;

    /// Tells the triggers apart by their shape. A schedule's own event has neither `Records` nor `day`.
    fn try_from(event: Value) -> Result<Self, BadTrigger> {
        let Value::Object(members) = &event else { return Err(BadTrigger::NotAnObject) };
        if members.contains_key("Records") {
            return serde_json::from_value(event).map(Self::Messages).map_err(BadTrigger::Records);
        }
        let Some(day) = members.get("day") else { return Ok(Self::Day(None)) };
        day.as_str().unwrap_or_default().parse().map(|day| Self::Day(Some(day))).map_err(BadTrigger::Day)
    }
}

/// Whether a day that is asked for at `now` is still to end.
pub(crate) fn is_preview(asked: UtcDay, oldest_kept: UtcDay, now: Timestamp) -> Result<bool, BadTrigger> {
    let has_report = (oldest_kept..=now.day()).contains(&asked);
    if has_report { Ok(asked == now.day()) } else { Err(BadTrigger::NoReport(asked)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(json: &str) -> Result<Trigger, BadTrigger> {
        Trigger::try_from(serde_json::from_str::<Value>(json).unwrap())
    }

    fn day(text: &str) -> UtcDay {
        text.parse().unwrap()
    }

    #[test]
    fn the_sample_events_are_understood() {
        let schedule = trigger(include_str!("../../../events/daily-digest-schedule.json")).unwrap();
        assert_eq!(schedule, Trigger::Day(None));
        let asked = trigger(include_str!("../../../events/daily-digest-day.json")).unwrap();
        assert_eq!(asked, Trigger::Day(Some(day("2026-11-21"))));
        let Trigger::Messages(messages) = trigger(include_str!("../../../events/daily-digest-queue.json")).unwrap()
        else {
            panic!("the queue's event has messages");
        };
        assert_eq!(messages.records.len(), 1);
    }

    #[test]
    fn other_events_are_refused() {
        assert!(matches!(trigger("[]"), Err(BadTrigger::NotAnObject)));
        assert!(matches!(trigger(r#"{"day":"yesterday"}"#), Err(BadTrigger::Day(_))));
        assert!(matches!(trigger(r#"{"day":20261121}"#), Err(BadTrigger::Day(_))));
        assert!(matches!(trigger(r#"{"Records":1}"#), Err(BadTrigger::Records(_))));
    }

    #[test]
    fn a_day_has_a_report_while_its_deliveries_are_kept() {
        let now = "2026-11-22T00:10:00Z".parse().unwrap();
        let oldest = day("2026-10-23");
        assert!(!is_preview(day("2026-11-19"), oldest, now).unwrap());
        assert!(is_preview(day("2026-11-22"), oldest, now).unwrap());
        assert!(is_preview(day("2026-11-23"), oldest, now).is_err());
        assert!(is_preview(day("2026-10-22"), oldest, now).is_err());
    }
}

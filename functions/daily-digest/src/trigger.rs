//! Why the function runs: a morning, somebody who asks for a day, or a message of its own queue.

use aws_lambda_events::sqs::SqsEvent;
use serde_json::Value;
use shared::time::{BadDay, Timestamp, UtcDay};
use thiserror::Error;

/// What starts a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// The reports of a day are due: of this one, or of the last that is over.
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

/// The day to report when `asked` for at `now`, and whether its end is still to come.
pub(crate) fn report_day(
    asked: Option<UtcDay>,
    oldest_kept: UtcDay,
    now: Timestamp,
) -> Result<(UtcDay, bool), BadTrigger> {
    let day = asked.unwrap_or_else(|| UtcDay::before(now));
    let has_report = (oldest_kept..=now.day()).contains(&day);
    if has_report { Ok((day, day == now.day())) } else { Err(BadTrigger::NoReport(day)) }
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
    fn the_schedule_means_the_last_whole_day() {
        let now = "2026-11-22T00:10:00Z".parse().unwrap();
        let oldest = day("2026-10-23");
        assert_eq!(report_day(None, oldest, now).unwrap(), (day("2026-11-21"), false));
        assert_eq!(report_day(Some(day("2026-11-19")), oldest, now).unwrap(), (day("2026-11-19"), false));
        assert_eq!(report_day(Some(day("2026-11-22")), oldest, now).unwrap(), (day("2026-11-22"), true));
        assert!(report_day(Some(day("2026-11-23")), oldest, now).is_err());
        assert!(report_day(Some(day("2026-10-22")), oldest, now).is_err());
    }
}

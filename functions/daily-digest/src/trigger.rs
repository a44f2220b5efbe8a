//! What starts a run: the daily schedule, an operator who requests a day, or messages of the report queue.

use aws_lambda_events::sqs::SqsEvent;
use domain::foundation::time::{BadDay, Timestamp, UtcDay};
use serde_json::Value;
use thiserror::Error;

/// What starts a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Queue reports: of this day, or of every past day without reports.
    Day(Option<UtcDay>),
    /// Process messages of the report queue. Each is one report, notice or reconciliation.
    Messages(SqsEvent),
}

/// Why an event is not a valid trigger.
#[derive(Debug, Error)]
pub enum BadTrigger {
    /// The event is not a JSON object.
    #[error("event is not a JSON object")]
    NotAnObject,
    /// The event has `Records` that are not queue messages.
    #[error("records of the event are not queue messages")]
    Records(#[source] serde_json::Error),
    /// The event's `day` is not a date.
    #[error("day of the event is invalid")]
    Day(#[source] BadDay),
    /// The event's `day` is in the future, or its deliveries have expired.
    #[error("day {0} has no report: it is in the future or its deliveries have expired")]
    NoReport(UtcDay),
}

impl TryFrom<Value> for Trigger {
    type Error = BadTrigger;

    /// Recognises a trigger by its members. The event of the schedule has neither `Records` nor `day`.
    fn try_from(event: Value) -> Result<Self, BadTrigger> {
        let Value::Object(members) = &event else { return Err(BadTrigger::NotAnObject) };
        if members.contains_key("Records") {
            return serde_json::from_value(event).map(Self::Messages).map_err(BadTrigger::Records);
        }
        let Some(day) = members.get("day") else { return Ok(Self::Day(None)) };
        day.as_str().unwrap_or_default().parse().map(|day| Self::Day(Some(day))).map_err(BadTrigger::Day)
    }
}

/// Whether the requested day is today, so that its report is only a preview. Fails if the day has no report.
pub(crate) fn is_preview(day: UtcDay, oldest_kept: UtcDay, now: Timestamp) -> Result<bool, BadTrigger> {
    let has_report = (oldest_kept..=now.day()).contains(&day);
    if has_report { Ok(day == now.day()) } else { Err(BadTrigger::NoReport(day)) }
}

#[cfg(test)]
mod tests {
    use domain::reports::digest::DigestJob;
    use domain::reports::report::ReportJob;

    use super::*;

    fn trigger(json: &str) -> Result<Trigger, BadTrigger> {
        Trigger::try_from(serde_json::from_str::<Value>(json).unwrap())
    }

    fn day(value: &str) -> UtcDay {
        value.parse().unwrap()
    }

    #[test]
    fn the_sample_events_are_valid_triggers() {
        let schedule = trigger(include_str!("../../../events/daily-digest-schedule.json")).unwrap();
        assert_eq!(schedule, Trigger::Day(None));
        let requested = trigger(include_str!("../../../events/daily-digest-day.json")).unwrap();
        assert_eq!(requested, Trigger::Day(Some(day("2026-11-21"))));
        let Trigger::Messages(messages) = trigger(include_str!("../../../events/daily-digest-queue.json")).unwrap()
        else {
            panic!("the event of the queue has messages");
        };
        assert_eq!(messages.records.len(), 1);
        let Trigger::Messages(slice) = trigger(include_str!("../../../events/daily-digest-slice.json")).unwrap() else {
            panic!("the event of a slice has a message");
        };
        let job = serde_json::from_str(slice.records[0].body.as_deref().unwrap()).unwrap();
        assert!(matches!(job, DigestJob::Report(ReportJob { slice: Some(_), .. })), "{job:?}");
    }

    #[test]
    fn other_events_are_rejected() {
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

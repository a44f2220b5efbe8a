//! Which reports a daily run queues.
//!
//! The schedule starts a run every hour. A report of a day is due in the first run at or after the project's hour on the next
//! day. A run queues what became due since the last complete run, so a missed run is made up for. Queueing a report twice is
//! harmless, because each user is mailed once.

use serde::{Deserialize, Serialize};

use crate::foundation::time::{Timestamp, UtcDay};
use crate::projects::project::Project;
use crate::projects::report_hour::ReportHour;

/// Maximum number of days before yesterday whose missed reports are still queued.
const MAX_CATCH_UP_DAYS: u32 = 3;

/// The oldest day that the daily run of `today` covers. Lost deliveries are searched for as long as their reports are queued.
pub fn oldest_day(today: UtcDay) -> UtcDay {
    (0..MAX_CATCH_UP_DAYS).fold(today.previous(), |day, _| day.previous())
}

/// An hour of a certain day, in which a run takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunHour {
    /// The UTC day of the run.
    pub day: UtcDay,
    /// The hour.
    pub hour: ReportHour,
}

impl RunHour {
    /// The hour that contains `now`.
    pub fn of(now: Timestamp) -> Self {
        let seconds = now.since(now.day().start()).as_secs();
        let hour = i64::try_from(seconds / 3600).ok().and_then(|hour| ReportHour::try_from(hour).ok());
        Self { day: now.day(), hour: hour.unwrap_or(ReportHour::LAST) }
    }

    /// The last hour of `day`.
    pub fn end_of(day: UtcDay) -> Self {
        Self { day, hour: ReportHour::LAST }
    }
}

/// The days whose reports of `project` are due in the run `now`, oldest first. `last` is the last complete run.
///
/// A project can change its hour to one that has already passed, before a run of the old hour took place. No run would then see the
/// report become due. After a change, the report of the day before is therefore due in every run of the day from the new hour on,
/// and in the first run of the next day. If the last run of a day is missed, the same is true of a change on the next day. The
/// project may be read from an index that lags behind by seconds.
pub fn days_due(project: &Project, last: RunHour, now: RunHour) -> Vec<UtcDay> {
    let hour = project.report_hour.unwrap_or_default();
    let yesterday = now.day.previous();
    let oldest = oldest_day(now.day).max(project.created_at.day());
    let is_due = |day: UtcDay| {
        let due_in = RunHour { day: day.next(), hour };
        let changed_on = project.report_hour_changed_at.map(Timestamp::day);
        let is_new = match changed_on {
            Some(day) if day == due_in.day => last <= RunHour::end_of(day),
            Some(day) if day > due_in.day => last < RunHour::end_of(due_in.day),
            _ => last < due_in,
        };
        due_in <= now && is_new
    };
    let days = std::iter::successors(Some(oldest), |day| Some(day.next())).take_while(|day| *day <= yesterday);
    days.filter(|day| is_due(*day)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::foundation::draft::Draft;
    use crate::foundation::id::ProjectId;
    use crate::foundation::random::SystemRandom;
    use crate::projects::project::{NewProject, ProjectChange};

    fn timestamp(value: &str) -> Timestamp {
        value.parse().unwrap()
    }

    fn project(created_at: Timestamp) -> Project {
        let new = NewProject::try_from(Draft::parse(br#"{"name":"Acme"}"#).unwrap()).unwrap();
        new.create(ProjectId::new(created_at, &SystemRandom))
    }

    fn set_hour(project: &mut Project, hour: Option<u8>, at: Timestamp) {
        let body = serde_json::json!({ "reportHour": hour }).to_string();
        project.apply(ProjectChange::try_from(Draft::parse(body.as_bytes()).unwrap()).unwrap(), at);
    }

    fn run(at: &str) -> RunHour {
        RunHour::of(timestamp(at))
    }

    fn due(project: &Project, last: &str, now: &str) -> Vec<String> {
        days_due(project, run(last), run(now)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_report_is_due_in_the_first_run_at_or_after_the_hour_of_its_project() {
        let mut acme = project(timestamp("2026-11-01T00:00:00Z"));
        assert_eq!(due(&acme, "2026-11-21T23:10:00Z", "2026-11-22T00:10:00Z"), ["2026-11-21"]);
        assert_eq!(due(&acme, "2026-11-22T00:10:00Z", "2026-11-22T01:10:00Z"), [""; 0]);
        set_hour(&mut acme, Some(8), timestamp("2026-11-02T00:00:00Z"));
        assert_eq!(due(&acme, "2026-11-21T23:10:00Z", "2026-11-22T07:10:00Z"), [""; 0]);
        assert_eq!(due(&acme, "2026-11-22T07:10:00Z", "2026-11-22T08:10:00Z"), ["2026-11-21"]);
        assert_eq!(due(&acme, "2026-11-22T08:10:00Z", "2026-11-22T09:10:00Z"), [""; 0]);
    }

    #[test]
    fn missed_days_are_due_again_up_to_three_days_before_yesterday() {
        let acme = project(timestamp("2026-11-01T00:00:00Z"));
        let now = "2026-11-22T00:10:00Z";
        assert_eq!(due(&acme, "2026-11-20T00:10:00Z", now), ["2026-11-20", "2026-11-21"]);
        let all = ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];
        assert_eq!(due(&acme, "2026-11-01T00:10:00Z", now), all, "no run for weeks");
    }

    #[test]
    fn days_before_the_creation_of_a_project_are_never_due() {
        let new = project(timestamp("2026-11-21T15:00:00Z"));
        assert_eq!(due(&new, "2026-11-21T14:10:00Z", "2026-11-21T16:10:00Z"), [""; 0]);
        assert_eq!(due(&new, "2026-11-01T00:10:00Z", "2026-11-22T00:10:00Z"), ["2026-11-21"]);
    }

    #[test]
    fn a_change_from_an_hour_to_come_to_one_that_has_passed_loses_no_report() {
        let mut acme = project(timestamp("2026-11-01T00:00:00Z"));
        set_hour(&mut acme, Some(20), timestamp("2026-11-02T00:00:00Z"));
        set_hour(&mut acme, Some(6), timestamp("2026-11-22T12:00:00Z"));
        assert_eq!(due(&acme, "2026-11-22T11:10:00Z", "2026-11-22T12:10:00Z"), ["2026-11-21"]);
        assert_eq!(due(&acme, "2026-11-22T23:10:00Z", "2026-11-23T00:10:00Z"), ["2026-11-21"], "no later run that day");
        assert_eq!(due(&acme, "2026-11-23T00:10:00Z", "2026-11-23T06:10:00Z"), ["2026-11-22"]);
    }

    #[test]
    fn a_change_on_the_day_after_a_missed_run_loses_no_report() {
        let mut acme = project(timestamp("2026-11-01T00:00:00Z"));
        set_hour(&mut acme, Some(23), timestamp("2026-11-02T00:00:00Z"));
        set_hour(&mut acme, Some(11), timestamp("2026-11-23T00:16:00Z"));
        assert_eq!(due(&acme, "2026-11-22T22:10:00Z", "2026-11-23T01:10:00Z"), ["2026-11-21"], "no run at 23:10");
        assert_eq!(due(&acme, "2026-11-23T01:10:00Z", "2026-11-23T11:10:00Z"), ["2026-11-22"]);
    }

    /// What happens in the hours of a week.
    #[derive(Debug, Clone)]
    struct Hour {
        /// The hour is changed at this second, to this hour or to the default.
        change: Option<(u64, Option<u8>)>,
        /// A run takes place at this second, and reads the project as it was this many seconds before.
        run: Option<(u64, u64)>,
    }

    fn hours() -> impl Strategy<Value = Vec<Hour>> {
        let change = proptest::option::weighted(0.1, (0..3600_u64, proptest::option::of(0..24_u8)));
        // Half of the runs are at ten past, and a few are missed.
        let run = proptest::option::weighted(0.95, (prop_oneof![Just(600), 0..3600_u64], 0..30_u64));
        let hour = (change, run).prop_map(|(change, run)| Hour { change, run });
        proptest::collection::vec(hour, 7 * 24)
    }

    proptest! {
        #[test]
        fn every_day_is_reported_after_it_ended_and_by_the_end_of_the_next(hours in hours(), created in 0..48_u64) {
            let start = timestamp("2026-11-16T00:00:00Z");
            let created_at = start.plus(Duration::from_secs(created * 3600 + 1800));
            let mut versions = vec![(created_at, project(created_at))];
            let mut last = RunHour::end_of(start.day().previous());
            let mut reported: BTreeMap<UtcDay, Timestamp> = BTreeMap::new();
            let mut last_of_day: BTreeMap<UtcDay, Timestamp> = BTreeMap::new();
            for (number, hour) in (0_u64..).zip(&hours) {
                let begins_at = start.plus(Duration::from_secs(number * 3600));
                if let Some((second, to)) = hour.change {
                    let at = begins_at.plus(Duration::from_secs(second));
                    let mut changed = versions.last().unwrap().1.clone();
                    set_hour(&mut changed, to, at);
                    versions.push((at.max(created_at), changed));
                }
                let Some((second, lag)) = hour.run else { continue };
                let at = begins_at.plus(Duration::from_secs(second));
                let seen_at = at.minus(Duration::from_secs(lag));
                let seen = versions.iter().rev().find(|(since, _)| *since <= seen_at);
                if let Some((_, seen)) = seen {
                    for day in days_due(seen, last, RunHour::of(at)) {
                        prop_assert!(day.next().start() <= at, "{} is reported at {}", day, at);
                        reported.entry(day).or_insert(at);
                    }
                }
                last = RunHour::of(at);
                last_of_day.insert(at.day(), at);
            }
            let end = start.plus(Duration::from_hours(7 * 24)).day();
            let days = std::iter::successors(Some(created_at.day()), |day| Some(day.next()));
            for day in days.take_while(|day| day.next().next() < end) {
                // At the latest the first run of the day after the next makes up for missed runs and late changes.
                let latest = last_of_day.range(day.next().next()..).next().map(|(_, at)| *at);
                let is_reported = reported.get(&day).is_some_and(|at| latest.is_none_or(|latest| *at <= latest));
                prop_assert!(is_reported || latest.is_none(), "{} was reported at {:?}", day, reported.get(&day));
            }
            prop_assert!(reported.keys().all(|day| *day >= created_at.day()));
        }
    }
}

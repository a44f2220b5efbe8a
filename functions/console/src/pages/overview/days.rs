//! The last days with webhooks, from the reports that exist.

use domain::foundation::time::UtcDay;
use domain::reports::report::{AttemptCounts, ReportSummary, Totals};

use crate::layout::chart::{Bar, BarChart, Series};
use crate::layout::time::{duration, grouped, share};
use crate::pages::overview::words::Words;

/// Days in the chart. The last is yesterday: the report of today does not exist yet.
pub(super) const SHOWN: usize = 14;

/// The days in the chart, oldest first. A day without webhooks has no report.
pub(super) struct LastDays(Vec<(UtcDay, Option<ReportSummary>)>);

impl LastDays {
    /// The days before `today`.
    pub(super) fn new(today: UtcDay, reports: &[ReportSummary]) -> Self {
        let mut days = Vec::with_capacity(SHOWN);
        let mut day = today;
        for _ in 0..SHOWN {
            day = day.previous();
            days.push((day, reports.iter().find(|report| report.day == day).cloned()));
        }
        days.reverse();
        Self(days)
    }

    /// Whether no day had webhooks.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, report)| report.is_none())
    }

    /// The latest day with webhooks.
    pub(super) fn latest(&self) -> Option<&ReportSummary> {
        self.0.iter().rev().find_map(|(_, report)| report.as_ref())
    }

    /// One bar a day: delivered, still trying, held, failed. Expired deliveries count as failed.
    pub(super) fn chart<'a>(&self, words: &'a Words, as_a_table: &'a str) -> BarChart<'a> {
        let series = [(words.delivered, "ok"), (words.trying, "warn"), (words.held, "held"), (words.lost, "bad")];
        let bars = self.0.iter().map(|(day, report)| Bar {
            label: day.to_string(),
            href: report.as_ref().map(|report| format!("/reports/{}", report.day)),
            values: report.as_ref().map_or([0; 4], |report| counts(report.totals)).to_vec(),
        });
        BarChart {
            id: "days",
            title: words.chart_title,
            label_heading: words.day,
            as_a_table,
            series: series.into_iter().map(|(name, tone)| Series { name, tone }).collect(),
            bars: bars.collect(),
        }
    }
}

/// Deliveries that were delivered, are still tried, are held, and failed or expired.
fn counts(totals: Totals) -> [u64; 4] {
    [totals.delivered, totals.still_trying, totals.held, totals.lost()]
}

/// Numbers of a report as a page writes them.
pub(super) struct Numbers {
    pub(super) delivered: String,
    pub(super) trying: String,
    pub(super) held: String,
    pub(super) lost: String,
    /// Share of deliveries that were delivered on the first attempt, such as `97.2 %`. `None` if an earlier version kept the report.
    pub(super) first_attempt: Option<String>,
    /// Median latency, such as `140 ms`.
    pub(super) median: Option<String>,
    /// 95th percentile of the latency.
    pub(super) slow: Option<String>,
}

impl Numbers {
    pub(super) fn of(report: &ReportSummary) -> Self {
        let [delivered, trying, held, lost] = counts(report.totals).map(grouped);
        Self {
            delivered,
            trying,
            held,
            lost,
            first_attempt: report.first_attempts.and_then(AttemptCounts::per_mille).map(share),
            median: report.latency.map(|latency| duration(latency.p50_ms)),
            slow: report.latency.map(|latency| duration(latency.p95_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::language::Language;

    use super::*;

    #[test]
    fn the_chart_ends_with_yesterday_and_has_a_bar_for_days_without_webhooks() {
        let today: UtcDay = "2026-11-28".parse().unwrap();
        let days = LastDays::new(today, &[]);
        assert!(days.is_empty() && days.latest().is_none());
        let chart = days.chart(Words::of(Language::English), "t");
        assert_eq!(chart.bars.len(), SHOWN);
        assert_eq!((chart.bars[0].label.as_str(), chart.bars[13].label.as_str()), ("2026-11-14", "2026-11-27"));
        assert!(chart.bars.iter().all(|bar| bar.values == [0; 4] && bar.href.is_none()));
    }

    #[test]
    fn a_report_that_the_previous_version_kept_shows_no_share_of_first_attempts() {
        let totals = r#"{"deliveries":3,"delivered":2,"failed":0,"stillTrying":0,"held":0,"cancelled":0,"expired":1}"#;
        let numbers = |more: &str| {
            let json = format!(
                r#"{{"day":"2026-11-27","asOf":"2026-11-28T00:10:00.000Z","totals":{totals},"earlierDays":{totals},
                "ended":{{"delivered":2,"failed":0,"cancelled":0,"expired":1}},"attempts":{{"made":4,"succeeded":2}}{more}}}"#
            );
            Numbers::of(&serde_json::from_str(&json).unwrap())
        };
        let (old, new) = (numbers(""), numbers(r#","firstAttempts":{"made":3,"succeeded":2}"#));
        assert_eq!((old.delivered, old.lost, old.first_attempt), ("2".to_owned(), "1".to_owned(), None));
        assert_eq!(new.first_attempt.as_deref(), Some("66.6 %"));
    }
}

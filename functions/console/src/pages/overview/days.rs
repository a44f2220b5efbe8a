//! The last days with webhooks, from the reports that exist.

use domain::foundation::time::UtcDay;
use domain::reports::report::ReportSummary;

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

    /// One bar a day: delivered, not delivered yet, failed for good.
    pub(super) fn chart<'a>(&self, words: &'a Words, as_a_table: &'a str) -> BarChart<'a> {
        let series = [(words.delivered, "ok"), (words.open, "warn"), (words.lost, "bad")];
        let bars = self.0.iter().map(|(day, report)| Bar {
            label: day.to_string(),
            href: report.as_ref().map(|report| format!("/reports/{}", report.day)),
            values: report.as_ref().map_or(vec![0, 0, 0], |ReportSummary { totals, .. }| {
                vec![totals.delivered, totals.open(), totals.lost()]
            }),
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

/// Numbers of a report as a page writes them.
pub(super) struct Numbers {
    pub(super) delivered: String,
    pub(super) open: String,
    pub(super) lost: String,
    /// Share of attempts that succeeded, such as `97.2 %`.
    pub(super) success: Option<String>,
    /// Median latency, such as `140 ms`.
    pub(super) median: Option<String>,
    /// 95th percentile of the latency.
    pub(super) slow: Option<String>,
}

impl Numbers {
    pub(super) fn of(report: &ReportSummary) -> Self {
        let totals = report.totals;
        Self {
            delivered: grouped(totals.delivered),
            open: grouped(totals.open()),
            lost: grouped(totals.lost()),
            success: report.attempts.per_mille().map(share),
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
        assert!(chart.bars.iter().all(|bar| bar.values == [0, 0, 0] && bar.href.is_none()));
    }
}

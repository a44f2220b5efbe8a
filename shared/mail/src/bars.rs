//! Numbers of deliveries: counts by state, and bars by endpoint, event type and reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::words::{self, CountedState, Words};
use domain::foundation::id::EndpointId;
use domain::reports::report::{ReasonTotals, ReportView, Totals};

/// The meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shade {
    Delivered,
    StillTrying,
    Held,
    Failed,
    Cancelled,
    Empty,
}

impl Shade {
    /// The class in the style sheet, which sets the colour of the dark scheme.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::StillTrying => "trying",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Empty => "empty",
        }
    }

    /// The colour in the light scheme, written inline because some mail programs drop style sheets.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Delivered => "#1f8a55",
            Self::StillTrying => "#d9930d",
            Self::Held => "#5b6fd1",
            Self::Failed => "#c8362b",
            Self::Cancelled => "#98a2ad",
            Self::Empty => "#e8ebee",
        }
    }
}

/// The number of deliveries in one state.
pub(super) struct Count {
    pub(super) shade: Shade,
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// The day's deliveries, grouped by one property.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) rows: Vec<GroupRow>,
    /// The rows that are left out, if some are.
    pub(super) more: Option<String>,
}

pub(super) struct GroupRow {
    pub(super) name: String,
    pub(super) total: String,
    pub(super) undelivered: Option<String>,
    pub(super) bar: Vec<Segment>,
}

/// One coloured part of a bar. The percentages of a bar add up to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) shade: Shade,
    pub(super) percent: u64,
}

pub(super) fn counts(totals: Totals, words: &'static dyn Words) -> Vec<Count> {
    let counts = [
        (Shade::Delivered, CountedState::Delivered, totals.delivered),
        (Shade::StillTrying, CountedState::StillTrying, totals.still_trying),
        (Shade::Held, CountedState::Held, totals.held),
        (Shade::Failed, CountedState::Failed, totals.failed),
        (Shade::Failed, CountedState::Expired, totals.expired),
        (Shade::Cancelled, CountedState::Cancelled, totals.cancelled),
    ];
    counts
        .into_iter()
        // Rare states have a column only when they occur, so that the others have more room on a phone.
        .filter(|(shade, state, number)| {
            let is_common = matches!(shade, Shade::Delivered | Shade::StillTrying) || *state == CountedState::Failed;
            is_common || *number > 0
        })
        .map(|(shade, state, number)| Count { shade, label: words.label(state), value: words::count(number) })
        .collect()
}

/// The bars of a report. Each group has at most `max_rows` rows.
pub(super) fn groups(
    report: &ReportView,
    names: &BTreeMap<EndpointId, String>,
    words: &'static dyn Words,
    max_rows: usize,
) -> Vec<Group> {
    let endpoints = report.by_endpoint.iter().map(|row| (names[&row.endpoint_id].clone(), row.totals)).collect();
    let types = report.by_type.iter().map(|row| (row.event_type.to_string(), row.totals)).collect();
    let groups = [
        reasons(report, words),
        group(words.by_endpoint(), endpoints, words),
        group(words.by_event_type(), types, words),
    ];
    let cut = |mut group: Group| {
        group.more = words.more_than(group.rows.len(), max_rows);
        group.rows.truncate(max_rows);
        group
    };
    groups.into_iter().filter(|group| !group.rows.is_empty()).map(cut).collect()
}

/// The longest bar of a group belongs to its largest row, so that the bars can be compared.
fn group(title: &'static str, rows: Vec<(String, Totals)>, words: &'static dyn Words) -> Group {
    let most = rows.iter().map(|(_, totals)| totals.deliveries).max().unwrap_or(0);
    let row = |(name, totals): (String, Totals)| GroupRow {
        name,
        total: words::count(totals.deliveries),
        undelivered: words.undelivered(totals),
        bar: bar(totals, most),
    };
    Group { title, rows: rows.into_iter().map(row).collect(), more: None }
}

fn reasons(report: &ReportView, words: &'static dyn Words) -> Group {
    let mut reasons: Vec<&ReasonTotals> = report.by_reason.iter().collect();
    reasons.sort_by_key(|row| Reverse(row.deliveries));
    let most = reasons.first().map_or(0, |row| row.deliveries);
    let row = |row: &ReasonTotals| GroupRow {
        name: words.failure_reason(row.reason, None),
        total: words::count(row.deliveries),
        undelivered: None,
        bar: segments([(Shade::Failed, row.deliveries), (Shade::Empty, most - row.deliveries)], most),
    };
    Group { title: words.failure_reasons(), rows: reasons.into_iter().map(row).collect(), more: None }
}

/// A bar of deliveries by state. Its full length stands for `full` deliveries.
pub(super) fn bar(totals: Totals, full: u64) -> Vec<Segment> {
    let parts = [
        (Shade::Delivered, totals.delivered),
        (Shade::StillTrying, totals.still_trying),
        (Shade::Held, totals.held),
        (Shade::Failed, totals.lost()),
        (Shade::Cancelled, totals.cancelled),
        (Shade::Empty, full.saturating_sub(totals.deliveries)),
    ];
    segments(parts, full)
}

/// Divides a bar. Every number above zero gets at least one per cent, so that one failure among thousands is visible; the
/// longest segment gives up the difference.
fn segments(parts: impl IntoIterator<Item = (Shade, u64)>, full: u64) -> Vec<Segment> {
    let shown = parts.into_iter().filter(|(_, number)| *number > 0);
    let mut segments: Vec<Segment> =
        shown.map(|(shade, number)| Segment { shade, percent: (number * 100 / full).max(1) }).collect();
    let sum: u64 = segments.iter().map(|segment| segment.percent).sum();
    if let Some(longest) = segments.iter_mut().max_by_key(|segment| segment.percent) {
        longest.percent = 100 + longest.percent - sum;
    }
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_segments_of_a_bar_add_up_to_100_percent_and_show_every_failure(
            delivered in 0_u64..2_000_000, still_trying in 0_u64..3_000, held in 0_u64..3_000, failed in 0_u64..3, cancelled in 0_u64..3, expired in 0_u64..3, empty in 0_u64..50,
        ) {
            let deliveries = delivered + still_trying + held + failed + cancelled + expired;
            let totals = Totals { deliveries, delivered, failed, still_trying, held, cancelled, expired };
            let bar = bar(totals, deliveries + empty);
            let whole: u64 = bar.iter().map(|segment| segment.percent).sum();
            prop_assert_eq!(whole, if deliveries + empty == 0 { 0 } else { 100 });
            prop_assert!(bar.iter().all(|segment| segment.percent > 0));
            prop_assert_eq!(bar.iter().any(|segment| segment.shade == Shade::Failed), failed + expired > 0);
        }
    }
}

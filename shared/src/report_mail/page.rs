//! What a report mail shows: a report as lines and bars, ready to be placed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::words::{self, Words};
use crate::id::EndpointId;
use crate::report::{
    EndpointTotals, ExpiringKey, Failure, Outcome, ReasonTotals, ReportView, Totals, TroubledEndpoint,
};

/// Everything on the page, in reading order.
pub(super) struct ReportPage {
    pub(super) words: Words,
    pub(super) subject: String,
    pub(super) project: String,
    pub(super) period: String,
    pub(super) headline: String,
    pub(super) outcome: Shade,
    pub(super) is_quiet: bool,
    pub(super) bar: Vec<Segment>,
    pub(super) counts: Vec<Count>,
    pub(super) speeds: Vec<Speed>,
    pub(super) groups: Vec<Group>,
    pub(super) failures: Vec<FailureLines>,
    pub(super) more_failures: Option<String>,
    pub(super) troubles: Vec<TroubleLines>,
    pub(super) expiring_keys: Vec<ExpiringKeyLines>,
    pub(super) as_of: String,
    /// Why this comes, and how it stops; nothing where nobody has subscribed.
    pub(super) foot: Option<Foot>,
}

/// The end of a mail to somebody who has subscribed.
pub(super) struct Foot {
    pub(super) why: String,
    pub(super) unsubscribe_url: String,
}

/// What a colour stands for.
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
    /// Its name in the style sheet, which has its colour in the dark scheme.
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

    /// Its colour in the light scheme, written inline for mail programs that drop style sheets.
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

/// A count of deliveries.
pub(super) struct Count {
    pub(super) shade: Shade,
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// A measure of how fast it went.
pub(super) struct Speed {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// Rows that divide the same deliveries by something.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) rows: Vec<GroupRow>,
}

pub(super) struct GroupRow {
    pub(super) name: String,
    pub(super) total: String,
    pub(super) undelivered: Option<String>,
    pub(super) bar: Vec<Segment>,
}

/// One colour of a bar. The percentages of a bar add up to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) shade: Shade,
    pub(super) percent: u64,
}

pub(super) struct FailureLines {
    pub(super) shade: Shade,
    pub(super) what: String,
    pub(super) reason: String,
    pub(super) attempts: String,
    pub(super) submission: Option<String>,
}

/// A key that will soon be refused.
pub(super) struct ExpiringKeyLines {
    pub(super) name: String,
    pub(super) hint: String,
    pub(super) when: String,
}

/// An endpoint in trouble.
pub(super) struct TroubleLines {
    pub(super) host: String,
    pub(super) what: String,
    pub(super) reason: Option<String>,
    pub(super) outlook: Option<String>,
}

impl ReportPage {
    pub(super) fn new(report: &ReportView, project: &str, words: Words, unsubscribe_url: Option<&str>) -> Self {
        let names = endpoint_names(&report.by_endpoint, words);
        let more_failures = (report.more_failures > 0).then(|| words.more_failures(report.more_failures));
        Self {
            words,
            subject: words.subject(report, project),
            project: project.to_owned(),
            period: words.period(report),
            headline: words.headline(report),
            outcome: shade_of(report.outcome()),
            is_quiet: report.outcome() == Outcome::Quiet,
            bar: bar(report.totals, report.totals.deliveries),
            counts: counts(report.totals, words),
            speeds: speeds(report, words),
            groups: groups(report, &names, words),
            failures: report.failures.iter().map(|failure| failure_lines(failure, &names, words)).collect(),
            more_failures,
            troubles: report.endpoints_in_trouble.iter().map(|endpoint| trouble_lines(endpoint, words)).collect(),
            expiring_keys: report.expiring_keys.iter().map(|key| expiring_key_lines(key, words)).collect(),
            as_of: words.as_of(report),
            foot: unsubscribe_url.map(|url| Foot { why: words.why(project), unsubscribe_url: url.to_owned() }),
        }
    }
}

fn expiring_key_lines(key: &ExpiringKey, words: Words) -> ExpiringKeyLines {
    ExpiringKeyLines {
        name: key.name.as_str().to_owned(),
        hint: format!("{}…", key.hint),
        when: words.expires(key.expires_at),
    }
}

fn shade_of(outcome: Outcome) -> Shade {
    match outcome {
        Outcome::Quiet => Shade::Cancelled,
        Outcome::Delivered => Shade::Delivered,
        Outcome::StillTrying => Shade::StillTrying,
        Outcome::Failed => Shade::Failed,
    }
}

fn counts(totals: Totals, words: Words) -> Vec<Count> {
    let count = |shade, label, number| Count { shade, label, value: words::count(number) };
    // Most days nothing is held.
    let held = (totals.held > 0).then(|| count(Shade::Held, words.held(), totals.held));
    let [delivered, still_trying, failed, cancelled] = [
        count(Shade::Delivered, words.delivered(), totals.delivered),
        count(Shade::StillTrying, words.still_trying(), totals.still_trying),
        count(Shade::Failed, words.failed(), totals.failed),
        count(Shade::Cancelled, words.cancelled(), totals.cancelled),
    ];
    [delivered, still_trying].into_iter().chain(held).chain([failed, cancelled]).collect()
}

fn speeds(report: &ReportView, words: Words) -> Vec<Speed> {
    let speed = |label, value| Speed { label, value };
    let per_mille = report.first_attempts.per_mille();
    let first = per_mille.map(|per_mille| speed(words.first_attempt(), words::percent(per_mille)));
    let latency = report.latency.map(|latency| {
        [
            speed(words.half_within(), words.duration(latency.p50_ms)),
            speed(words.most_within(), words.duration(latency.p95_ms)),
        ]
    });
    first.into_iter().chain(latency.into_iter().flatten()).collect()
}

fn groups(report: &ReportView, names: &BTreeMap<EndpointId, String>, words: Words) -> Vec<Group> {
    let endpoints = report.by_endpoint.iter().map(|row| (names[&row.endpoint_id].clone(), row.totals)).collect();
    let types = report.by_type.iter().map(|row| (row.event_type.to_string(), row.totals)).collect();
    let groups =
        [reasons(report, words), group(words.by_endpoint(), endpoints, words), group(words.by_type(), types, words)];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

/// Bars of a group are as long as their rows are large, so that they can be compared.
fn group(title: &'static str, rows: Vec<(String, Totals)>, words: Words) -> Group {
    let most = rows.iter().map(|(_, totals)| totals.deliveries).max().unwrap_or(0);
    let row = |(name, totals): (String, Totals)| GroupRow {
        name,
        total: words::count(totals.deliveries),
        undelivered: words.undelivered(totals),
        bar: bar(totals, most),
    };
    Group { title, rows: rows.into_iter().map(row).collect() }
}

fn reasons(report: &ReportView, words: Words) -> Group {
    let mut reasons: Vec<&ReasonTotals> = report.by_reason.iter().collect();
    reasons.sort_by_key(|row| Reverse(row.deliveries));
    let most = reasons.first().map_or(0, |row| row.deliveries);
    let row = |row: &ReasonTotals| GroupRow {
        name: words.reason(row.reason, None),
        total: words::count(row.deliveries),
        undelivered: None,
        bar: segments([(Shade::Failed, row.deliveries), (Shade::Empty, most - row.deliveries)], most),
    };
    Group { title: words.reasons(), rows: reasons.into_iter().map(row).collect() }
}

/// What to call each endpoint: its host; where two would be called alike, also the end of its id.
fn endpoint_names(endpoints: &[EndpointTotals], words: Words) -> BTreeMap<EndpointId, String> {
    let plain =
        |endpoint: &EndpointTotals| endpoint.host.clone().unwrap_or_else(|| words.deleted_endpoint().to_owned());
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for endpoint in endpoints {
        *uses.entry(plain(endpoint)).or_default() += 1;
    }
    let name = |endpoint: &EndpointTotals| {
        let (name, id) = (plain(endpoint), endpoint.endpoint_id.to_string());
        if uses[&name] == 1 { name } else { format!("{name} (…{})", &id[id.len() - 6..]) }
    };
    endpoints.iter().map(|endpoint| (endpoint.endpoint_id, name(endpoint))).collect()
}

fn trouble_lines(endpoint: &TroubledEndpoint, words: Words) -> TroubleLines {
    TroubleLines {
        host: endpoint.host.clone(),
        what: words.trouble(endpoint.state, endpoint.since),
        reason: endpoint.reason.map(|reason| words.reason(reason, endpoint.status)),
        outlook: endpoint.disables_at.map(|at| words.will_be_disabled(at)),
    }
}

fn failure_lines(failure: &Failure, names: &BTreeMap<EndpointId, String>, words: Words) -> FailureLines {
    let endpoint = names.get(&failure.endpoint_id).map_or(words.deleted_endpoint(), String::as_str);
    FailureLines {
        shade: if failure.state.is_final() { Shade::Failed } else { Shade::StillTrying },
        what: format!("{} → {endpoint}", failure.event_type),
        reason: words.reason(failure.reason, failure.status),
        attempts: words.attempts(failure.attempts, failure.next_attempt_at),
        submission: failure.submission_id.as_ref().map(|id| format!("{} {}", words.submission(), id.as_str())),
    }
}

/// The bar of deliveries by state; its whole length stands for `full` of them.
fn bar(totals: Totals, full: u64) -> Vec<Segment> {
    let parts = [
        (Shade::Delivered, totals.delivered),
        (Shade::StillTrying, totals.still_trying),
        (Shade::Held, totals.held),
        (Shade::Failed, totals.failed),
        (Shade::Cancelled, totals.cancelled),
        (Shade::Empty, full.saturating_sub(totals.deliveries)),
    ];
    segments(parts, full)
}

/// What happened at all is at least one per cent long, so that a single failure among thousands can be seen; the
/// longest part makes up for it.
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
        fn bars_are_whole_and_hide_nothing(
            delivered in 0_u64..2_000_000, still_trying in 0_u64..3_000, held in 0_u64..3_000, failed in 0_u64..3, cancelled in 0_u64..3, empty in 0_u64..50,
        ) {
            let deliveries = delivered + still_trying + held + failed + cancelled;
            let totals = Totals { deliveries, delivered, failed, still_trying, held, cancelled };
            let bar = bar(totals, deliveries + empty);
            let whole: u64 = bar.iter().map(|segment| segment.percent).sum();
            prop_assert_eq!(whole, if deliveries + empty == 0 { 0 } else { 100 });
            prop_assert!(bar.iter().all(|segment| segment.percent > 0));
            prop_assert_eq!(bar.iter().any(|segment| segment.shade == Shade::Failed), failed > 0);
        }
    }
}

//! The content of a report: its lines and bars, ready for the templates.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::name::without_marks;
use super::words::{self, CountedState, Words};
use domain::foundation::id::EndpointId;
use domain::reports::report::{
    EndpointTotals, ExpiringKey, Failure, Outcome, ReasonTotals, ReportView, Totals, TroubledEndpoint,
};

/// The content of a report, in reading order.
pub(super) struct ReportPage {
    pub(super) words: &'static dyn Words,
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
    /// `None` if the reader is not a subscriber.
    pub(super) footer: Option<Footer>,
}

/// The end of a mail to a subscriber.
pub(super) struct Footer {
    /// Why the reader receives the mail.
    pub(super) reason: String,
    pub(super) unsubscribe_url: String,
}

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

/// A measure of delivery speed.
pub(super) struct Speed {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// The day's deliveries, grouped by one property.
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

/// One coloured part of a bar. The percentages of a bar add up to 100.
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

/// An API key that expires soon.
pub(super) struct ExpiringKeyLines {
    pub(super) name: String,
    pub(super) hint: String,
    pub(super) when: String,
}

/// An endpoint whose webhooks are held.
pub(super) struct TroubleLines {
    pub(super) host: String,
    pub(super) what: String,
    pub(super) reason: Option<String>,
    pub(super) outlook: Option<String>,
}

impl ReportPage {
    pub(super) fn new(
        report: &ReportView,
        project: &str,
        words: &'static dyn Words,
        unsubscribe_url: Option<&str>,
    ) -> Self {
        let names = endpoint_names(&report.by_endpoint, words);
        let more_failures = (report.more_failures > 0).then(|| words.more_failures(report.more_failures));
        Self {
            words,
            subject: without_marks(&words.subject(report, project)),
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
            as_of: words.data_as_of(report.as_of),
            footer: unsubscribe_url
                .map(|url| Footer { reason: words.report_footer(project), unsubscribe_url: url.to_owned() }),
        }
    }
}

fn expiring_key_lines(key: &ExpiringKey, words: &'static dyn Words) -> ExpiringKeyLines {
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

fn counts(totals: Totals, words: &'static dyn Words) -> Vec<Count> {
    let counts = [
        (Shade::Delivered, CountedState::Delivered, totals.delivered),
        (Shade::StillTrying, CountedState::StillTrying, totals.still_trying),
        (Shade::Held, CountedState::Held, totals.held),
        (Shade::Failed, CountedState::Failed, totals.failed),
        (Shade::Cancelled, CountedState::Cancelled, totals.cancelled),
    ];
    counts
        .into_iter()
        // On most days no delivery is held. Without that column the others have more room on a phone.
        .filter(|(shade, _, number)| *shade != Shade::Held || *number > 0)
        .map(|(shade, state, number)| Count { shade, label: words.label(state), value: words::count(number) })
        .collect()
}

fn speeds(report: &ReportView, words: &'static dyn Words) -> Vec<Speed> {
    let speed = |label, value| Speed { label, value };
    let per_mille = report.first_attempts.per_mille();
    let first = per_mille.map(|per_mille| speed(words.first_attempt(), words::percent(per_mille)));
    let latency = report.latency.map(|latency| {
        [
            speed(words.median_delivery_time(), words.duration(latency.p50_ms)),
            speed(words.p95_delivery_time(), words.duration(latency.p95_ms)),
        ]
    });
    first.into_iter().chain(latency.into_iter().flatten()).collect()
}

fn groups(report: &ReportView, names: &BTreeMap<EndpointId, String>, words: &'static dyn Words) -> Vec<Group> {
    let endpoints = report.by_endpoint.iter().map(|row| (names[&row.endpoint_id].clone(), row.totals)).collect();
    let types = report.by_type.iter().map(|row| (row.event_type.to_string(), row.totals)).collect();
    let groups = [
        reasons(report, words),
        group(words.by_endpoint(), endpoints, words),
        group(words.by_event_type(), types, words),
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
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
    Group { title, rows: rows.into_iter().map(row).collect() }
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
    Group { title: words.failure_reasons(), rows: reasons.into_iter().map(row).collect() }
}

/// Names each endpoint by its host. If two have the same host, the end of the id tells them apart.
fn endpoint_names(endpoints: &[EndpointTotals], words: &'static dyn Words) -> BTreeMap<EndpointId, String> {
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

fn trouble_lines(endpoint: &TroubledEndpoint, words: &'static dyn Words) -> TroubleLines {
    TroubleLines {
        host: endpoint.host.clone(),
        what: words.trouble(endpoint.state, endpoint.since),
        reason: endpoint.reason.map(|reason| words.failure_reason(reason, endpoint.status)),
        outlook: endpoint.disables_at.map(|at| words.will_be_disabled(at)),
    }
}

fn failure_lines(failure: &Failure, names: &BTreeMap<EndpointId, String>, words: &'static dyn Words) -> FailureLines {
    let endpoint = names.get(&failure.endpoint_id).map_or(words.deleted_endpoint(), String::as_str);
    FailureLines {
        shade: if failure.state.is_final() { Shade::Failed } else { Shade::StillTrying },
        what: format!("{} → {endpoint}", failure.event_type),
        reason: words.failure_reason(failure.reason, failure.status),
        attempts: words.attempts(failure.attempts, failure.next_attempt_at),
        submission: failure.submission_id.as_ref().map(|id| words.submission(id.as_str())),
    }
}

/// A bar of deliveries by state. Its full length stands for `full` deliveries.
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

//! The content of a report: its lines and bars, ready for the templates.

use std::collections::BTreeMap;

use super::bars::{self, Count, Group, Segment, Shade};
use super::name::without_marks;
use super::problems::{self, EndpointProblems};
use super::words::{self, Words};
use domain::foundation::id::EndpointId;
use domain::reports::report::{ExpiringKey, Outcome, ReportView, TroubledEndpoint};

/// The content of a report, in reading order.
pub(super) struct ReportPage {
    pub(super) words: &'static dyn Words,
    pub(super) subject: String,
    pub(super) project: String,
    pub(super) period: String,
    pub(super) headline: String,
    pub(super) outcome: Shade,
    pub(super) is_quiet: bool,
    pub(super) troubles: Vec<TroubleLines>,
    pub(super) problems: Vec<EndpointProblems>,
    /// The problems that are left out, if some are.
    pub(super) more_problems: Option<String>,
    /// What happens to failed webhooks, and what to do about them.
    pub(super) problem_hint: &'static str,
    pub(super) expiring_keys: Vec<ExpiringKeyLines>,
    /// A reminder of keys that are not used, as one line.
    pub(super) unused_keys: Option<String>,
    pub(super) bar: Vec<Segment>,
    pub(super) counts: Vec<Count>,
    /// Deliveries of earlier days, if there are some.
    pub(super) earlier_days: Option<String>,
    pub(super) measures: Vec<Measure>,
    pub(super) groups: Vec<Group>,
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

/// A measure of how well webhooks were delivered.
pub(super) struct Measure {
    pub(super) label: &'static str,
    pub(super) value: String,
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
    /// Lays out a report. Lists of problems, endpoints and event types have at most `max_rows` rows.
    pub(super) fn new(
        report: &ReportView,
        project: &str,
        words: &'static dyn Words,
        unsubscribe_url: Option<&str>,
        max_rows: usize,
    ) -> Self {
        let names = endpoint_names(report, words);
        let all_problems = report.problems.len() + usize::try_from(report.more_problems).unwrap_or(usize::MAX);
        Self {
            words,
            subject: without_marks(&words.subject(report, project)),
            project: project.to_owned(),
            period: words.period(report),
            headline: words.headline(report),
            outcome: shade_of(report.outcome()),
            is_quiet: report.outcome() == Outcome::Quiet,
            troubles: report.endpoints_in_trouble.iter().map(|endpoint| trouble_lines(endpoint, words)).collect(),
            problems: problems::by_endpoint(report, &names, words, max_rows),
            more_problems: words.more_than(all_problems, max_rows.min(report.problems.len())),
            problem_hint: if report.all().lost() > 0 { words.replay_hint() } else { words.retry_hint() },
            expiring_keys: report.expiring_keys.iter().map(|key| expiring_key_lines(key, words)).collect(),
            unused_keys: unused_keys_line(report, words),
            bar: bars::bar(report.totals, report.totals.deliveries),
            counts: bars::counts(report.totals, words),
            earlier_days: words.earlier_days(report.earlier_days),
            measures: measures(report, words),
            groups: bars::groups(report, &names, words, max_rows),
            as_of: words.data_as_of(report.as_of),
            footer: unsubscribe_url
                .map(|url| Footer { reason: words.report_footer(project), unsubscribe_url: url.to_owned() }),
        }
    }

    /// Whether something in the report needs action.
    pub(super) fn has_trouble(&self) -> bool {
        !(self.troubles.is_empty() && self.problems.is_empty() && self.expiring_keys.is_empty())
    }
}

fn expiring_key_lines(key: &ExpiringKey, words: &'static dyn Words) -> ExpiringKeyLines {
    ExpiringKeyLines {
        name: key.name.as_str().to_owned(),
        hint: format!("{}…", key.hint),
        when: words.expires(key.expires_at),
    }
}

/// Number of unused keys that the line names.
const MAX_UNUSED_KEYS: usize = 3;

fn unused_keys_line(report: &ReportView, words: &'static dyn Words) -> Option<String> {
    let keys = &report.unused_keys;
    if keys.is_empty() {
        return None;
    }
    let named = keys.iter().take(MAX_UNUSED_KEYS).map(|key| key.name.as_str());
    let rest = if keys.len() > MAX_UNUSED_KEYS { ", …" } else { "" };
    Some(words.unused_keys(keys.len(), &format!("{}{rest}", named.collect::<Vec<_>>().join(", "))))
}

fn shade_of(outcome: Outcome) -> Shade {
    match outcome {
        Outcome::Quiet => Shade::Cancelled,
        Outcome::Delivered => Shade::Delivered,
        Outcome::StillTrying => Shade::StillTrying,
        Outcome::Failed => Shade::Failed,
    }
}

fn measures(report: &ReportView, words: &'static dyn Words) -> Vec<Measure> {
    let measure = |label, value| Measure { label, value };
    let events = report.events.filter(|events| *events > 0);
    let events = events.map(|events| measure(words.events_accepted(), words::count(events)));
    let made = words::count(report.attempts.made);
    let attempts = report
        .attempts
        .per_mille()
        .map(|per_mille| measure(words.attempts_accepted(), format!("{made} ({})", words::percent(per_mille))));
    let first = report.first_attempts.per_mille();
    let first = first.map(|per_mille| measure(words.first_attempt(), words::percent(per_mille)));
    let latency = report.latency.map(|latency| {
        [
            measure(words.median_delivery_time(), words.duration(latency.p50_ms)),
            measure(words.p95_delivery_time(), words.duration(latency.p95_ms)),
        ]
    });
    let held = Some(report.held_for_order).filter(|held| *held > 0);
    let held = held.map(|held| measure(words.held_for_order(), words::count(held)));
    let measures = events.into_iter().chain(held).chain(attempts).chain(first);
    measures.chain(latency.into_iter().flatten()).collect()
}

/// Names each endpoint by its host. If two have the same host, the end of the id tells them apart.
fn endpoint_names(report: &ReportView, words: &'static dyn Words) -> BTreeMap<EndpointId, String> {
    let counted = report.by_endpoint.iter().map(|row| (row.endpoint_id, row.host.as_deref()));
    let failing = report.problems.iter().map(|row| (row.endpoint_id, row.host.as_deref()));
    let endpoints: BTreeMap<EndpointId, Option<&str>> = counted.chain(failing).collect();
    let plain = |host: Option<&str>| host.unwrap_or(words.deleted_endpoint()).to_owned();
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for host in endpoints.values() {
        *uses.entry(plain(*host)).or_default() += 1;
    }
    let name = |(id, host): (EndpointId, Option<&str>)| {
        let (name, text) = (plain(host), id.to_string());
        (id, if uses[&name] == 1 { name } else { format!("{name} (…{})", &text[text.len() - 6..]) })
    };
    endpoints.into_iter().map(name).collect()
}

fn trouble_lines(endpoint: &TroubledEndpoint, words: &'static dyn Words) -> TroubleLines {
    TroubleLines {
        host: endpoint.host.clone(),
        what: words.trouble(endpoint.state, endpoint.since),
        reason: endpoint.reason.map(|reason| words.failure_reason(reason, endpoint.status)),
        outlook: endpoint.disables_at.map(|at| words.will_be_disabled(at)),
    }
}

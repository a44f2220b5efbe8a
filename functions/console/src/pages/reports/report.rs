//! The report of one day: what needs doing first, then the numbers.

use askama::Template;
use domain::foundation::time::UtcDay;
use domain::reports::report::{Latency, Outcome, Problem as Trouble, ReportView, Totals, TroubledEndpoint};

use crate::http::path::Id;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::delivery_words;
use crate::layout::shell::Shell;
use crate::layout::time::{duration, grouped, minute, share};
use crate::layout::translations::Fill;
use crate::pages::reports::words::Words;
use crate::pages::reports::{AREA, LIST, path_of};

#[derive(Template)]
#[template(path = "reports/report.html")]
struct ReportPage {
    shell: Shell,
    words: &'static Words,
    states: &'static delivery_words::Words,
    report: ReportView,
    /// The days before and after, if they have a report page.
    previous: UtcDay,
    next: Option<UtcDay>,
}

/// Shows the report of a day. That of today is built when the page is opened.
pub(super) async fn show(visitor: Visitor, Id(day): Id<UtcDay>) -> PageResult {
    let words = Words::of(visitor.language());
    let report: ReportView = visitor.api().get(&path_of(day)).await?.json()?;
    let today = visitor.now().day();
    page(&ReportPage {
        shell: Shell::new(&visitor, AREA, words.report_title.fill("day", day)),
        words,
        states: delivery_words::Words::of(visitor.language()),
        report,
        previous: day.previous(),
        next: (day < today).then(|| day.next()),
    })
}

/// A row of a table of numbers.
struct Row {
    label: String,
    href: String,
    delivered: String,
    open: String,
    lost: String,
}

impl Row {
    fn new(label: String, href: String, totals: Totals) -> Self {
        let [delivered, open, lost] = [totals.delivered, totals.open(), totals.lost()].map(grouped);
        Self { label, href, delivered, open, lost }
    }
}

impl ReportPage {
    /// The outcome of the day in one sentence.
    fn outcome(&self) -> String {
        let all = self.report.all();
        match self.report.outcome() {
            Outcome::Quiet => self.words.quiet.to_owned(),
            Outcome::Delivered => self.words.all_delivered.fill("count", grouped(all.delivered)),
            Outcome::StillTrying => self.words.some_open.fill("count", grouped(all.open())),
            Outcome::Failed => self.words.some_lost.fill("count", grouped(all.lost())),
        }
    }

    /// The class of the notice with the outcome.
    fn tone(&self) -> &'static str {
        match self.report.outcome() {
            Outcome::Quiet | Outcome::Delivered => "good",
            Outcome::StillTrying => "caution",
            Outcome::Failed => "",
        }
    }

    /// When the deliveries were counted, if the day was not over then.
    fn counted_at(&self) -> Option<String> {
        (!self.report.is_whole_day()).then(|| minute(&self.report.as_of))
    }

    /// The deliveries of a problem: the list with its filters.
    #[expect(clippy::unused_self, reason = "the template calls it as a method")]
    fn deliveries_of(&self, trouble: &Trouble) -> String {
        format!("/deliveries?endpoint={}&type={}", trouble.endpoint_id, trouble.event_type)
    }

    /// What happened to the webhooks of a problem.
    fn counts(&self, trouble: &Trouble) -> String {
        let counts = [
            (self.words.failed, trouble.failed),
            (self.words.expired, trouble.expired),
            (self.words.still_trying, trouble.still_trying),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(text, count)| text.fill("count", grouped(count))).collect::<Vec<_>>().join(", ")
    }

    /// Why the webhooks of a problem failed.
    fn causes(&self, trouble: &Trouble) -> String {
        let reasons = trouble.reasons.iter();
        reasons.map(|reason| self.states.cause(Some(reason.reason), reason.status)).collect::<Vec<_>>().join(", ")
    }

    /// Why deliveries of an endpoint are held, and what its receiver answered last.
    fn held(&self, endpoint: &TroubledEndpoint) -> String {
        let state = self.states.held_short(endpoint.state.into());
        match endpoint.reason {
            None => state.to_owned(),
            Some(reason) => format!("{state} ({})", self.states.cause(Some(reason), endpoint.status)),
        }
    }

    /// The numbers of some deliveries.
    fn sums(&self, totals: &Totals) -> Row {
        Row::new(self.report.day.to_string(), path_of(self.report.day), *totals)
    }

    /// Number of events, if there were any.
    fn events(&self) -> Option<String> {
        let events = self.report.events.filter(|events| *events > 0)?;
        Some(self.words.events.fill("count", grouped(events)))
    }

    /// Number and success of the attempts, if there were any.
    fn attempts(&self) -> Option<String> {
        let per_mille = self.report.attempts.per_mille()?;
        Some(self.words.attempts.fill("count", grouped(self.report.attempts.made)).fill("share", share(per_mille)))
    }

    /// Share of the day's deliveries that were delivered on the first attempt.
    fn on_first_attempt(&self) -> Option<String> {
        self.report.first_attempts.per_mille().map(share)
    }

    /// How fast webhooks arrived.
    fn latency(&self, latency: &Latency) -> String {
        self.words.latency.fill("median", duration(latency.p50_ms)).fill("slow", duration(latency.p95_ms))
    }

    fn by_type(&self) -> Vec<Row> {
        let types = self.report.by_type.iter();
        types
            .map(|one| Row::new(one.event_type.to_string(), self.list("type", one.event_type.as_str()), one.totals))
            .collect()
    }

    fn by_endpoint(&self) -> Vec<Row> {
        let name = |host: &Option<String>| host.clone().unwrap_or_else(|| self.words.deleted_endpoint.to_owned());
        let endpoints = self.report.by_endpoint.iter();
        endpoints
            .map(|one| Row::new(name(&one.host), self.list("endpoint", &one.endpoint_id.to_string()), one.totals))
            .collect()
    }

    /// The deliveries of the day with one more filter.
    fn list(&self, filter: &str, value: &str) -> String {
        let day = self.report.day;
        format!("/deliveries?{filter}={value}&from={day}&to={day}")
    }
}

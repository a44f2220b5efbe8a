//! The list of reports.

use askama::Template;
use domain::foundation::time::UtcDay;
use domain::reports::report::{AttemptCounts, ReportSummary, Totals};

use crate::http::api_client::List;
use crate::http::pairs::Pairs;
use crate::http::response::{PageResult, page, see_other};
use crate::http::visitor::Visitor;
use crate::layout::pager::{CURSOR, Pager};
use crate::layout::shell::Shell;
use crate::layout::time::{grouped, share};
use crate::pages::reports::words::Words;
use crate::pages::reports::{AREA, LIST, path_of};

/// Reports on a page.
const PAGE_SIZE: u8 = 14;

#[derive(Template)]
#[template(path = "reports/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    reports: Vec<Row>,
    pager: Pager,
}

/// One report of the list.
struct Row {
    day: UtcDay,
    path: String,
    delivered: String,
    open: String,
    lost: String,
    /// Share of the day's deliveries that were delivered on the first attempt. `None` if an earlier version kept the report.
    first_attempt: Option<String>,
    /// Whether webhooks were lost.
    is_bad: bool,
}

impl From<&ReportSummary> for Row {
    fn from(report: &ReportSummary) -> Self {
        let totals: Totals = report.totals + report.earlier_days;
        Self {
            day: report.day,
            path: path_of(report.day),
            delivered: grouped(totals.delivered),
            open: grouped(totals.open()),
            lost: grouped(totals.lost()),
            first_attempt: report.first_attempts.and_then(AttemptCounts::per_mille).map(share),
            is_bad: totals.lost() > 0,
        }
    }
}

/// Shows the reports that exist, latest day first.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let cursor = visitor.query().get(CURSOR).unwrap_or_default();
    let list: List<ReportSummary> =
        visitor.api().get(LIST).query("limit", PAGE_SIZE).query(CURSOR, cursor).await?.json()?;
    page(&ListPage {
        shell: Shell::new(&visitor, AREA, words.title),
        words,
        reports: list.items.iter().map(Row::from).collect(),
        pager: Pager::new(&visitor, LIST, &Pairs::default(), list.cursor),
    })
}

/// Leads to the report of today so far.
pub(super) async fn today(visitor: Visitor) -> PageResult {
    see_other(&path_of(visitor.now().day()))
}

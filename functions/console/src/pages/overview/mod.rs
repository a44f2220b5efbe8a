//! The overview: what needs attention first, then what is not set up yet, then the last 14 days.

use std::future::IntoFuture;

use api::ProblemKind;
use askama::Template;
use axum::routing::get;
use domain::reports::report::ReportSummary;

use crate::app::Routes;
use crate::http::api_client::{List, Reply};
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page, part};
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::addresses;
use crate::pages::api_keys::view::Key;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::notification_users::view::User;

mod days;
mod steps;
mod trouble;
mod words;

use days::LastDays;
use steps::Step;
use trouble::Trouble;
use words::Words;

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default().route(Area::Overview.path(), get(show))
}

#[derive(Template)]
#[template(path = "overview/overview.html")]
struct OverviewPage {
    shell: Shell,
    words: &'static Words,
    trouble: Vec<Trouble>,
    steps: Vec<Step>,
    days: LastDays,
    /// The bars of the days, as HTML.
    chart: String,
    /// Addresses that webhooks come from, one a line.
    addresses: String,
}

/// What the page shows, as the api returns it.
struct Facts {
    endpoints: Vec<Endpoint>,
    keys: Vec<Key>,
    users: Vec<User>,
    reports: Vec<ReportSummary>,
    has_return_url: bool,
    addresses: String,
}

/// Shows the overview.
async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let facts = read(&visitor).await?;
    let trouble = trouble::find(&facts.endpoints, &facts.keys, &facts.users, &visitor);
    let steps = steps::missing(&facts, words);
    let days = LastDays::new(visitor.now().day(), &facts.reports);
    let shell = Shell::new(&visitor, Area::Overview, words.title);
    let chart = part(&days.chart(words, shell.words.as_a_table))?;
    page(&OverviewPage { shell, words, trouble, steps, days, chart, addresses: facts.addresses })
}

/// Reads everything at once. The numbers come from kept reports, so that the page costs the same for every project.
async fn read(visitor: &Visitor) -> Result<Facts, Problem> {
    let api = visitor.api();
    let (endpoints, keys, users, reports, return_url, addresses) = tokio::join!(
        api.get("/endpoints").into_future(),
        api.get("/api-keys").into_future(),
        api.get("/notification-users").into_future(),
        api.get("/reports").query("limit", days::SHOWN).into_future(),
        api.get("/return-url").into_future(),
        addresses::read(visitor),
    );
    Ok(Facts {
        endpoints: items(endpoints)?,
        keys: items(keys)?,
        users: items(users)?,
        reports: items(reports)?,
        has_return_url: exists(return_url)?,
        addresses: addresses?,
    })
}

fn items<T: serde::de::DeserializeOwned>(reply: Result<Reply, Problem>) -> Result<Vec<T>, Problem> {
    Ok(reply?.json::<List<T>>()?.items)
}

fn exists(reply: Result<Reply, Problem>) -> Result<bool, Problem> {
    match reply {
        Ok(_) => Ok(true),
        Err(problem) if problem.kind() == Some(ProblemKind::NotFound) => Ok(false),
        Err(problem) => Err(problem),
    }
}

//! The addresses that webhooks come from, to allow them in a firewall.

use askama::Template;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::foundation::time::UtcDay;
use domain::webhooks::egress::{EgressIp, EgressIps};

use crate::app::Routes;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill as _;

mod words;

use words::Words;

/// The path of the file with the addresses.
const FILE: &str = "/addresses.txt";

/// The routes of this area.
pub(crate) fn routes() -> Routes {
    Routes::default().route(Area::Addresses.path(), get(show)).route(FILE, get(download))
}

/// Addresses that webhooks come from, or will come from.
struct Addresses {
    /// One a line.
    lines: String,
    /// Those to come, each with the first day.
    coming: Vec<(UtcDay, String)>,
}

#[derive(Template)]
#[template(path = "addresses/list.html")]
struct AddressesPage {
    shell: Shell,
    words: &'static Words,
    addresses: Addresses,
}

/// Shows the addresses.
async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let addresses = addresses(&visitor).await?;
    page(&AddressesPage { shell: Shell::new(&visitor, Area::Addresses, words.title), words, addresses })
}

/// Returns the addresses as a file, one a line.
async fn download(visitor: Visitor) -> Result<Response, Problem> {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"webhook-addresses.txt\""),
    ];
    Ok((headers, read(&visitor).await? + "\n").into_response())
}

/// Reads the addresses, one a line.
pub(super) async fn read(visitor: &Visitor) -> Result<String, Problem> {
    Ok(addresses(visitor).await?.lines)
}

async fn addresses(visitor: &Visitor) -> Result<Addresses, Problem> {
    let list: EgressIps = visitor.api().get_public("/v1/egress-ips").await?.json()?;
    let listed: Vec<&EgressIp> = list.ips.iter().filter(|ip| ip.valid_until.is_none()).collect();
    let is_to_come = |ip: &&&EgressIp| ip.valid_from > visitor.now();
    Ok(Addresses {
        lines: listed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        coming: listed.iter().filter(is_to_come).map(|ip| (ip.valid_from.day(), ip.to_string())).collect(),
    })
}

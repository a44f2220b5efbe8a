//! The addresses that webhooks come from, to allow them in a firewall.

use std::net::IpAddr;

use askama::Template;
use axum::Router;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::app::App;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;
use crate::layout::shell::Shell;

mod words;

use words::Words;

/// The path of the file with the addresses.
const FILE: &str = "/addresses.txt";

/// The routes of this area.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(Area::Addresses.path(), get(show)).route(FILE, get(download))
}

/// What the api returns.
#[derive(Deserialize)]
struct EgressIps {
    ips: Vec<IpAddr>,
}

#[derive(Template)]
#[template(path = "addresses/list.html")]
struct AddressesPage {
    shell: Shell,
    words: &'static Words,
    /// One address a line.
    addresses: String,
}

/// Shows the addresses.
async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let addresses = read(&visitor).await?;
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
    let EgressIps { ips } = visitor.api().get_public("/v1/egress-ips").await?.json()?;
    Ok(ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join("\n"))
}

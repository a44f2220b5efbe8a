//! The list of endpoints, those in trouble first.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::api_client::List;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::endpoints::AREA;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::{Done, Words};

#[derive(Template)]
#[template(path = "endpoints/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    endpoints: Vec<Endpoint>,
}

/// Shows all endpoints.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let list: List<Endpoint> = visitor.api().get("/endpoints").await?.json()?;
    let mut endpoints = list.items;
    // Stable: those in the same condition stay in the order of the api, newest first.
    endpoints.sort_by_key(Endpoint::condition);
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(&visitor, AREA, words.title).with_notice(notice);
    page(&ListPage { shell, words, endpoints })
}

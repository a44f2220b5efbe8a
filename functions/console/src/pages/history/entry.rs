//! One change.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::history::view::Change;
use crate::pages::history::words::Words;
use crate::pages::history::{AREA, LIST, api_path_of};

#[derive(Template)]
#[template(path = "history/entry.html")]
struct EntryPage {
    shell: Shell,
    words: &'static Words,
    change: Change,
}

/// Shows who changed what, with the values before and after.
pub(super) async fn show(visitor: Visitor, Id(number): Id<u64>) -> PageResult {
    let words = Words::of(visitor.language());
    let change = read(&visitor, number).await?;
    page(&EntryPage { shell: Shell::new(&visitor, AREA, words.entry_title), words, change })
}

/// Reads a change.
pub(super) async fn read(visitor: &Visitor, number: u64) -> Result<Change, Problem> {
    let entry = visitor.api().get(&api_path_of(number)).await?.json()?;
    Ok(Change::new(entry, Words::of(visitor.language())))
}

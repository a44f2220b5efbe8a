//! The list of changes.

use askama::Template;
use domain::projects::audit::Entry;

use crate::http::api_client::List;
use crate::http::pairs::Pairs;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::pager::{CURSOR, Pager};
use crate::layout::shell::Shell;
use crate::pages::history::view::Change;
use crate::pages::history::words::{Done, Words};
use crate::pages::history::{AREA, LIST};

/// Changes on a page.
const PAGE_SIZE: u8 = 25;

#[derive(Template)]
#[template(path = "history/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    changes: Vec<Change>,
    pager: Pager,
}

/// Shows the changes, newest first.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let cursor = visitor.query().get(CURSOR).unwrap_or_default();
    let list: List<Entry> =
        visitor.api().get("/audit").query("limit", PAGE_SIZE).query(CURSOR, cursor).await?.json()?;
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    page(&ListPage {
        shell: Shell::new(&visitor, AREA, words.title).with_notice(notice),
        words,
        changes: list.items.into_iter().map(|entry| Change::new(entry, words)).collect(),
        pager: Pager::new(&visitor, LIST, &Pairs::default(), list.cursor),
    })
}

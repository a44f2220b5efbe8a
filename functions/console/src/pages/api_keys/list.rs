//! The list of API keys.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::api_client::List;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::api_keys::AREA;
use crate::pages::api_keys::view::Key;
use crate::pages::api_keys::words::{Done, Words};

#[derive(Template)]
#[template(path = "api_keys/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    keys: Vec<Key>,
}

/// Shows all keys that are not over.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let keys: List<Key> = visitor.api().get("/api-keys").await?.json()?;
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(&visitor, AREA, words.title).with_notice(notice);
    page(&ListPage { shell, words, keys: keys.items })
}

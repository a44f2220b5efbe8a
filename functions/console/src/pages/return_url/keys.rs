//! The list of the keys that encrypt and sign.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::api_client::List;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::return_url::view::Key;
use crate::pages::return_url::words::{Done, Words};
use crate::pages::return_url::{AREA, KEYS, SETTINGS};

#[derive(Template)]
#[template(path = "return_url/keys.html")]
struct KeysPage {
    shell: Shell,
    words: &'static Words,
    keys: Vec<Key>,
}

/// Shows the keys that are valid now.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let keys: List<Key> = visitor.api().get(KEYS).await?.json()?;
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(&visitor, AREA, words.keys_title).with_notice(notice);
    page(&KeysPage { shell, words, keys: keys.items })
}

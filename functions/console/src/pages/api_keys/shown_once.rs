//! The only page that shows a new API key.

use askama::Template;

use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::api_keys::view::Key;
use crate::pages::api_keys::words::Words;
use crate::pages::api_keys::{AREA, LIST};

#[derive(Template)]
#[template(path = "api_keys/shown_once.html")]
struct ShownOncePage<'a> {
    shell: Shell,
    words: &'static Words,
    key: &'a Key,
    secret: &'a str,
}

/// Shows a key that was just created. The response to the form is the only one that contains it, so no URL leads here.
pub(super) fn show(visitor: &Visitor, key: &Key) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.once_title);
    page(&ShownOncePage { shell, words, key, secret: key.secret.as_deref().unwrap_or_default() })
}

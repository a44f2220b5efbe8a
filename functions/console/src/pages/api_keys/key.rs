//! One API key.

use askama::Template;
use domain::foundation::id::ApiKeyId;
use domain::projects::api_key::Scope;

use crate::http::path::Id;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::api_keys::view::Key;
use crate::pages::api_keys::words::{ScopeChoice, Words};
use crate::pages::api_keys::{AREA, LIST, path_of};

#[derive(Template)]
#[template(path = "api_keys/key.html")]
struct KeyPage {
    shell: Shell,
    words: &'static Words,
    key: Key,
    scopes: Vec<ScopeChoice>,
}

/// Shows a key, without the key itself.
pub(super) async fn show(visitor: Visitor, Id(id): Id<ApiKeyId>) -> PageResult {
    let words = Words::of(visitor.language());
    let key: Key = visitor.api().get(&path_of(id)).await?.json()?;
    let scopes = key.scopes.iter().map(|scope| words.choice(scope)).collect();
    page(&KeyPage { shell: Shell::new(&visitor, AREA, &key.name), words, key, scopes })
}

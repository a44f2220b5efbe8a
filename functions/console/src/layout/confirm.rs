//! The page that asks before something is destroyed.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::response::{PageResult, page_with};
use crate::layout::shell::Shell;

/// A page that says what will happen and asks once. Its button sends a `POST` to the path of the page.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage<'a> {
    pub(crate) shell: Shell,
    pub(crate) form: Form,
    /// What will happen, one sentence a line.
    pub(crate) consequences: Vec<String>,
    /// The scope that the act needs.
    pub(crate) scope: Scope,
    /// The label of the button, such as "Delete this user".
    pub(crate) label: &'a str,
    /// The page to go back to.
    pub(crate) cancel: &'a str,
}

impl ConfirmPage<'_> {
    /// Renders the page.
    pub(crate) fn respond(&self) -> PageResult {
        page_with(self.form.status(), self)
    }
}

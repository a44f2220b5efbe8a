//! Reverts a change, after one question.

use domain::projects::api_key::Scope;
use domain::projects::audit::{Action, Resource};

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::history::entry::read;
use crate::pages::history::view::Change;
use crate::pages::history::words::{Done, Words};
use crate::pages::history::{AREA, LIST, api_path_of, path_of};

/// Says which values come back.
pub(super) async fn ask(visitor: Visitor, Id(number): Id<u64>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, number, form).await
}

/// Reverts the change.
pub(super) async fn revert(visitor: Visitor, Id(number): Id<u64>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/revert", api_path_of(number))).of_form(&sent).await {
        Ok(_) => done(LIST, Done::Reverted),
        Err(problem) => show(&visitor, number, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, number: u64, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let change = read(visitor, number).await?;
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.revert_title).with_form(&form),
        form,
        consequences: consequences(&change, words),
        scope: Scope::SettingsWrite,
        label: words.revert_button,
        cancel: &path_of(number),
    }
    .respond()
}

/// One sentence for each field that gets its earlier value back.
fn consequences(change: &Change, words: &Words) -> Vec<String> {
    if matches!((change.entry.change.resource, change.entry.change.action), (Resource::ReturnUrl, Action::Created)) {
        return vec![words.revert_return_url.to_owned()];
    }
    let fields = change.entry.change.changes.iter();
    let fields = fields.map(|field| words.revert_field.fill("field", &field.field).fill("value", change.before(field)));
    fields.chain([words.revert_others.to_owned()]).collect()
}

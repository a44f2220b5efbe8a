//! Deletes the return URL, after one question.

use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::pages::return_url::words::{Done, Words};
use crate::pages::return_url::{AREA, SETTINGS};

/// Says what deleting the return URL means.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, form)
}

/// Deletes the return URL.
pub(super) async fn delete(visitor: Visitor, sent: SentForm) -> PageResult {
    match visitor.api().delete(SETTINGS).of_form(&sent).await {
        Ok(_) => done(SETTINGS, Done::Deleted),
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &[])?),
    }
}

fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.delete_title).with_form(&form),
        form,
        consequences: vec![words.delete_people.to_owned(), words.delete_keys.to_owned()],
        scope: Scope::SettingsWrite,
        label: words.delete_button,
        cancel: SETTINGS,
    }
    .respond()
}

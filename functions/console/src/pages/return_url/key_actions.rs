//! Activates or deletes a key, each after one question.

use domain::foundation::id::SecretKeyId;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::pages::return_url::words::{Done, Words};
use crate::pages::return_url::{AREA, KEYS, key_path};

/// Says what activating a key means.
pub(super) async fn ask_to_activate(visitor: Visitor, Id(_): Id<SecretKeyId>) -> PageResult {
    let form = Form::new(&visitor);
    show_activation(&visitor, form)
}

/// Makes the next key current.
pub(super) async fn activate(visitor: Visitor, Id(id): Id<SecretKeyId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/activate", key_path(id))).of_form(&sent).await {
        Ok(_) => done(KEYS, Done::Activated),
        Err(problem) => show_activation(&visitor, Form::refused(&visitor, sent, problem, &[])?),
    }
}

/// Says what deleting a key means.
pub(super) async fn ask_to_delete(visitor: Visitor, Id(_): Id<SecretKeyId>) -> PageResult {
    let form = Form::new(&visitor);
    show_deletion(&visitor, form)
}

/// Deletes a key that is not current.
pub(super) async fn delete(visitor: Visitor, Id(id): Id<SecretKeyId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&key_path(id)).of_form(&sent).await {
        Ok(_) => done(KEYS, Done::KeyDeleted),
        Err(problem) => show_deletion(&visitor, Form::refused(&visitor, sent, problem, &[])?),
    }
}

fn show_activation(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.activate_title).with_form(&form),
        form,
        consequences: vec![words.activate_use.to_owned(), words.activate_before.to_owned()],
        scope: Scope::SecretsWrite,
        label: words.activate_button,
        cancel: KEYS,
    }
    .respond()
}

fn show_deletion(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.delete_key_title).with_form(&form),
        form,
        consequences: vec![words.delete_key_verify.to_owned(), words.delete_key_forever.to_owned()],
        scope: Scope::SecretsWrite,
        label: words.delete_key_button,
        cancel: KEYS,
    }
    .respond()
}

//! Revokes an API key, after one question.

use domain::foundation::id::ApiKeyId;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::api_keys::view::Key;
use crate::pages::api_keys::words::{Done, Words};
use crate::pages::api_keys::{AREA, LIST, path_of};

/// Says what revoking the key means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<ApiKeyId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form).await
}

/// Revokes the key.
pub(super) async fn revoke(visitor: Visitor, Id(id): Id<ApiKeyId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&path_of(id)).of_form(&sent).await {
        Ok(_) => done(LIST, Done::Revoked),
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, id: ApiKeyId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let key: Key = visitor.api().get(&path_of(id)).await?.json()?;
    let used = match key.last_used_on {
        Some(day) => words.revoke_used.fill("day", day),
        None => words.revoke_unused.to_owned(),
    };
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.revoke_title.fill("name", &key.name)).with_form(&form),
        form,
        consequences: vec![words.revoke_calls.to_owned(), used, words.revoke_rotate.to_owned()],
        scope: Scope::KeysWrite,
        label: words.revoke_button,
        cancel: &path_of(id),
    }
    .respond()
}

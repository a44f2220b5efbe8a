//! Deletes a notification user, after one question.

use domain::foundation::id::NotificationUserId;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::notification_users::view::User;
use crate::pages::notification_users::words::{Done, Words};
use crate::pages::notification_users::{AREA, LIST, path_of};

/// Says what deleting the user means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<NotificationUserId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form).await
}

/// Deletes the user.
pub(super) async fn delete(visitor: Visitor, Id(id): Id<NotificationUserId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&path_of(id)).of_form(&sent).await {
        Ok(_) => done(LIST, Done::Deleted),
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, id: NotificationUserId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let user: User = visitor.api().get(&path_of(id)).await?.json()?;
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.delete_title.fill("name", &user.name)).with_form(&form),
        form,
        consequences: vec![words.delete_mails.fill("email", &user.email), words.delete_again.to_owned()],
        scope: Scope::SettingsWrite,
        label: words.delete_button,
        cancel: &path_of(id),
    }
    .respond()
}

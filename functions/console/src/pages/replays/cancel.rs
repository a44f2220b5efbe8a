//! Stops a replay, after one question.

use domain::foundation::id::ReplayId;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::pages::replays::replay::{read, title};
use crate::pages::replays::words::{Done, Words};
use crate::pages::replays::{AREA, path_of};

/// Says what stopping means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<ReplayId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form).await
}

/// Stops the replay.
pub(super) async fn cancel(visitor: Visitor, Id(id): Id<ReplayId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/cancel", path_of(id))).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Stopped),
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, id: ReplayId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let replay = read(visitor, id).await?;
    let effect = if replay.sends_missing() { words.missing_stopped_note } else { words.stop_effect };
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.stop_title).with_form(&form),
        form,
        consequences: vec![title(&replay, words), effect.to_owned(), words.stop_again.to_owned()],
        scope: Scope::DeliveriesReplay,
        label: words.stop_button,
        cancel: &path_of(id),
    }
    .respond()
}

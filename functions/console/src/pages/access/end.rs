//! Ends one session, or all, after one question.

use domain::foundation::id::ConsoleSessionId;
use domain::projects::api_key::Scope;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::pages::access::words::{Done, Words};
use crate::pages::access::{AREA, LIST};

/// Says what ending a session means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<ConsoleSessionId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form)
}

/// Ends the session.
pub(super) async fn end(visitor: Visitor, Id(id): Id<ConsoleSessionId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&format!("/console-sessions/{id}")).of_form(&sent).await {
        Ok(_) => {
            visitor.forget_session(id);
            done(LIST, Done::Ended)
        }
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?),
    }
}

/// Says what ending all sessions means.
pub(super) async fn ask_all(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor);
    show_all(&visitor, form)
}

/// Ends all sessions. The next page of this browser says that its session is over.
pub(super) async fn end_all(visitor: Visitor, sent: SentForm) -> PageResult {
    match visitor.api().delete("/console-sessions").of_form(&sent).await {
        Ok(_) => {
            visitor.forget_session(visitor.session().id);
            done(LIST, Done::Ended)
        }
        Err(problem) => show_all(&visitor, Form::refused(&visitor, sent, problem, &[])?),
    }
}

fn show(visitor: &Visitor, id: ConsoleSessionId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let is_own = id == visitor.session().id;
    let whose = if is_own { words.end_own } else { words.end_other };
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.end_title).with_form(&form),
        form,
        consequences: vec![whose.to_owned(), words.end_again.to_owned()],
        scope: Scope::KeysWrite,
        label: words.end_button,
        cancel: LIST,
    }
    .respond()
}

fn show_all(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.end_all_title).with_form(&form),
        form,
        consequences: vec![words.end_all_people.to_owned(), words.end_all_links.to_owned()],
        scope: Scope::KeysWrite,
        label: words.end_all_button,
        cancel: LIST,
    }
    .respond()
}

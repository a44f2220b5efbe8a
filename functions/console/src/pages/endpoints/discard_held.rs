//! Discards the held deliveries of an endpoint, after one question.

use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;
use serde::Deserialize;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, done};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::{Done, Words};
use crate::pages::endpoints::{AREA, path_of};

/// What the api returns.
#[derive(Deserialize)]
struct Discarded {
    /// Whether all held deliveries were discarded. One call discards a limited number.
    done: bool,
}

/// Says what discarding means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form).await
}

/// Discards the held deliveries.
pub(super) async fn discard(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/discard-held", path_of(id))).of_form(&sent).await {
        Ok(reply) => {
            let Discarded { done: is_done } = reply.json()?;
            done(&path_of(id), if is_done { Done::Discarded } else { Done::DiscardedInPart })
        }
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, id: EndpointId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.discard_title).with_form(&form),
        form,
        consequences: vec![
            words.discard_held.fill("count", endpoint.held()),
            words.discard_use.to_owned(),
            words.discard_later.to_owned(),
        ],
        scope: Scope::SettingsWrite,
        label: words.discard_button,
        cancel: &path_of(id),
    }
    .respond()
}

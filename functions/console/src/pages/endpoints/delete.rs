//! Deletes an endpoint, after one question.

use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;

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
use crate::pages::endpoints::{AREA, LIST, path_of};

/// Says what deleting the endpoint means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, id, form).await
}

/// Deletes the endpoint.
pub(super) async fn delete(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&path_of(id)).of_form(&sent).await {
        Ok(_) => done(LIST, Done::Deleted),
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

async fn show(visitor: &Visitor, id: EndpointId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    let held = (endpoint.held_deliveries > 0).then(|| words.delete_held.fill("count", endpoint.held()));
    let others = [words.delete_retries, words.delete_log, words.delete_instead].map(str::to_owned);
    let consequences = [words.delete_url.fill("url", &endpoint.url)].into_iter().chain(held).chain(others);
    ConfirmPage {
        shell: Shell::new(visitor, AREA, words.delete_title.fill("name", endpoint.name())).with_form(&form),
        form,
        consequences: consequences.collect(),
        scope: Scope::SettingsWrite,
        label: words.delete_button,
        cancel: &path_of(id),
    }
    .respond()
}

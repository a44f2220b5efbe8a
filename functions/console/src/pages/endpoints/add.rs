//! Adds an endpoint, and shows its signing secret once.

use askama::Template;
use domain::projects::api_key::Scope;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{Format, Payload};
use domain::webhooks::signature::SignatureScheme;

use crate::http::form::Form;
use crate::http::response::{PageResult, page, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::endpoints::AREA;
use crate::pages::endpoints::fields::{self, FIELDS, FieldTexts};
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::Words;

#[derive(Template)]
#[template(path = "endpoints/add.html")]
struct AddPage {
    shell: Shell,
    words: &'static Words,
    texts: FieldTexts,
    form: Form,
}

#[derive(Template)]
#[template(path = "endpoints/added.html")]
struct AddedPage<'a> {
    shell: Shell,
    words: &'static Words,
    endpoint: &'a Endpoint,
    secret: &'a str,
}

/// Shows an empty form.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor)
        .with("format", Format::default())
        .with("payload", Payload::default())
        .with("encryption", Encryption::None)
        .with("signatures", SignatureScheme::V1);
    show(&visitor, form)
}

/// Adds the endpoint and shows its secret, or shows the form again with what is wrong.
pub(super) async fn add(visitor: Visitor, sent: SentForm) -> PageResult {
    match visitor.api().post("/endpoints").json(&fields::creation(&sent)).of_form(&sent).await {
        Ok(reply) => show_secret(&visitor, &reply.json()?),
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?),
    }
}

fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.add).with_form(&form);
    let texts = FieldTexts::new(visitor, words, None);
    page_with(form.status(), &AddPage { shell, words, texts, form })
}

/// The response to the form is the only one that contains the secret, so no URL leads to this page.
fn show_secret(visitor: &Visitor, endpoint: &Endpoint) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.added_title);
    let secret = endpoint.signing_secret.as_deref().unwrap_or_default();
    page(&AddedPage { shell, words, endpoint, secret })
}

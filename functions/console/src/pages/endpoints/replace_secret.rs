//! Replaces the signing secret without an overlap, after one question.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;
use serde_json::json;

use crate::http::api_client::Reply;
use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::endpoints::secret_words::Words;
use crate::pages::endpoints::secrets::{rotate_to, rotated, secrets_of};
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::{AREA, LIST, path_of, words};

#[derive(Template)]
#[template(path = "endpoints/replace_secret.html")]
struct ReplacePage {
    shell: Shell,
    words: &'static Words,
    list_title: &'static str,
    endpoint: Endpoint,
    cancel: String,
    form: Form,
}

/// Says what replacing the secret at once means.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let reply = visitor.api().get(&path_of(id)).await?;
    let form = Form::changing(&visitor, &reply);
    show(&visitor, id, &reply, form)
}

/// Replaces the secret and shows the new one once.
pub(super) async fn replace(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    match rotate_to(&visitor, id, &sent, json!(0)).await {
        Ok(reply) => rotated(&visitor, id, &reply),
        Err(problem) => {
            let reply = visitor.api().get(&path_of(id)).await?;
            let form = Form::refused(&visitor, sent, problem, &["signingSecret"])?.with_etag_of(&reply);
            show(&visitor, id, &reply, form)
        }
    }
}

fn show(visitor: &Visitor, id: EndpointId, reply: &Reply, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let page = ReplacePage {
        shell: Shell::new(visitor, AREA, words.replace_title).with_form(&form),
        words,
        list_title: words::Words::of(visitor.language()).title,
        endpoint: reply.json()?,
        cancel: secrets_of(id),
        form,
    };
    page_with(page.form.status(), &page)
}

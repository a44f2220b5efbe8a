//! Replaces an API key by a new one with the same rights.

use askama::Template;
use domain::foundation::id::ApiKeyId;
use domain::projects::api_key::Scope;
use serde_json::json;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::DEFAULT_OVERLAP_DAYS;
use crate::pages::api_keys::view::Key;
use crate::pages::api_keys::words::Words;
use crate::pages::api_keys::{AREA, LIST, end_of_day, path_of, shown_once};

/// The fields of the form.
const FIELDS: [&str; 2] = ["overlapDays", "expiresAt"];

#[derive(Template)]
#[template(path = "api_keys/rotate.html")]
struct RotatePage {
    shell: Shell,
    words: &'static Words,
    key: Key,
    form: Form,
}

/// Asks how long both keys are to work.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<ApiKeyId>) -> PageResult {
    let form = Form::new(&visitor).with("overlapDays", DEFAULT_OVERLAP_DAYS);
    show(&visitor, id, form).await
}

/// Creates the new key, and shows it once.
pub(super) async fn rotate(visitor: Visitor, Id(id): Id<ApiKeyId>, sent: SentForm) -> PageResult {
    let mut body = json!({"overlapDays": sent.number("overlapDays")});
    // Without a date the new key ends when the old one would have.
    if sent.optional("expiresAt").is_some() {
        body["expiresAt"] = end_of_day(&sent, "expiresAt");
    }
    match visitor.api().post(&format!("{}/rotate", path_of(id))).json(&body).of_form(&sent).await {
        Ok(reply) => shown_once::show(&visitor, &reply.json()?),
        Err(problem) => show(&visitor, id, Form::refused(&visitor, sent, problem, &FIELDS)?).await,
    }
}

async fn show(visitor: &Visitor, id: ApiKeyId, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let key: Key = visitor.api().get(&path_of(id)).await?.json()?;
    let shell = Shell::new(visitor, AREA, words.rotate_title.fill("name", &key.name)).with_form(&form);
    page_with(form.status(), &RotatePage { shell, words, key, form })
}

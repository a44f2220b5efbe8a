//! Issues a key that encrypts and signs, and shows it once.

use askama::Template;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use serde_json::json;

use crate::http::api_client::List;
use crate::http::form::Form;
use crate::http::response::{PageResult, page, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::DEFAULT_OVERLAP_DAYS;
use crate::pages::return_url::view::{Key, NewKey};
use crate::pages::return_url::words::Words;
use crate::pages::return_url::{AREA, KEYS, SETTINGS};

/// The fields of the form.
const FIELDS: [&str; 2] = ["overlapDays", "secretKey"];

#[derive(Template)]
#[template(path = "return_url/new_key.html")]
struct NewKeyPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    /// Whether there is a key that the new one replaces.
    replaces: bool,
}

#[derive(Template)]
#[template(path = "return_url/key_once.html")]
struct KeyOncePage {
    shell: Shell,
    words: &'static Words,
    secret_key: String,
    active_from: Timestamp,
}

/// Asks when the new key replaces the current one.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor).with("overlapDays", DEFAULT_OVERLAP_DAYS);
    show(&visitor, form).await
}

/// Issues the key. The response to the form is the only one that contains it.
pub(super) async fn issue(visitor: Visitor, sent: SentForm) -> PageResult {
    // The first key replaces none, so its form does not ask for days.
    let body = json!({"overlapDays": sent.number("overlapDays"), "secretKey": sent.json("secretKey")});
    match visitor.api().post(KEYS).json(&body).of_form(&sent).await {
        Ok(reply) => {
            let NewKey { secret_key, active_from } = reply.json()?;
            let words = Words::of(visitor.language());
            page(&KeyOncePage { shell: Shell::new(&visitor, AREA, words.once_title), words, secret_key, active_from })
        }
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?).await,
    }
}

async fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let keys: List<Key> = visitor.api().get(KEYS).await?.json()?;
    let shell = Shell::new(visitor, AREA, words.new_key_title).with_form(&form);
    page_with(form.status(), &NewKeyPage { shell, words, form, replaces: !keys.items.is_empty() })
}

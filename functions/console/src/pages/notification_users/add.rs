//! Adds a notification user.

use askama::Template;
use domain::projects::api_key::Scope;
use serde_json::json;

use crate::http::form::Form;
use crate::http::response::{PageResult, done, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::notification_users::words::{Done, LANGUAGES, Words};
use crate::pages::notification_users::{AREA, LIST};

/// The fields of the form. Each is named like the api's field.
const FIELDS: [&str; 3] = ["name", "email", "language"];

#[derive(Template)]
#[template(path = "notification_users/add.html")]
struct AddPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
}

/// Shows an empty form.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor).with("language", visitor.language().as_str());
    show(&visitor, form)
}

/// Adds the user, or shows the form again with what is wrong.
pub(super) async fn add(visitor: Visitor, sent: SentForm) -> PageResult {
    let body = json!({
        "name": sent.json("name"),
        "email": sent.json("email"),
        "language": sent.json("language"),
    });
    match visitor.api().post("/notification-users").json(&body).of_form(&sent).await {
        Ok(_) => done(LIST, Done::Added),
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?),
    }
}

fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.add_title).with_form(&form);
    page_with(form.status(), &AddPage { shell, words, form })
}

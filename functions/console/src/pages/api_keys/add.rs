//! Creates an API key.

use askama::Template;
use domain::projects::api_key::{KeyScope, Scope};
use serde_json::json;

use crate::http::form::Form;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::api_keys::words::{ScopeChoice, Words};
use crate::pages::api_keys::{AREA, end_of_day, shown_once};

/// The fields of the form.
const FIELDS: [&str; 4] = ["name", "scopes", "expiresAt", "allowedCidrs"];

#[derive(Template)]
#[template(path = "api_keys/add.html")]
struct AddPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    scopes: Vec<ScopeChoice>,
}

/// Shows an empty form. Reading is allowed at first, so that a key can do little unless somebody decides otherwise.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor).with("scopes", Scope::SettingsRead).with("scopes", Scope::DeliveriesRead);
    show(&visitor, form)
}

/// Creates the key, and shows it once.
pub(super) async fn add(visitor: Visitor, sent: SentForm) -> PageResult {
    let body = json!({
        "name": sent.json("name"),
        "scopes": sent.all("scopes"),
        "expiresAt": end_of_day(&sent, "expiresAt"),
        "allowedCidrs": sent.lines("allowedCidrs"),
    });
    match visitor.api().post("/api-keys").json(&body).of_form(&sent).await {
        Ok(reply) => shown_once::show(&visitor, &reply.json()?),
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?),
    }
}

fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.add_title).with_form(&form);
    // A key can have no scope of this service that its creator lacks. Those who may create keys may give any product scope.
    let own = Scope::ALL.into_iter().filter(|scope| visitor.may(*scope)).map(KeyScope::Own);
    let product = visitor.product_scopes().all().iter().cloned().map(KeyScope::Product);
    let scopes = own.chain(product).map(|scope| words.choice(&scope)).collect();
    page_with(form.status(), &AddPage { shell, words, form, scopes })
}

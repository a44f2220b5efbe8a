//! Checks a URL with which a person came back: is it ours, and what does it say?

use api::ProblemKind;
use askama::Template;
use domain::projects::api_key::Scope;
use serde_json::json;

use crate::http::form::Form;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::return_url::view::Verdict;
use crate::pages::return_url::words::Words;
use crate::pages::return_url::{AREA, SETTINGS};

/// The fields of the form.
const FIELDS: [&str; 1] = ["url"];

#[derive(Template)]
#[template(path = "return_url/check.html")]
struct CheckPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    verdict: Option<Verdict>,
    /// Whether a return URL is set. Without one there is nothing to compare with.
    is_set: bool,
}

impl CheckPage {
    /// The names and values of the URL's fields.
    fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = self.verdict.iter().flat_map(|verdict| &verdict.fields);
        fields.map(|(field, value)| (self.words.field(*field), value.as_str()))
    }
}

/// Shows an empty form.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let form = Form::new(&visitor);
    show(&visitor, form, None, true)
}

/// Shows the verdict. Nothing of the URL is stored.
pub(super) async fn check(visitor: Visitor, sent: SentForm) -> PageResult {
    let body = json!({"url": sent.json("url")});
    match visitor.api().post("/return-url/verify").json(&body).await {
        Ok(reply) => {
            let verdict = reply.json()?;
            show(&visitor, Form::kept(&visitor, sent), Some(verdict), true)
        }
        Err(problem) if problem.kind() == Some(ProblemKind::NotFound) => {
            show(&visitor, Form::kept(&visitor, sent), None, false)
        }
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?, None, true),
    }
}

fn show(visitor: &Visitor, form: Form, verdict: Option<Verdict>, is_set: bool) -> PageResult {
    let words = Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.check_title).with_form(&form);
    page_with(form.status(), &CheckPage { shell, words, form, verdict, is_set })
}

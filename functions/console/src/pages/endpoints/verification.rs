//! Explains why a webhook that a receiver got does not verify.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;
use domain::webhooks::verification::Finding;
use serde::Deserialize;
use serde_json::json;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::endpoints::verification_words::Words;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::{AREA, LIST, path_of, words};

/// The fields of the form. Each is named like the api's field.
const FIELDS: [&str; 3] = ["headers", "body", "computedSignature"];

#[derive(Template)]
#[template(path = "endpoints/verify.html")]
struct VerifyPage {
    shell: Shell,
    words: &'static Words,
    list_title: &'static str,
    endpoint: Endpoint,
    outcome: Option<Outcome>,
    form: Form,
}

/// What the api found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    verifies: bool,
    has_original: bool,
    findings: Vec<Finding>,
}

/// What the page shows of it.
struct Outcome {
    is_right: bool,
    compared: &'static str,
    /// Whether nothing is wrong with what was pasted.
    is_in_code: bool,
    findings: Vec<Shown>,
}

/// A finding in words, and where to mend it in the console.
struct Shown {
    class: &'static str,
    text: String,
    way: Option<(&'static str, String)>,
}

/// Shows the form.
pub(super) async fn ask(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    respond(&visitor, id, form, None).await
}

/// Shows what was found, below the form with what was pasted.
pub(super) async fn check(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    let body = json!({
        "headers": sent.raw("headers"),
        // Browsers send every line break of a text area as CR LF.
        "body": sent.raw("body").replace("\r\n", "\n"),
        "computedSignature": sent.json("computedSignature"),
    });
    match visitor.api().post(&format!("{}/verify", path_of(id))).json(&body).await {
        Ok(reply) => {
            let outcome = Outcome::new(&visitor, id, &reply.json()?);
            respond(&visitor, id, Form::kept(&visitor, sent), Some(outcome)).await
        }
        Err(problem) => {
            let form = Form::refused(&visitor, sent, problem, &FIELDS)?;
            respond(&visitor, id, form, None).await
        }
    }
}

async fn respond(visitor: &Visitor, id: EndpointId, form: Form, outcome: Option<Outcome>) -> PageResult {
    let words = Words::of(visitor.language());
    let endpoint: Endpoint = visitor.api().get(&path_of(id)).await?.json()?;
    let shell = Shell::new(visitor, AREA, words.title).with_form(&form);
    let list_title = words::Words::of(visitor.language()).title;
    page_with(form.status(), &VerifyPage { shell, words, list_title, endpoint, outcome, form })
}

impl Outcome {
    fn new(visitor: &Visitor, id: EndpointId, check: &Check) -> Self {
        let words = Words::of(visitor.language());
        let shown = |finding: &Finding| Shown {
            class: if finding.is_remark() { "is-next" } else { "is-bad" },
            text: words.finding(finding),
            way: words.way(finding, id),
        };
        Self {
            is_right: check.verifies,
            compared: if check.has_original { words.compared } else { words.not_compared },
            is_in_code: check.verifies && check.findings.iter().all(Finding::is_remark),
            findings: check.findings.iter().map(shown).collect(),
        }
    }
}

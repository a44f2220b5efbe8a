//! One endpoint: how it is doing and its settings. Changes, pauses and resumes it.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;

use crate::http::api_client::Reply;
use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::attempt_words::Failure;
use crate::layout::shell::Shell;
use crate::pages::endpoints::fields::{self, FIELDS, FieldTexts};
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::{Done, Words};
use crate::pages::endpoints::{AREA, LIST, path_of};

#[derive(Template)]
#[template(path = "endpoints/endpoint.html")]
struct EndpointPage {
    shell: Shell,
    words: &'static Words,
    endpoint: Endpoint,
    texts: FieldTexts,
    form: Form,
    /// The last failure.
    failure: Option<Failure>,
}

/// Shows an endpoint, with a form that changes it.
pub(super) async fn show(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let reply = read(&visitor, id).await?;
    let endpoint: Endpoint = reply.json()?;
    let form = fields::filled(Form::changing(&visitor, &reply), &endpoint);
    respond(&visitor, endpoint, form)
}

/// Changes the settings.
pub(super) async fn change(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    let reply = read(&visitor, id).await?;
    let current: Endpoint = reply.json()?;
    match visitor.api().patch(&path_of(id)).json(&fields::change(&sent, &current)).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Changed),
        Err(problem) => {
            let form = Form::refused(&visitor, sent, problem, &FIELDS)?.with_etag_of(&reply);
            respond(&visitor, current, form)
        }
    }
}

/// Pauses the endpoint.
pub(super) async fn pause(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    press(&visitor, id, &sent, "pause", Done::Paused).await
}

/// Begins sending again.
pub(super) async fn resume(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    press(&visitor, id, &sent, "resume", Done::Resumed).await
}

/// Makes the call of a button without fields.
async fn press(visitor: &Visitor, id: EndpointId, sent: &SentForm, call: &str, notice: Done) -> PageResult {
    match visitor.api().post(&format!("{}/{call}", path_of(id))).of_form(sent).await {
        Ok(_) => done(&path_of(id), notice),
        Err(problem) => {
            let reply = read(visitor, id).await?;
            let endpoint: Endpoint = reply.json()?;
            let form = Form::refused(visitor, SentForm::default(), problem, &[])?.with_etag_of(&reply);
            respond(visitor, endpoint.clone(), fields::filled(form, &endpoint))
        }
    }
}

async fn read(visitor: &Visitor, id: EndpointId) -> Result<Reply, Problem> {
    visitor.api().get(&path_of(id)).await
}

fn respond(visitor: &Visitor, endpoint: Endpoint, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(visitor, AREA, endpoint.name()).with_form(&form).with_notice(notice);
    let texts = FieldTexts::new(visitor, words, Some(&endpoint));
    let last = endpoint.health.last_failure;
    let failure = last.map(|last| Failure::of(last.reason, last.status, visitor.language()));
    page_with(form.status(), &EndpointPage { shell, words, endpoint, texts, form, failure })
}

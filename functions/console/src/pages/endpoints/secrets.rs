//! The secrets of an endpoint: rotates the signing secret, ends the previous one, shows where the public key is.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::api_client::Reply;
use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page, page_with, see_other};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::confirm::ConfirmPage;
use crate::layout::shell::Shell;
use crate::pages::DEFAULT_OVERLAP_DAYS;
use crate::pages::endpoints::secret_words::{Done, Words};
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::{AREA, LIST, path_of, words};
use crate::pages::return_url::KEYS;

/// The fields of the form that rotates the signing secret.
const FIELDS: [&str; 2] = ["overlapDays", "signingSecret"];

#[derive(Template)]
#[template(path = "endpoints/secrets.html")]
struct SecretsPage {
    shell: Shell,
    words: &'static Words,
    list_title: &'static str,
    endpoint: Endpoint,
    overlaps: [(&'static str, &'static str); 5],
    public_key_url: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "endpoints/rotated.html")]
struct RotatedPage {
    shell: Shell,
    words: &'static Words,
    path: String,
    rotated: Rotated,
}

/// A new signing secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    signing_secret: String,
    #[serde(default)]
    previous_secrets_until: Option<Timestamp>,
}

/// Shows what secrets the endpoint has, without their values.
pub(super) async fn show(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let reply = visitor.api().get(&path_of(id)).await?;
    let form = Form::changing(&visitor, &reply).with("overlapDays", DEFAULT_OVERLAP_DAYS);
    respond(&visitor, reply.json()?, form)
}

/// Creates a new signing secret and shows it once. Without an overlap, the page that replaces a secret at once asks first.
pub(super) async fn rotate(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    let days = sent.number("overlapDays");
    if days == json!(0) {
        return see_other(&format!("{}/replace", secrets_of(id)));
    }
    match rotate_to(&visitor, id, &sent, days).await {
        Ok(reply) => rotated(&visitor, id, &reply),
        Err(problem) => {
            let reply = visitor.api().get(&path_of(id)).await?;
            let form = Form::refused(&visitor, sent, problem, &FIELDS)?.with_etag_of(&reply);
            respond(&visitor, reply.json()?, form)
        }
    }
}

/// Rotates the signing secret. The previous one signs for another `overlap_days`.
pub(super) async fn rotate_to(
    visitor: &Visitor,
    id: EndpointId,
    sent: &SentForm,
    overlap_days: Value,
) -> Result<Reply, Problem> {
    let body = json!({"overlapDays": overlap_days, "signingSecret": sent.json("signingSecret")});
    visitor.api().post(&format!("{}/signing-secret/rotate", path_of(id))).json(&body).of_form(sent).await
}

/// Shows a new signing secret. No URL leads to this page.
pub(super) fn rotated(visitor: &Visitor, id: EndpointId, reply: &Reply) -> PageResult {
    let words = Words::of(visitor.language());
    page(&RotatedPage {
        shell: Shell::new(visitor, AREA, words.rotated_title),
        words,
        path: path_of(id),
        rotated: reply.json()?,
    })
}

fn respond(visitor: &Visitor, endpoint: Endpoint, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(visitor, AREA, words.title).with_form(&form).with_notice(notice);
    let list_title = words::Words::of(visitor.language()).title;
    let (overlaps, public_key_url) = (words.overlaps(), visitor.public_url("/jwks.json"));
    let status = form.status();
    page_with(status, &SecretsPage { shell, words, list_title, endpoint, overlaps, public_key_url, form })
}

/// An act of these pages that is asked for once.
#[derive(Clone, Copy)]
enum Act {
    EndPrevious,
    RotateKey,
}

/// Says what ending the previous secrets means.
pub(super) async fn ask_end(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    confirm(&visitor, id, Act::EndPrevious, form).await
}

/// Ends the previous secrets.
pub(super) async fn end(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    match visitor.api().delete(&format!("{}/signing-secret/previous", path_of(id))).of_form(&sent).await {
        Ok(_) => done(&secrets_of(id), Done::Ended),
        Err(problem) => {
            let form = Form::refused(&visitor, sent, problem, &[])?;
            confirm(&visitor, id, Act::EndPrevious, form).await
        }
    }
}

/// Says what a new key pair means.
pub(super) async fn ask_key(visitor: Visitor, Id(id): Id<EndpointId>) -> PageResult {
    let form = Form::new(&visitor);
    confirm(&visitor, id, Act::RotateKey, form).await
}

/// Creates a new key pair.
pub(super) async fn rotate_key(visitor: Visitor, Id(id): Id<EndpointId>, sent: SentForm) -> PageResult {
    // The call does not name the endpoint, so the page checks that it exists.
    visitor.api().get(&path_of(id)).await?;
    match visitor.api().post("/jwks/rotate").of_form(&sent).await {
        Ok(_) => done(&secrets_of(id), Done::KeyRotated),
        Err(problem) => {
            let form = Form::refused(&visitor, sent, problem, &[])?;
            confirm(&visitor, id, Act::RotateKey, form).await
        }
    }
}

/// Asks about an act. The page of an endpoint that does not exist has no question.
async fn confirm(visitor: &Visitor, id: EndpointId, act: Act, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    visitor.api().get(&path_of(id)).await?;
    let (title, consequences, label) = match act {
        Act::EndPrevious => (words.end_title, [words.end_effect, words.end_warning], words.end_button),
        Act::RotateKey => {
            (words.rotate_key_title, [words.rotate_key_scope, words.rotate_key_effect], words.rotate_key_button)
        }
    };
    ConfirmPage {
        shell: Shell::new(visitor, AREA, title).with_form(&form),
        form,
        consequences: consequences.map(str::to_owned).into(),
        scope: Scope::SecretsWrite,
        label,
        cancel: &secrets_of(id),
    }
    .respond()
}

/// The path of the page.
pub(super) fn secrets_of(id: EndpointId) -> String {
    format!("{}/secrets", path_of(id))
}

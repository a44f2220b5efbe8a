//! The settings of the return URL, with a preview of the final URL that follows the form.

use std::future::IntoFuture;

use api::ProblemKind;
use askama::Template;
use domain::projects::api_key::Scope;
use serde_json::{Value, json};

use crate::http::api_client::{List, Reply};
use crate::http::form::Form;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page, page_with, part};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::choice::Choice;
use crate::layout::shell::Shell;
use crate::pages::return_url::view::{Key, Preview, Settings};
use crate::pages::return_url::words::{Done, Words};
use crate::pages::return_url::{AREA, KEYS, SETTINGS};

/// The fields of the form.
const FIELDS: [&str; 6] = ["url", "fields", "skipResultPage", "encryption", "signed", "allowAppScheme"];

#[derive(Template)]
#[template(path = "return_url/settings.html")]
struct SettingsPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    fields: Vec<Choice>,
    encryptions: Vec<Choice>,
    /// Whether a return URL is set.
    is_set: bool,
    /// Whether there is a key for encryption and signatures.
    has_key: bool,
    /// The part that follows the form, as HTML.
    preview: String,
}

/// The part of the page that follows the form.
#[derive(Template)]
#[template(path = "return_url/preview.html")]
struct PreviewPart {
    words: &'static Words,
    preview: Option<Preview>,
}

impl PreviewPart {
    /// The warnings, one sentence each.
    fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let warnings = self.preview.iter().flat_map(|preview| &preview.warnings);
        warnings.map(|warning| self.words.warning(warning.code))
    }
}

/// What is stored: the settings, if they are set, and whether there is a key.
struct Stored {
    settings: Option<Reply>,
    has_key: bool,
}

/// Shows the settings.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let stored = read(&visitor).await?;
    let form = match &stored.settings {
        None => Form::new(&visitor).with("encryption", "none"),
        Some(reply) => filled(Form::changing(&visitor, reply), &reply.json()?),
    };
    let preview = match &stored.settings {
        None => None,
        Some(_) => Some(visitor.api().get("/return-url/preview").await?.json()?),
    };
    respond(&visitor, &stored, form, preview)
}

/// Stores the settings.
pub(super) async fn save(visitor: Visitor, sent: SentForm) -> PageResult {
    match visitor.api().put(SETTINGS).json(&body(&sent)).of_form(&sent).await {
        Ok(_) => done(SETTINGS, Done::Saved),
        Err(problem) => {
            let preview = preview_of(&visitor, &sent).await?;
            let form = Form::refused(&visitor, sent, problem, &FIELDS)?;
            let stored = read(&visitor).await?;
            let form = match &stored.settings {
                Some(reply) => form.with_etag_of(reply),
                None => form,
            };
            respond(&visitor, &stored, form, preview)
        }
    }
}

/// Shows the preview of what the form says now. The script asks for the preview alone.
pub(super) async fn preview(visitor: Visitor, sent: SentForm) -> PageResult {
    let words = Words::of(visitor.language());
    if visitor.wants_fragment() {
        return page(&PreviewPart { words, preview: preview_of(&visitor, &sent).await? });
    }
    let refused = visitor.api().post("/return-url/preview").json(&body(&sent)).await;
    let (preview, problem) = match refused {
        Ok(reply) => (Some(reply.json()?), None),
        Err(problem) => (None, Some(problem)),
    };
    let form = match problem {
        None => Form::kept(&visitor, sent),
        Some(problem) => Form::refused(&visitor, sent, problem, &FIELDS)?,
    };
    let stored = read(&visitor).await?;
    respond(&visitor, &stored, form, preview)
}

/// The preview of a form, or `None` if the form has errors.
async fn preview_of(visitor: &Visitor, sent: &SentForm) -> Result<Option<Preview>, Problem> {
    match visitor.api().post("/return-url/preview").json(&body(sent)).await {
        Ok(reply) => Ok(Some(reply.json()?)),
        Err(problem) if problem.kind() == Some(ProblemKind::BadFields) => Ok(None),
        Err(problem) => Err(problem),
    }
}

async fn read(visitor: &Visitor) -> Result<Stored, Problem> {
    let (settings, keys) =
        tokio::join!(visitor.api().get(SETTINGS).into_future(), visitor.api().get(KEYS).into_future(),);
    let settings = match settings {
        Ok(reply) => Some(reply),
        Err(problem) if problem.kind() == Some(ProblemKind::NotFound) => None,
        Err(problem) => return Err(problem),
    };
    let keys: List<Key> = keys?.json()?;
    Ok(Stored { settings, has_key: !keys.items.is_empty() })
}

fn respond(visitor: &Visitor, stored: &Stored, form: Form, preview: Option<Preview>) -> PageResult {
    let words = Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    page_with(
        form.status(),
        &SettingsPage {
            shell: Shell::new(visitor, AREA, words.title).with_form(&form).with_notice(notice),
            words,
            form,
            fields: words.fields(),
            encryptions: words.encryptions(),
            is_set: stored.settings.is_some(),
            has_key: stored.has_key,
            preview: part(&PreviewPart { words, preview })?,
        },
    )
}

fn filled(form: Form, settings: &Settings) -> Form {
    let form = form.with("url", &settings.url).with("encryption", settings.encryption);
    let form = settings.fields.iter().fold(form, |form, field| form.with("fields", field));
    let boxes = [
        ("skipResultPage", settings.skip_result_page),
        ("signed", settings.signed),
        ("allowAppScheme", settings.allow_app_scheme),
    ];
    boxes.into_iter().filter(|(_, is_ticked)| *is_ticked).fold(form, |form, (name, _)| form.with(name, true))
}

fn body(sent: &SentForm) -> Value {
    json!({
        "url": sent.json("url"),
        "fields": sent.all("fields"),
        "skipResultPage": sent.is_checked("skipResultPage"),
        "encryption": sent.json("encryption"),
        "signed": sent.is_checked("signed"),
        "allowAppScheme": sent.is_checked("allowAppScheme"),
    })
}

//! Starts a replay: a form selects webhooks, the next page says how many they are, and its button starts.

use std::time::Duration;

use askama::Template;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::webhooks::event::EventType;
use domain::webhooks::replay::{ReplayRate, ReplayScope};
use serde_json::{Value, json};

use crate::http::form::Form;
use crate::http::response::{PageResult, done, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::endpoint_names::EndpointNames;
use crate::layout::shell::Shell;
use crate::pages::replays::count;
use crate::pages::replays::view::{Replay, Which};
use crate::pages::replays::words::{Done, Words};
use crate::pages::replays::{AREA, LIST, times};

/// The fields of the form. Each is named like the api's field.
pub(super) const FIELDS: [&str; 6] = ["state", "endpointId", "type", "from", "to", "ratePerMinute"];

/// The start of the time if the person comes without one.
const DEFAULT_TIME: Duration = Duration::from_hours(24);

#[derive(Template)]
#[template(path = "replays/add.html")]
struct AddPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    choices: [(&'static str, &'static str); Which::ALL.len()],
    endpoint_choices: Vec<(String, String)>,
    type_choices: Vec<(String, String)>,
}

/// Shows the form, filled in from the query of a link.
pub(super) async fn ask(visitor: Visitor) -> PageResult {
    let now = visitor.now();
    let mut form = Form::new(&visitor);
    for name in FIELDS {
        let value = visitor.query().get(name).unwrap_or_default();
        // A list of deliveries links to this form with whole days, and today has not ended.
        let is_to_come = name == "to" && times::of_input(value).is_some_and(|to| to > now);
        if !value.is_empty() && !is_to_come {
            form = form.with(name, value);
        }
    }
    let since = minute(now.minus(DEFAULT_TIME));
    let form = form.or("state", Which::Failed).or("ratePerMinute", ReplayRate::default().per_minute());
    show(&visitor, form.or("from", since)).await
}

/// Counts the webhooks that the replay would send, and asks whether to start.
pub(super) async fn count(visitor: Visitor, sent: SentForm) -> PageResult {
    let selection = selection(&sent, visitor.now());
    let mut body = selection.clone();
    body["dryRun"] = true.into();
    match visitor.api().post(LIST).json(&body).await {
        Ok(reply) => count::show(&visitor, selection, reply.json()?).await,
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?).await,
    }
}

/// Starts the replay.
pub(super) async fn start(visitor: Visitor, sent: SentForm) -> PageResult {
    match visitor.api().post(LIST).json(&selection(&sent, visitor.now())).of_form(&sent).await {
        Ok(reply) => done(&reply.json::<Replay>()?.path(), Done::Started),
        Err(problem) => show(&visitor, Form::refused(&visitor, sent, problem, &FIELDS)?).await,
    }
}

/// The body of the request. A time without an end ends now.
fn selection(sent: &SentForm, now: Timestamp) -> Value {
    let is_missing = sent.text("state") == Which::Missing.as_str();
    json!({
        "scope": is_missing.then_some(ReplayScope::Missing),
        "state": if is_missing { Value::Null } else { sent.json("state") },
        "endpointId": sent.json("endpointId"),
        "type": sent.json("type"),
        "from": sent.optional("from").map(times::for_api),
        "to": sent.optional("to").map_or_else(|| now.to_string(), times::for_api),
        "ratePerMinute": sent.number("ratePerMinute"),
    })
}

/// The minute of a time, as an input shows it.
fn minute(at: Timestamp) -> String {
    times::to_input(at)[..16].to_owned()
}

async fn show(visitor: &Visitor, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let endpoints = EndpointNames::read(visitor).await?;
    let types = EventType::ALL.into_iter().map(|event_type| (event_type.to_string(), event_type.to_string()));
    let any = |label: &str| std::iter::once((String::new(), label.to_owned()));
    let page = AddPage {
        shell: Shell::new(visitor, AREA, words.add).with_form(&form),
        words,
        choices: words.choices(),
        endpoint_choices: any(words.all_endpoints).chain(endpoints.choices()).collect(),
        type_choices: any(words.all_types).chain(types).collect(),
        form,
    };
    page_with(page.form.status(), &page)
}

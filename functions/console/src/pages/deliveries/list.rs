//! The list of deliveries.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::projects::api_key::Scope;
use domain::webhooks::event::EventType;
use domain::webhooks::replay::ReplayableState;

use crate::http::api_client::List;
use crate::http::form::Form;
use crate::http::pairs::Pairs;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::delivery_words;
use crate::layout::endpoint_names::EndpointNames;
use crate::layout::pager::{CURSOR, Pager};
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::layout::words as shell_words;
use crate::pages::deliveries::filters::{self, Filters};
use crate::pages::deliveries::view::Delivery;
use crate::pages::deliveries::words::Words;
use crate::pages::deliveries::{AREA, LIST};

/// Deliveries on a page.
const PAGE_SIZE: usize = 25;

/// Maximum number of calls that search for the deliveries of one page.
const MAX_CALLS: usize = 3;

/// The choices of a filter: values and labels.
type Choices = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    states: &'static delivery_words::Words,
    form: Form,
    state_choices: Choices,
    type_choices: Choices,
    endpoint_choices: Choices,
    endpoints: EndpointNames,
    max_attempts: usize,
    deliveries: Vec<Delivery>,
    /// What the page says if it lists nothing.
    empty: Empty,
    pager: Pager,
    /// The form that sends all failed webhooks of the list again.
    replay: Option<String>,
}

/// What a page without deliveries says.
struct Empty {
    text: &'static str,
    /// The way on; empty if there is none.
    href: String,
    label: &'static str,
}

impl ListPage {
    /// How far a delivery has come, such as `attempt 3 of 10`. Empty before the first attempt.
    fn progress(&self, delivery: &Delivery) -> String {
        let held = delivery.hold_reason.map(|reason| self.states.held_short(reason).to_owned());
        let attempt = match delivery.attempts.len() {
            _ if delivery.was_delivered_by_replay() => Some(self.words.by_replay.to_owned()),
            0 => None,
            made => Some(self.words.attempt_of.fill("number", made).fill("max", made.max(self.max_attempts))),
        };
        held.into_iter().chain(attempt).collect::<Vec<_>>().join(", ")
    }

    fn has_filters(&self) -> bool {
        self.pager.first != LIST
    }

    /// Whether there is something to filter.
    fn has_something(&self) -> bool {
        !self.deliveries.is_empty() || self.has_filters() || !self.pager.is_first || self.pager.next.is_some()
    }

    /// The label of the link that sends the webhooks of the list again.
    fn replay_label(&self) -> &'static str {
        let state = self.form.value("state");
        let is_about_failed = state.is_empty() || state == ReplayableState::Failed.as_str();
        if is_about_failed { self.words.replay_failed } else { self.words.replay_all }
    }

    /// What people call the endpoint of a delivery.
    fn endpoint(&self, id: &EndpointId) -> &str {
        self.endpoints.get(*id).map_or(self.shell.words.deleted_endpoint, |endpoint| endpoint.name())
    }
}

/// Shows the deliveries that match the filters in the URL.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let filters = Filters::read(visitor.query());
    let (found, endpoints) = tokio::join!(find(&visitor, &filters), EndpointNames::read(&visitor));
    let shown = filters.shown.clone();
    let (list, form) = match found {
        Ok(list) => (list, Form::of_filters(shown)),
        Err(problem) => {
            let sent = SentForm::parse(shown.to_string().as_bytes());
            let form = Form::refused(&visitor, sent, problem, &filters::NAMES)?;
            (List { items: Vec::new(), cursor: None }, form)
        }
    };
    respond(&visitor, &filters, form, list, endpoints?)
}

/// Reads one page of the list. One call searches a limited number of days, so a short page is searched further.
async fn find(visitor: &Visitor, filters: &Filters) -> Result<List<Delivery>, Problem> {
    if let Some(problem) = filters.problem() {
        return Err(problem);
    }
    let mut found = List { items: Vec::new(), cursor: visitor.query().get(CURSOR).map(str::to_owned) };
    for _ in 0..MAX_CALLS {
        let call = visitor.api().get(LIST).filters(&filters.query).query("limit", PAGE_SIZE - found.items.len());
        let list: List<Delivery> = call.query(CURSOR, found.cursor.unwrap_or_default()).await?.json()?;
        found.items.extend(list.items);
        found.cursor = list.cursor;
        if found.items.len() == PAGE_SIZE || found.cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

fn respond(
    visitor: &Visitor,
    filters: &Filters,
    form: Form,
    list: List<Delivery>,
    endpoints: EndpointNames,
) -> PageResult {
    let words = Words::of(visitor.language());
    let states = delivery_words::Words::of(visitor.language());
    let shell = Shell::new(visitor, AREA, words.title).with_form(&form);
    let any = || std::iter::once((String::new(), shell.words.any.to_owned()));
    let types = EventType::ALL.into_iter().map(|event_type| (event_type.to_string(), event_type.to_string()));
    let page = ListPage {
        words,
        states,
        state_choices: any().chain(states.states()).collect(),
        type_choices: any().chain(types).collect(),
        endpoint_choices: any().chain(endpoints.choices()).collect(),
        max_attempts: visitor.max_attempts(),
        empty: empty(visitor, words, filters, list.cursor.is_some(), &endpoints),
        endpoints,
        replay: replay(visitor, &filters.shown).filter(|_| !list.items.is_empty()),
        deliveries: list.items,
        pager: Pager::new(visitor, LIST, &filters.shown, list.cursor),
        form,
        shell,
    };
    page_with(page.form.status(), &page)
}

/// What the page says if it lists nothing, and the way on. A search stops after some time, so `has_more` pages may follow.
fn empty(visitor: &Visitor, words: &Words, filters: &Filters, has_more: bool, endpoints: &EndpointNames) -> Empty {
    let may_write = visitor.may(Scope::SettingsWrite);
    let way = |href: String, label| Empty { text: "", href, label };
    let nothing_yet = match endpoints.iter().next() {
        None => Empty { text: words.no_endpoint, ..way("/endpoints/new".to_owned(), words.add_endpoint) },
        Some(endpoint) => Empty {
            text: words.none,
            ..way(format!("{}/test", endpoint.path()), shell_words::Words::of(visitor.language()).send_test)
        },
    };
    if has_more {
        Empty { text: words.none_so_far, ..way(String::new(), "") }
    } else if visitor.query().get(CURSOR).is_some() {
        Empty { text: words.no_older, ..way(String::new(), "") }
    } else if filters.are_set() {
        Empty { text: words.no_match, ..way(LIST.to_owned(), words.clear) }
    } else if may_write {
        nothing_yet
    } else {
        Empty { href: String::new(), ..nothing_yet }
    }
}

/// The form that sends the webhooks of the list again, filled in with the list's filters. Webhooks that have not ended cannot be
/// sent again.
fn replay(visitor: &Visitor, shown: &Pairs) -> Option<String> {
    let state = shown.get("state").unwrap_or(ReplayableState::Failed.as_str());
    let is_replayable = state.parse::<ReplayableState>().is_ok();
    let is_possible = is_replayable && shown.get("submissionId").is_none() && shown.get("event").is_none();
    if !is_possible || !visitor.may(Scope::DeliveriesReplay) {
        return None;
    }
    let mut form = Pairs::default().and("state", state);
    for (filter, field, time) in [
        ("endpoint", "endpointId", ""),
        ("type", "type", ""),
        ("from", "from", "T00:00"),
        ("to", "to", "T23:59:59.999"),
    ] {
        if let Some(value) = shown.get(filter) {
            form = form.and(field, format!("{value}{time}"));
        }
    }
    Some(form.href("/replays/new"))
}

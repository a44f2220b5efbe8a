//! How many webhooks a replay would send, and the button that starts it.

use askama::Template;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::webhooks::event::EventType;
use domain::webhooks::replay::{ReplayRate, ReplayScope, ReplayableState};
use serde::Deserialize;
use serde_json::Value;

use crate::http::form::Form;
use crate::http::pairs::Pairs;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::endpoint_names::{Endpoint, EndpointNames};
use crate::layout::shell::Shell;
use crate::layout::time::grouped;
use crate::layout::translations::Fill;
use crate::pages::replays::view::{DryRun, Which};
use crate::pages::replays::words::Words;
use crate::pages::replays::{AREA, LIST, times};

/// The longest duration that is shown in minutes.
const MAX_MINUTES: u64 = 120;

#[derive(Template)]
#[template(path = "replays/count.html")]
struct CountPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    selection: Selection,
    /// The fields of the form that starts the replay.
    fields: Vec<(&'static str, String)>,
    endpoint: Option<String>,
    count: DryRun,
    /// The names of endpoints that get nothing.
    skipped: Option<String>,
    change_path: String,
}

/// The selected webhooks, as they were sent to the api.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    scope: Option<ReplayScope>,
    state: Option<ReplayableState>,
    endpoint_id: Option<EndpointId>,
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    from: Timestamp,
    to: Timestamp,
    #[serde(default)]
    rate_per_minute: Option<ReplayRate>,
}

impl CountPage {
    /// How many webhooks and how long it takes, as a sentence.
    fn summary(&self) -> String {
        let (text, count) = match self.count {
            DryRun::Matching(1) => (self.words.matching_one, 1),
            DryRun::Matching(count) => (self.words.matching, count),
            DryRun::AtLeast(count) => (self.words.at_least, count),
        };
        format!("{}, {}.", text.fill("count", grouped(count)), duration(self.words, count, self.selection.rate()))
    }

    fn is_empty(&self) -> bool {
        self.count == DryRun::Matching(0)
    }

    fn is_about_missing(&self) -> bool {
        self.selection.which() == Which::Missing
    }

    const fn is_incomplete(&self) -> bool {
        matches!(self.count, DryRun::AtLeast(_))
    }

    fn endpoint(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(self.words.all_endpoints)
    }

    fn event_type(&self) -> &'static str {
        self.selection.event_type.map_or(self.words.all_types, EventType::as_str)
    }

    fn deliveries(&self) -> &'static str {
        self.words.deliveries(self.selection.which())
    }
}

/// Shows the count for a selection that the api accepted.
pub(super) async fn show(visitor: &Visitor, selection: Value, count: DryRun) -> PageResult {
    let selection: Selection = serde_json::from_value(selection).map_err(|error| Problem::internal(&error))?;
    let endpoints = EndpointNames::read(visitor).await?;
    let words = Words::of(visitor.language());
    let fields = selection.fields();
    let change: Pairs = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    page(&CountPage {
        shell: Shell::new(visitor, AREA, words.count_title),
        words,
        form: Form::new(visitor),
        skipped: skipped(&selection, &endpoints).map(|names| words.skipped_endpoints.fill("names", names)),
        endpoint: selection.endpoint_id.and_then(|id| endpoints.get(id)).map(|endpoint| endpoint.name().to_owned()),
        selection,
        fields,
        count,
        change_path: change.href("/replays/new"),
    })
}

/// The names of the selected endpoints that get no webhooks: paused, disabled, or without the grant of their receiver.
fn skipped(selection: &Selection, endpoints: &EndpointNames) -> Option<String> {
    if selection.which() == Which::Missing {
        // They are new deliveries, which are held.
        return None;
    }
    let is_selected = |endpoint: &&Endpoint| selection.endpoint_id.is_none_or(|id| id == endpoint.id);
    let stopped = endpoints.iter().filter(is_selected).filter(|endpoint| !endpoint.is_active());
    let names: Vec<&str> = stopped.map(Endpoint::name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

impl Selection {
    fn which(&self) -> Which {
        Which::of(self.scope.unwrap_or_default(), self.state.unwrap_or_default())
    }

    fn rate(&self) -> u64 {
        self.rate_per_minute.unwrap_or_default().per_minute().into()
    }

    /// The values of the form that starts the replay. The time ends when the webhooks were counted.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("state", self.which().to_string()),
            ("from", times::to_input(self.from)),
            ("to", times::to_input(self.to)),
            ("ratePerMinute", self.rate().to_string()),
        ];
        fields.extend(self.endpoint_id.map(|id| ("endpointId", id.to_string())));
        fields.extend(self.event_type.map(|event_type| ("type", event_type.to_string())));
        fields
    }
}

/// How fast and how long `count` webhooks are sent.
fn duration(words: &Words, count: u64, rate: u64) -> String {
    let text = match count.div_ceil(rate) {
        0 | 1 => words.within_minute.to_owned(),
        minutes if minutes <= MAX_MINUTES => words.within_minutes.fill("minutes", minutes),
        minutes => words.within_hours.fill("hours", grouped(minutes.div_ceil(60))),
    };
    text.fill("rate", grouped(rate))
}

#[cfg(test)]
mod tests {
    use domain::foundation::language::Language;

    use super::*;

    #[test]
    fn the_duration_is_rounded_up_to_minutes_or_hours() {
        let words = Words::of(Language::English);
        for (count, rate, expected) in [
            (1, 300, "at 300 a minute, within a minute"),
            (412, 300, "at 300 a minute, in about 2 min"),
            (36_000, 300, "at 300 a minute, in about 120 min"),
            (36_001, 300, "at 300 a minute, in about 3 h"),
            (5_000_000, 1200, "at 1,200 a minute, in about 70 h"),
        ] {
            assert_eq!(duration(words, count, rate), expected);
        }
    }
}

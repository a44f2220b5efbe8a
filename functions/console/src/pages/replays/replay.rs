//! One replay: its progress, and buttons that stop and continue it.
//!
//! The page does not reload by itself, because that would interrupt screen readers and move a magnified page
//! (WCAG 2.2.2). A link reloads it.

use askama::Template;
use domain::foundation::id::ReplayId;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::webhooks::event::EventType;

use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page_with, part};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::endpoint_names::EndpointNames;
use crate::layout::share_bar::{Share, ShareBar};
use crate::layout::shell::Shell;
use crate::layout::time::{grouped, minute};
use crate::layout::translations::Fill;
use crate::pages::replays::view::Replay;
use crate::pages::replays::words::{Done, Words};
use crate::pages::replays::{AREA, LIST, path_of};

#[derive(Template)]
#[template(path = "replays/replay.html")]
struct ReplayPage {
    shell: Shell,
    words: &'static Words,
    form: Form,
    replay: Replay,
    endpoints: EndpointNames,
    bar: String,
    now: Timestamp,
}

impl ReplayPage {
    fn endpoint(&self) -> &str {
        let Some(id) = self.replay.filter.endpoint_id else { return self.words.all_endpoints };
        self.endpoints.get(id).map_or(self.shell.words.deleted_endpoint, |endpoint| endpoint.name())
    }

    fn event_type(&self) -> &'static str {
        self.replay.filter.event_type.map_or(self.words.all_types, EventType::as_str)
    }

    fn deliveries(&self) -> &'static str {
        self.words.deliveries(self.replay.filter.which())
    }

    /// The label of the link to deliveries.
    fn see(&self) -> &'static str {
        if self.replay.sends_missing() { self.words.see_created } else { self.words.see_failed }
    }

    fn rate(&self) -> String {
        grouped(self.replay.rate_per_minute.into())
    }
}

/// Shows a replay.
pub(super) async fn show(visitor: Visitor, Id(id): Id<ReplayId>) -> PageResult {
    let form = Form::new(&visitor);
    respond(&visitor, id, form).await
}

/// Continues a cancelled replay.
pub(super) async fn resume(visitor: Visitor, Id(id): Id<ReplayId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/resume", path_of(id))).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Resumed),
        Err(problem) => respond(&visitor, id, Form::refused(&visitor, sent, problem, &[])?).await,
    }
}

/// Reads a replay.
pub(super) async fn read(visitor: &Visitor, id: ReplayId) -> Result<Replay, Problem> {
    visitor.api().get(&path_of(id)).await?.json()
}

/// The title of a replay's page.
pub(super) fn title(replay: &Replay, words: &Words) -> String {
    words.replay_of.fill("at", format_args!("{} UTC", minute(&replay.created_at)))
}

/// The number of webhooks with each result, as a bar.
fn results(replay: &Replay, words: &Words) -> ShareBar<'static> {
    let progress = replay.progress;
    let share = |name: &str, tone, number| Share { label: format!("{} {name}", grouped(number)), tone, size: number };
    ShareBar {
        title: words.bar,
        shares: vec![
            share(words.delivered, "ok", progress.delivered),
            share(words.failed, "bad", progress.failed),
            share(words.skipped, "idle", progress.skipped),
            share(words.waiting, "held", replay.waiting()),
        ],
    }
}

async fn respond(visitor: &Visitor, id: ReplayId, form: Form) -> PageResult {
    let (replay, endpoints) = tokio::try_join!(read(visitor, id), EndpointNames::read(visitor))?;
    let words = Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let page = ReplayPage {
        shell: Shell::new(visitor, AREA, title(&replay, words)).with_form(&form).with_notice(notice),
        words,
        bar: part(&results(&replay, words))?,
        replay,
        endpoints,
        now: visitor.now(),
        form,
    };
    page_with(page.form.status(), &page)
}

//! The list of replays.

use askama::Template;
use domain::projects::api_key::Scope;
use domain::webhooks::event::EventType;

use crate::http::api_client::List;
use crate::http::pairs::Pairs;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::endpoint_names::EndpointNames;
use crate::layout::pager::{CURSOR, Pager};
use crate::layout::shell::Shell;
use crate::layout::time::grouped;
use crate::pages::replays::view::{Filter, Replay};
use crate::pages::replays::words::Words;
use crate::pages::replays::{AREA, LIST};

/// Replays on a page.
const PAGE_SIZE: u8 = 25;

#[derive(Template)]
#[template(path = "replays/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    replays: Vec<Replay>,
    endpoints: EndpointNames,
    pager: Pager,
}

impl ListPage {
    /// Which webhooks a replay sends, in a few words.
    fn which(&self, filter: &Filter) -> String {
        let endpoint = filter.endpoint_id.map_or(self.words.all_endpoints, |id| {
            self.endpoints.get(id).map_or(self.shell.words.deleted_endpoint, |endpoint| endpoint.name())
        });
        let event_type = filter.event_type.map(EventType::as_str);
        let which = self.words.which(filter.which());
        [which].into_iter().chain(event_type).chain([endpoint]).collect::<Vec<_>>().join(" · ")
    }

    /// The number of webhooks with each result, in words.
    fn results(&self, replay: &Replay) -> String {
        let progress = replay.progress;
        let named = [
            (progress.delivered, self.words.delivered),
            (progress.failed, self.words.failed),
            (progress.skipped, self.words.skipped),
            (replay.waiting(), self.words.waiting),
        ];
        let some = named.into_iter().filter(|(number, _)| *number > 0);
        some.map(|(number, name)| format!("{} {name}", grouped(number))).collect::<Vec<_>>().join(", ")
    }
}

/// Shows the replays, newest first.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let (list, endpoints) = tokio::try_join!(read(&visitor), EndpointNames::read(&visitor))?;
    page(&ListPage {
        shell: Shell::new(&visitor, AREA, words.title),
        words,
        replays: list.items,
        endpoints,
        pager: Pager::new(&visitor, LIST, &Pairs::default(), list.cursor),
    })
}

async fn read(visitor: &Visitor) -> Result<List<Replay>, Problem> {
    let cursor = visitor.query().get(CURSOR).unwrap_or_default();
    visitor.api().get(LIST).query("limit", PAGE_SIZE).query(CURSOR, cursor).await?.json()
}

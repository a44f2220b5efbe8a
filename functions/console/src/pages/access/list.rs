//! The list of open sessions.

use askama::Template;
use domain::foundation::id::ConsoleSessionId;
use domain::projects::api_key::Scope;

use crate::http::pairs::Pairs;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::pager::{CURSOR, Pager};
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::pages::access::words::{Done, Words};
use crate::pages::access::{AREA, LIST, Session, read};

#[derive(Template)]
#[template(path = "access/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    sessions: Vec<Session>,
    /// The visitor's own session.
    own: ConsoleSessionId,
    pager: Pager,
}

impl ListPage {
    fn is_own(&self, session: &Session) -> bool {
        session.id == self.own
    }
}

/// Shows the open sessions.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let list = read(&visitor, visitor.query().get(CURSOR).unwrap_or_default()).await?;
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    page(&ListPage {
        shell: Shell::new(&visitor, AREA, words.title).with_notice(notice),
        words,
        sessions: list.items,
        own: visitor.session().id,
        pager: Pager::new(&visitor, LIST, &Pairs::default(), list.cursor),
    })
}

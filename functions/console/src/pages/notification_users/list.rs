//! The list of notification users.

use askama::Template;
use domain::projects::api_key::Scope;

use crate::http::api_client::List;
use crate::http::response::{PageResult, page};
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::notification_users::AREA;
use crate::pages::notification_users::view::User;
use crate::pages::notification_users::words::{Done, Words};

#[derive(Template)]
#[template(path = "notification_users/list.html")]
struct ListPage {
    shell: Shell,
    words: &'static Words,
    users: Vec<User>,
}

/// Shows all users.
pub(super) async fn show(visitor: Visitor) -> PageResult {
    let words = Words::of(visitor.language());
    let users: List<User> = visitor.api().get("/notification-users").await?.json()?;
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(&visitor, AREA, words.title).with_notice(notice);
    page(&ListPage { shell, words, users: users.items })
}

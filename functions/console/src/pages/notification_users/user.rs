//! One notification user: shows and changes the user, and sends the confirmation mail again.

use askama::Template;
use domain::foundation::id::NotificationUserId;
use domain::projects::api_key::Scope;

use crate::http::api_client::Reply;
use crate::http::form::Form;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, done, page_with};
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::shell::Shell;
use crate::pages::notification_users::view::User;
use crate::pages::notification_users::words::{Done, LANGUAGES, Words};
use crate::pages::notification_users::{AREA, LIST, path_of, settings};

/// The fields of the form.
const FIELDS: [&str; 2] = ["name", "language"];

#[derive(Template)]
#[template(path = "notification_users/user.html")]
struct UserPage {
    shell: Shell,
    words: &'static Words,
    user: User,
    form: Form,
}

/// Shows a user, with a form that changes the user.
pub(super) async fn show(visitor: Visitor, Id(id): Id<NotificationUserId>) -> PageResult {
    let reply = read(&visitor, id).await?;
    let user: User = reply.json()?;
    let form = Form::changing(&visitor, &reply).with("name", &user.name).with("language", user.language.as_str());
    respond(&visitor, user, form)
}

/// Changes name and language.
pub(super) async fn change(visitor: Visitor, Id(id): Id<NotificationUserId>, sent: SentForm) -> PageResult {
    match visitor.api().patch(&path_of(id)).json(&settings(&sent)).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Changed),
        Err(problem) => show_refused(&visitor, id, sent, problem).await,
    }
}

/// Sends the confirmation mail again.
pub(super) async fn resend(visitor: Visitor, Id(id): Id<NotificationUserId>, sent: SentForm) -> PageResult {
    match visitor.api().post(&format!("{}/resend-confirmation", path_of(id))).of_form(&sent).await {
        Ok(_) => done(&path_of(id), Done::Resent),
        Err(problem) => show_refused(&visitor, id, SentForm::default(), problem).await,
    }
}

/// Shows the current user, with the form as it was sent.
async fn show_refused(visitor: &Visitor, id: NotificationUserId, sent: SentForm, problem: Problem) -> PageResult {
    let form = Form::refused(visitor, sent, problem, &FIELDS)?;
    let reply = read(visitor, id).await?;
    let user: User = reply.json()?;
    let form = form.or("name", &user.name).or("language", user.language.as_str()).with_etag_of(&reply);
    respond(visitor, user, form)
}

async fn read(visitor: &Visitor, id: NotificationUserId) -> Result<Reply, Problem> {
    visitor.api().get(&path_of(id)).await
}

fn respond(visitor: &Visitor, user: User, form: Form) -> PageResult {
    let words = Words::of(visitor.language());
    let notice = visitor.notice::<Done>().map(|done| words.done(done));
    let shell = Shell::new(visitor, AREA, &user.name).with_form(&form).with_notice(notice);
    page_with(form.status(), &UserPage { shell, words, user, form })
}

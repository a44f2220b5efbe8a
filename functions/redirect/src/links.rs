//! `/r/…`: the addresses that people come to when their verification ends.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::Method;
use axum::response::Response;
use shared::aws::store::LinkUse;
use shared::id::{ProjectId, ReturnLinkId};
use shared::return_link::{BadReturnLink, ReturnLink};
use shared::return_url::{Outcome, Verification, WayBack};
use shared::time::Timestamp;

use crate::App;
use crate::answer::{Answer, Ending, Fault, Refusal, WayOn};
use crate::language::Language;
use crate::pages;

/// How long the result page of a link that works once can be loaded again by who wants to stay on it: a little longer than
/// the page waits, even for people who read slowly or whose browser was in the background.
const CAN_STAY: Duration = Duration::from_mins(1);

/// How somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// To get on.
    Usual,
    /// To stay on the result page.
    Stay,
    /// To a link that works once, only to see what there is (`HEAD`): this uses nothing up, and so must not tell where the
    /// link leads.
    Look,
}

/// `GET /r/{token}`: follows a return link.
pub(crate) async fn follow(
    State(app): State<App>,
    method: Method,
    language: Language,
    RawQuery(query): RawQuery,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let wants_to_stay = query.is_some_and(|query| query.split('&').any(|parameter| parameter == "stay=1"));
    let visit = match (method, wants_to_stay) {
        (Method::HEAD, _) => Visit::Look,
        (_, true) => Visit::Stay,
        (_, false) => Visit::Usual,
    };
    let answer = match token {
        Ok(Path(token)) => follow_token(&app, &token, visit).await,
        Err(_) => Err(Refusal::NoSuchPage),
    };
    pages::render(answer.into(), language)
}

/// `GET /r/{pid}/error/{code}`: ends a verification that failed before there was a link. Nothing about the person is
/// known, and anybody can make up such an address, so nobody ever leaves from it by themselves.
pub(crate) async fn show_error(
    State(app): State<App>,
    language: Language,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let answer = match path {
        Ok(Path((project, code))) => show_error_code(&app, &project, &code).await,
        Err(_) => Err(Refusal::NoSuchPage),
    };
    pages::render(answer.into(), language)
}

/// Answers every other address.
pub(crate) async fn no_such_page(language: Language) -> Response {
    pages::render(Answer::Refuse(Refusal::NoSuchPage), language)
}

/// Answers every other method.
pub(crate) async fn no_such_method(language: Language) -> Response {
    pages::render(Answer::Refuse(Refusal::NoSuchMethod), language)
}

async fn follow_token(app: &App, token: &str, visit: Visit) -> Result<Answer, Refusal> {
    let sealed = ReturnLink::sealed_in(token);
    let ring = app.key_ring.ring_to_open(&sealed).await.map_err(Fault::from)?;
    // The seal is checked before the store is asked, so that made-up tokens cost no read and no write.
    let link = ReturnLink::open(token, &ring, app.clock.now())?;
    // Where a link works until it expires, HEAD is answered like GET.
    let visit = if visit == Visit::Look && link.single_use.is_none() { Visit::Usual } else { visit };
    let answer = end(app, link.project_id, link.verification, visit).await?;
    let answer = answer.ok_or(Refusal::Link(BadReturnLink::Foreign))?;
    match link.single_use {
        Some(id) if visit != Visit::Look => use_up(app, id, link.expires_at, visit, answer).await,
        // Of most links nothing is noted, and nothing is asked.
        _ => Ok(answer),
    }
}

/// Gives `answer` to the first who comes, and to nobody after.
///
/// It comes last, when all that can fail has been done, and before anything is answered. Should the store fail in it, or
/// the answer get lost on its way, then the link may have been used although nobody saw where it leads; the other way round
/// two could see it.
async fn use_up(
    app: &App,
    id: ReturnLinkId,
    expires_at: Timestamp,
    visit: Visit,
    answer: Answer,
) -> Result<Answer, Refusal> {
    let now = app.clock.now();
    match app.used_links.claim(id, expires_at, now, &*app.random).await.map_err(Fault::from)? {
        LinkUse::First => Ok(answer),
        LinkUse::Again { first_at } => match answer {
            // Whoever got the page a moment ago has asked to stay on it. No other answer offers that.
            Answer::Show(_) if visit == Visit::Stay && now.since(first_at) <= CAN_STAY => Ok(answer),
            _ => Err(Refusal::UsedLink),
        },
    }
}

async fn show_error_code(app: &App, project: &str, code: &str) -> Result<Answer, Refusal> {
    let (Ok(project), Ok(code)) = (project.parse(), code.parse()) else { return Err(Refusal::NoSuchPage) };
    let verification = Verification::of_nobody(Outcome::Error(code));
    end(app, project, verification, Visit::Usual).await?.ok_or(Refusal::NoSuchPage)
}

/// Ends a verification as the project wishes; `None` if there is no such project.
async fn end(app: &App, project: ProjectId, verification: Verification, visit: Visit) -> Result<Option<Answer>, Fault> {
    let now = app.clock.now();
    let Some(found) = app.settings.get(project, now).await? else { return Ok(None) };
    let show = |way_on| {
        let (project_name, outcome) = (found.project.name.as_str().to_owned(), verification.outcome.clone());
        Ok(Some(Answer::Show(Ending { project_name, outcome, way_on })))
    };
    let Some(settings) = &found.settings else { return show(WayOn::Close) };
    if visit == Visit::Look {
        return show(WayOn::Close);
    }
    let key = match found.keys.current_at(now) {
        Some(stored) if settings.needs_key() => {
            let ring = app.key_ring.ring_to_open([&stored.secret_key]).await?;
            Some(stored.open(&ring)?)
        }
        _ => None,
    };
    let location = settings.location(&verification, key.as_ref(), now, &*app.random)?;
    match settings.way_back(&verification.outcome) {
        WayBack::AtOnce => Ok(Some(Answer::SendBack(location))),
        WayBack::ByItself if visit == Visit::Stay => show(WayOn::Stay(location)),
        WayBack::ByItself => show(WayOn::ByItself(location)),
        WayBack::ByButton => show(WayOn::ByButton(location)),
        WayBack::Nowhere => show(WayOn::Close),
    }
}

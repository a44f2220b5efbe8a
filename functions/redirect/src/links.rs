//! `/r/…`: the URLs that people open when their verification ends.

use std::time::Duration;

use aws::store::LinkUse;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::Method;
use axum::response::Response;
use domain::foundation::id::{ProjectId, ReturnLinkId};
use domain::foundation::time::Timestamp;
use domain::return_urls::return_link::{BadReturnLink, ReturnLink};
use domain::return_urls::{Outcome, Verification, WayBack};

use crate::answer::{Answer, Ending, Fault, NextStep, Refusal};
use crate::app::App;
use crate::language::PreferredLanguage;
use crate::pages;

/// How long after its first use a single-use link still opens with `?stay=1`. This is longer than the countdown of 5 seconds,
/// because people read slowly and browsers delay pages in the background.
const STAY_WINDOW: Duration = Duration::from_mins(1);

/// The kind of request for a return link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// `GET`.
    Open,
    /// `GET` with `?stay=1`: stay on the result page.
    Stay,
    /// `HEAD` of a single-use link. It does not spend the link, so the response must not reveal where the link leads.
    Peek,
}

/// `GET /r/{token}`: opens a return link.
pub(crate) async fn follow(
    State(app): State<App>,
    method: Method,
    PreferredLanguage(language): PreferredLanguage,
    RawQuery(query): RawQuery,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let wants_to_stay = query.is_some_and(|query| query.split('&').any(|parameter| parameter == "stay=1"));
    let visit = match (method, wants_to_stay) {
        (Method::HEAD, _) => Visit::Peek,
        (_, true) => Visit::Stay,
        (_, false) => Visit::Open,
    };
    let answer = match token {
        Ok(Path(token)) => open_link(&app, &token, visit).await,
        Err(_) => Err(Refusal::UnknownPath),
    };
    pages::render(answer.into(), language)
}

/// `GET /r/{pid}/error/{code}`: ends a verification that failed before a link was minted.
///
/// The URL says nothing about the person, and anyone can build one, so the page never redirects.
pub(crate) async fn show_error(
    State(app): State<App>,
    PreferredLanguage(language): PreferredLanguage,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let answer = match path {
        Ok(Path((project, code))) => show_error_code(&app, &project, &code).await,
        Err(_) => Err(Refusal::UnknownPath),
    };
    pages::render(answer.into(), language)
}

/// Responds to all other paths.
pub(crate) async fn unknown_path(PreferredLanguage(language): PreferredLanguage) -> Response {
    pages::render(Answer::Refuse(Refusal::UnknownPath), language)
}

/// Responds to all other methods.
pub(crate) async fn unsupported_method(PreferredLanguage(language): PreferredLanguage) -> Response {
    pages::render(Answer::Refuse(Refusal::UnsupportedMethod), language)
}

async fn open_link(app: &App, token: &str, visit: Visit) -> Result<Answer, Refusal> {
    let sealed = ReturnLink::sealed_in(token);
    let ring = app.key_ring.ring_to_open(&sealed).await.map_err(Fault::from)?;
    // Opening the seal first keeps forged tokens from costing a read or a write.
    let link = ReturnLink::open(token, &ring, app.clock.now())?;
    // A link that is not single-use has nothing to spend, so `HEAD` gets the response to `GET`.
    let visit = if visit == Visit::Peek && link.single_use.is_none() { Visit::Open } else { visit };
    let answer = end_verification(app, link.project_id, link.verification, visit).await?;
    let answer = answer.ok_or(Refusal::Link(BadReturnLink::Foreign))?;
    match link.single_use {
        Some(id) if visit != Visit::Peek => claim(app, id, link.expires_at, visit, answer).await,
        _ => Ok(answer),
    }
}

/// Claims a single-use link. Returns `answer` to the first request only.
///
/// The claim is the last step that can fail. If its write or the response is lost, the link may be spent although nobody saw
/// where it leads. Claiming after the response would let two people use the link.
async fn claim(
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
            // The result page links to itself with `?stay=1`, so the person who saw it may load it again. No other response
            // offers that link.
            Answer::Show(_) if visit == Visit::Stay && now.since(first_at) <= STAY_WINDOW => Ok(answer),
            _ => Err(Refusal::UsedLink),
        },
    }
}

async fn show_error_code(app: &App, project: &str, code: &str) -> Result<Answer, Refusal> {
    let (Ok(project), Ok(code)) = (project.parse(), code.parse()) else { return Err(Refusal::UnknownPath) };
    let verification = Verification::without_person(Outcome::Error(code));
    end_verification(app, project, verification, Visit::Open).await?.ok_or(Refusal::UnknownPath)
}

/// Decides the response to a verification from the project's settings; `None` if the project does not exist.
async fn end_verification(
    app: &App,
    project: ProjectId,
    verification: Verification,
    visit: Visit,
) -> Result<Option<Answer>, Fault> {
    let now = app.clock.now();
    let Some(return_url) = app.settings.get(project, now).await? else { return Ok(None) };
    let show = |next_step| {
        let (project_name, outcome) = (return_url.project.name.as_str().to_owned(), verification.outcome.clone());
        let logo_color = return_url.project.logo_color;
        Ok(Some(Answer::Show(Ending { project_name, logo_color, outcome, next_step })))
    };
    let Some(settings) = &return_url.settings else { return show(NextStep::Close) };
    if visit == Visit::Peek {
        return show(NextStep::Close);
    }
    let key = match return_url.keys.current_at(now) {
        Some(stored) if settings.needs_key() => {
            let ring = app.key_ring.ring_to_open([&stored.secret_key]).await?;
            Some(stored.open(&ring)?)
        }
        _ => None,
    };
    let location = settings.location(&verification, key.as_ref(), now, &*app.random)?;
    match settings.way_back(&verification.outcome) {
        WayBack::AtOnce => Ok(Some(Answer::SendBack(location))),
        WayBack::ByItself if visit == Visit::Stay => show(NextStep::Confirm(location)),
        WayBack::ByItself => show(NextStep::Countdown(location)),
        WayBack::ByButton => show(NextStep::GoBack(location)),
        WayBack::Nowhere => show(NextStep::Close),
    }
}

//! `/r/…`: the addresses that people come to when their verification ends.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use shared::id::ProjectId;
use shared::return_link::{BadReturnLink, ReturnLink};
use shared::return_url::{Outcome, Verification, WayBack};

use crate::App;
use crate::answer::{Answer, Ending, Fault, Refusal, WayOn};
use crate::language::Language;
use crate::pages;

/// `GET /r/{token}`: follows a return link.
pub(crate) async fn follow(
    State(app): State<App>,
    language: Language,
    RawQuery(query): RawQuery,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let wants_to_stay = query.is_some_and(|query| query.split('&').any(|parameter| parameter == "stay=1"));
    let answer = match token {
        Ok(Path(token)) => follow_token(&app, &token, wants_to_stay).await,
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

async fn follow_token(app: &App, token: &str, wants_to_stay: bool) -> Result<Answer, Refusal> {
    let sealed = ReturnLink::sealed_in(token);
    let ring = app.key_ring.ring_to_open(&sealed).await.map_err(Fault::from)?;
    // The seal is checked before the store is asked, so that made-up tokens cost no read.
    let link = ReturnLink::open(token, &ring, app.clock.now())?;
    let answer = end(app, link.project_id, link.verification, wants_to_stay).await?;
    answer.ok_or(Refusal::Link(BadReturnLink::Foreign))
}

async fn show_error_code(app: &App, project: &str, code: &str) -> Result<Answer, Refusal> {
    let (Ok(project), Ok(code)) = (project.parse(), code.parse()) else { return Err(Refusal::NoSuchPage) };
    let verification = Verification::of_nobody(Outcome::Error(code));
    end(app, project, verification, false).await?.ok_or(Refusal::NoSuchPage)
}

/// Ends a verification as the project wishes; `None` if there is no such project.
async fn end(
    app: &App,
    project: ProjectId,
    verification: Verification,
    wants_to_stay: bool,
) -> Result<Option<Answer>, Fault> {
    let now = app.clock.now();
    let Some(found) = app.settings.get(project, now).await? else { return Ok(None) };
    let show = |way_on| {
        let (project_name, outcome) = (found.project.name.as_str().to_owned(), verification.outcome.clone());
        let logo_color = found.project.logo_color;
        Ok(Some(Answer::Show(Ending { project_name, logo_color, outcome, way_on })))
    };
    let Some(settings) = &found.settings else { return show(WayOn::Close) };
    let key = match &found.key {
        Some(stored) if settings.needs_key() => {
            let ring = app.key_ring.ring_to_open([&stored.secret_key]).await?;
            Some(stored.open(&ring)?)
        }
        _ => None,
    };
    let location = settings.location(&verification, key.as_ref(), now, &*app.random)?;
    match settings.way_back(&verification.outcome) {
        WayBack::AtOnce => Ok(Some(Answer::SendBack(location))),
        WayBack::ByItself if wants_to_stay => show(WayOn::Stay(location)),
        WayBack::ByItself => show(WayOn::ByItself(location)),
        WayBack::ByButton => show(WayOn::ByButton(location)),
        WayBack::Nowhere => show(WayOn::Close),
    }
}

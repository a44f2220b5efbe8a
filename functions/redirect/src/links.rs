//! `/r/…`: the URLs that people open when their verification ends.

use std::time::Duration;

use aws::lambda::preferred_language::PreferredLanguage;
use aws::store::LinkUse;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::Method;
use axum::response::Response;
use domain::foundation::id::{ProjectId, ReturnLinkId};
use domain::foundation::time::Timestamp;
use domain::return_urls::return_link::{BadReturnLink, ReturnLink};
use domain::return_urls::{DocumentedCode, ErrorCode, Outcome, Verification, VisitProof, WayBack};

use crate::answer::{Answer, Ending, Fault, NextStep, Refusal};
use crate::app::App;
use crate::pages;

/// How long after its first use the same visit can open a single-use link again. This is longer than the countdown of 5 seconds,
/// because people read slowly and browsers delay pages in the background.
const STAY_WINDOW: Duration = Duration::from_mins(1);

/// The revision that every project has reached.
const ANY_REVISION: u64 = 0;

/// The kind of request for a return link.
#[derive(Debug)]
enum Visit {
    /// `GET`.
    Open,
    /// `GET` with `?stay=…`: stay on the result page. The value is `1`, or the proof of the visit that used a single-use link.
    Stay(Option<VisitProof>),
    /// `HEAD` of a single-use link. It does not spend the link, so the response must not reveal where the link leads.
    Peek,
}

impl Visit {
    fn of(method: &Method, query: Option<&str>) -> Self {
        if *method == Method::HEAD {
            return Self::Peek;
        }
        let mut values =
            query.into_iter().flat_map(|query| query.split('&')).filter_map(|part| part.strip_prefix("stay="));
        let read = |value| if value == "1" { Some(None) } else { VisitProof::from_text(value).map(Some) };
        values.find_map(read).map_or(Self::Open, Self::Stay)
    }
}

/// `GET /r/{token}`: opens a return link.
pub(crate) async fn follow(
    State(app): State<App>,
    method: Method,
    PreferredLanguage(language): PreferredLanguage,
    RawQuery(query): RawQuery,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let visit = Visit::of(&method, query.as_deref());
    let answer = match token {
        Ok(Path(token)) => open_link(&app, &token, visit).await,
        Err(_) => Err(Refusal::UnknownPath),
    };
    pages::render(answer.into(), language)
}

/// `GET /r/{pid}/error/{code}`: ends a verification that failed before a link was minted.
///
/// The URL does not identify the person, and anyone can build one, so the page never redirects. A code in an undocumented form may
/// be any text of the caller. The page then says that something went wrong, and neither its text nor its links contain the code.
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
    let visit = if matches!(visit, Visit::Peek) && link.single_use.is_none() { Visit::Open } else { visit };
    let answer = end_verification(app, link.project_id, link.revision, link.verification, &visit).await?;
    let answer = answer.ok_or(Refusal::Link(BadReturnLink::Foreign))?;
    match link.single_use {
        Some(id) if !matches!(visit, Visit::Peek) => claim(app, id, link.expires_at, visit, answer).await,
        _ => Ok(answer),
    }
}

/// Claims a single-use link. Returns `answer` to the first request, and again only to the same visit if the person chooses to stay.
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
    let (now, proof) = (app.clock.now(), VisitProof::generate(&*app.random));
    match app.used_links.claim(id, expires_at, now, &proof.hash()).await.map_err(Fault::from)? {
        LinkUse::First => Ok(answer.for_visit(&proof)),
        LinkUse::Again { first_at, visit: first } => {
            let is_same_visit = matches!(visit, Visit::Stay(Some(proof)) if proof.hash() == first);
            match answer {
                Answer::Show(_) if is_same_visit && now.since(first_at) <= STAY_WINDOW => Ok(answer),
                _ => Err(Refusal::UsedLink),
            }
        }
    }
}

async fn show_error_code(app: &App, project: &str, code: &str) -> Result<Answer, Refusal> {
    let (Ok(project), Ok(code)) = (project.parse(), code.parse::<ErrorCode>()) else {
        return Err(Refusal::UnknownPath);
    };
    let answer = match DocumentedCode::try_from(code.clone()) {
        Ok(documented) => {
            end_verification(app, project, ANY_REVISION, Verification::of_anonymous(documented), &Visit::Open).await?
        }
        Err(_) => explain(app, project, code).await?,
    };
    answer.ok_or(Refusal::UnknownPath)
}

/// Returns a page that says that something went wrong and has no way back; `None` if the project does not exist.
async fn explain(app: &App, project: ProjectId, code: ErrorCode) -> Result<Option<Answer>, Fault> {
    let return_url = app.settings.get(project, ANY_REVISION, app.clock.now()).await?;
    Ok(return_url.map(|return_url| {
        let (project_name, logo_color) = (return_url.project.name.as_str().to_owned(), return_url.project.logo_color);
        let (outcome, next_step) = (Outcome::Error(code), NextStep::Close);
        Answer::Show(Ending { project_name, logo_color, outcome, shows_code: false, next_step })
    }))
}

/// Decides the response to a verification from the project's settings of this revision or a later one; `None` if the project does not
/// exist.
async fn end_verification(
    app: &App,
    project: ProjectId,
    revision: u64,
    verification: Verification,
    visit: &Visit,
) -> Result<Option<Answer>, Fault> {
    let now = app.clock.now();
    let Some(return_url) = app.settings.get(project, revision, now).await? else { return Ok(None) };
    let show = |next_step| {
        let (project_name, outcome) = (return_url.project.name.as_str().to_owned(), verification.outcome.clone());
        let logo_color = return_url.project.logo_color;
        Ok(Some(Answer::Show(Ending { project_name, logo_color, outcome, shows_code: true, next_step })))
    };
    let Some(settings) = &return_url.settings else { return show(NextStep::Close) };
    if matches!(visit, Visit::Peek) {
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
        WayBack::ByItself if matches!(visit, Visit::Stay(_)) => show(NextStep::Confirm(location)),
        WayBack::ByItself => show(NextStep::Countdown { location, stay: "1".to_owned() }),
        WayBack::ByButton => show(NextStep::GoBack(location)),
        WayBack::Nowhere => show(NextStep::Close),
    }
}

//! `/in/{token}`: a console link begins a session, once.

use aws::lambda::preferred_language::PreferredLanguage;
use aws::store::LinkClaim;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use domain::foundation::language::Language;
use domain::foundation::random;
use domain::projects::console::{BadConsoleLink, ConsoleLink, ConsoleSession, SessionCookie};

use crate::app::App;
use crate::entry::claim::is_navigation;
use crate::entry::session;
use crate::entry::words::Words;
use crate::http::cookie;
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::response::{PageResult, see_other};
use crate::layout::plain::{PlainPage, Way};
use crate::layout::problem_words;
use crate::layout::translations::Fill;

/// How a browser came to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// A person followed the link.
    Navigation,
    /// The person pressed the button.
    Button,
    /// By a program, such as one that shows a preview of the link.
    Other,
}

/// Begins the session if a person follows the link. Other requests get a page with one button.
pub(crate) async fn open(
    State(app): State<App>,
    PreferredLanguage(browser): PreferredLanguage,
    method: Method,
    headers: HeaderMap,
    Id(token): Id<String>,
) -> PageResult {
    let is_navigation = is_navigation(&method, &headers, !app.config.frame_ancestors.is_empty());
    let arrival = if is_navigation { Arrival::Navigation } else { Arrival::Other };
    enter(&app, &token, &headers, browser, arrival).await
}

/// Begins the session, because the person pressed the button.
pub(crate) async fn confirm(
    State(app): State<App>,
    PreferredLanguage(browser): PreferredLanguage,
    headers: HeaderMap,
    Id(token): Id<String>,
) -> PageResult {
    enter(&app, &token, &headers, browser, Arrival::Button).await
}

async fn enter(app: &App, token: &str, headers: &HeaderMap, browser: Language, arrival: Arrival) -> PageResult {
    let link = match read(app, token).await? {
        Ok(link) => link,
        Err(reason) => return refuse(reason, browser),
    };
    let open = session::present(app, headers).await?;
    let present = open.as_ref().map(|open| &open.session);
    // After a reload or a double click, the browser already has the session.
    if present.is_some_and(|session| session.id == link.session_id) {
        return see_other(first_page(&link));
    }
    let other = present.filter(|session| !is_of_same_person(&link, session));
    match (arrival, other) {
        (Arrival::Button, _) | (Arrival::Navigation, None) => begin(app, &link, browser).await,
        (Arrival::Navigation, Some(_)) | (Arrival::Other, _) => ask(&link, browser, other),
    }
}

/// Whether a link continues the work of the person who has `session`. Another link may come from somebody who wants the person to
/// enter data into a foreign project, so it does not replace the session without a question.
fn is_of_same_person(link: &ConsoleLink, session: &ConsoleSession) -> bool {
    link.project_id == session.project_id && link.user.id == session.user.id
}

/// Shows the button. `replaced` is the session that it would replace.
fn ask(link: &ConsoleLink, browser: Language, replaced: Option<&ConsoleSession>) -> PageResult {
    let language = link.language.unwrap_or(browser);
    let words = Words::of(language);
    let text = words.open.fill("name", link.user.name.as_str());
    let way = Some(Way::Post { label: words.open_button });
    let note = replaced.map(|session| words.open_replaces.fill("name", session.user.name.as_str()));
    PlainPage { language, title: words.open_title, text: &text, note, way }.respond(StatusCode::OK)
}

async fn read(app: &App, token: &str) -> Result<Result<ConsoleLink, BadConsoleLink>, Problem> {
    let ring = app.key_ring.ring_to_open(&ConsoleLink::sealed_in(token)).await;
    let ring = ring.map_err(|error| Problem::unavailable(&error))?;
    Ok(ConsoleLink::open(token, &ring, app.clock.now()))
}

async fn begin(app: &App, link: &ConsoleLink, browser: Language) -> PageResult {
    let now = app.clock.now();
    let session = link.session(now);
    let nonce = random::letters_and_digits(22, &*app.random);
    let claim = app.sessions.claim(session.clone(), &nonce).await;
    match claim.map_err(|error| Problem::unavailable(&error))? {
        LinkClaim::Used => used(link, browser),
        LinkClaim::Claimed => {
            let ring = app.key_ring.ring().await.map_err(|error| Problem::unavailable(&error))?;
            let value = SessionCookie::new(&session, now).seal(&ring, &*app.random);
            let mut response = see_other(first_page(link))?;
            response.headers_mut().insert(SET_COOKIE, cookie::set(&value, &app.config.origin));
            Ok(response)
        }
    }
}

fn first_page(link: &ConsoleLink) -> &str {
    link.next.as_ref().map_or("/", |next| next.as_str())
}

fn used(link: &ConsoleLink, browser: Language) -> PageResult {
    let language = link.language.unwrap_or(browser);
    let words = Words::of(language);
    let way = link
        .return_to
        .as_ref()
        .map(|url| Way::Leave { url: url.as_str(), label: problem_words::Words::of(language).open_again });
    PlainPage { language, title: words.used_title, text: words.used, note: None, way }.respond(StatusCode::GONE)
}

fn refuse(reason: BadConsoleLink, language: Language) -> Result<Response, Problem> {
    let words = Words::of(language);
    let (status, title, text) = match reason {
        BadConsoleLink::Foreign => (StatusCode::NOT_FOUND, words.invalid_title, words.invalid),
        BadConsoleLink::Expired => (StatusCode::GONE, words.expired_title, words.expired),
    };
    PlainPage { language, title, text, note: None, way: None }.respond(status)
}

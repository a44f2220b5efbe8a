//! Recognises the session of a request. Pages are only shown with a valid one.

use std::sync::Arc;

use aws::lambda::preferred_language::PreferredLanguage;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::projects::console::{AfterSession, BadSessionCookie, SessionCookie};

use crate::app::App;
use crate::http::cookie;
use crate::http::problem::Problem;
use crate::http::session_cache::OpenSession;
use crate::http::visitor::Visitor;

/// What the cookies of a request say.
enum Found {
    /// A valid session, and its cookie.
    Open(Arc<OpenSession>, SessionCookie),
    /// No session, or one that is over.
    Over(AfterSession),
}

/// Lets requests with a valid session pass, and adds the [`Visitor`]. Others get a page with the way back.
pub(crate) async fn require(
    State(app): State<App>,
    PreferredLanguage(browser): PreferredLanguage,
    request: Request,
    next: Next,
) -> Response {
    let (open, cookie) = match find(&app, request.headers()).await {
        Ok(Found::Open(open, cookie)) => (open, cookie),
        Ok(Found::Over(after)) => return Problem::SessionOver(after).into_response(),
        Err(problem) => return problem.into_response(),
    };
    let renewed = match renew(&app, &cookie).await {
        Ok(renewed) => renewed,
        Err(problem) => return problem.into_response(),
    };
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::new(&app, open, &parts, browser);
    parts.extensions.insert(visitor.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // The layers that write problem pages and headers use the visitor.
    response.extensions_mut().insert(visitor);
    if let Some(value) = renewed {
        // A handler that ends the session has deleted the cookie.
        response.headers_mut().entry(SET_COOKIE).or_insert(cookie::set(&value, &app.config.origin));
    }
    response
}

/// Returns the valid session of a request, if it has one.
pub(super) async fn present(app: &App, headers: &HeaderMap) -> Result<Option<Arc<OpenSession>>, Problem> {
    match find(app, headers).await? {
        Found::Open(open, _) => Ok(Some(open)),
        Found::Over(_) => Ok(None),
    }
}

/// Finds the first valid session among the cookies.
async fn find(app: &App, headers: &HeaderMap) -> Result<Found, Problem> {
    let now = app.clock.now();
    let mut after = AfterSession::default();
    for value in cookie::values(headers, &app.config.origin) {
        let ring = app.key_ring.ring_to_open(&SessionCookie::sealed_in(value)).await;
        let ring = ring.map_err(|error| Problem::unavailable(&error))?;
        match SessionCookie::open(value, &ring, now) {
            Ok(cookie) => {
                let open = app.sessions.get(&cookie, now).await.map_err(|error| Problem::unavailable(&error))?;
                match open {
                    Some(open) => return Ok(Found::Open(open, cookie)),
                    None => after = cookie.after_session,
                }
            }
            Err(BadSessionCookie::Over(known)) => after = known,
            Err(BadSessionCookie::Foreign) => {}
        }
    }
    Ok(Found::Over(after))
}

/// Returns the value of a new cookie, if the present one is some minutes old.
async fn renew(app: &App, cookie: &SessionCookie) -> Result<Option<String>, Problem> {
    let Some(renewed) = cookie.renewed(app.clock.now()) else { return Ok(None) };
    let ring = app.key_ring.ring().await.map_err(|error| Problem::unavailable(&error))?;
    Ok(Some(renewed.seal(&ring, &*app.random)))
}

//! `/sign-out`: ends the session of this browser.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;

use crate::app::App;
use crate::entry::words::Words;
use crate::http::cookie;
use crate::http::problem::Problem;
use crate::http::response::PageResult;
use crate::http::visitor::Visitor;
use crate::layout::plain::{PlainPage, Way};

/// Ends the session. The response is a page and not a redirect to the operator, because `form-action` of the policy allows a form
/// to lead to this console only.
pub(crate) async fn sign_out(State(app): State<App>, visitor: Visitor) -> PageResult {
    let session = visitor.session();
    app.sessions.end(session, visitor.now()).await.map_err(|error| Problem::unavailable(&error))?;
    let (language, words) = (visitor.language(), Words::of(visitor.language()));
    let way = session.return_to.as_ref().map(|url| Way::Leave { url: url.as_str(), label: words.leave });
    let page = PlainPage { language, title: words.signed_out_title, text: words.signed_out, note: None, way };
    let mut response = page.respond(StatusCode::OK)?;
    response.headers_mut().insert(SET_COOKIE, cookie::delete(&app.config.origin));
    Ok(response)
}
